"""The log carries job ids and stays small, also while a child writes to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.log import LogFileError, set_up_log
from tests.machine import allowed

PROJECT = Path(__file__).resolve().parents[2]
# A process and its child write to the same log, which is kept small in between.
WRITER = """
import logging, subprocess, sys
from pathlib import Path
from backend.log import keep_small, set_up_log
file = Path(sys.argv[1])
set_up_log(file)
for number in range(100):
    logging.getLogger("ipoke.test").info("finished job-%d", number)
    keep_small(file, 2000)
subprocess.run([sys.executable, "-c", "import sys; print('the child speaks', file=sys.stderr)"], check=True)
"""


def test_a_long_log_is_moved_aside_and_goes_on(tmp_path):
    file = tmp_path / "backend.log"
    subprocess.run([sys.executable, "-c", WRITER, str(file)], cwd=PROJECT, check=True, timeout=allowed(60))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backend.log", "backend.log.1"]
    assert all(path.stat().st_size < 2200 for path in tmp_path.iterdir())
    lines = ((tmp_path / "backend.log.1").read_text() + file.read_text()).splitlines()
    numbers = [int(line.rsplit("-", 1)[1]) for line in lines if "job-" in line]
    assert numbers == list(range(numbers[0], 100))
    assert lines[-1] == "the child speaks"
    assert file.stat().st_mode & 0o777 == 0o600


# A process that logs, is disturbed by whoever starts it, and then keeps its log small and logs on.
DISTURBED = """
import logging, os, sys
from pathlib import Path
from backend.log import keep_small, set_up_log
file = Path(sys.argv[1])
set_up_log(file)
log = logging.getLogger("ipoke.test")
for number in range(30):
    log.info("before %d", number)
print("go", flush=True)
sys.stdin.readline()
keep_small(file, int(sys.argv[2]))
log.info("after")
"""


@pytest.fixture
def disturbed(tmp_path) -> Callable[..., str]:
    """Run a process whose log is disturbed while it runs; returns what stands in the log at the end."""

    def run(disturb: Callable[[Path], object], most_bytes: int = 500, folder: Path = tmp_path) -> str:
        file = folder / "b.log"
        command = [sys.executable, "-c", DISTURBED, str(file), str(most_bytes)]
        with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "go\n"
            disturb(file)
            process.communicate("go on\n", timeout=allowed(30))
        assert process.returncode == 0
        return file.read_text() if file.is_file() else ""

    return run


def test_a_log_that_was_moved_away_begins_anew_and_what_was_moved_stays(disturbed, tmp_path):
    log = disturbed(lambda file: file.rename(tmp_path / "moved"))
    assert "the log begins anew" in log
    assert "after" in log
    assert "before 29" in (tmp_path / "moved").read_text()
    assert (tmp_path / "b.log").stat().st_mode & 0o777 == 0o600


def test_a_log_that_was_removed_begins_anew_also_in_a_folder_that_was_removed(disturbed, tmp_path):
    assert "after" in disturbed(Path.unlink)
    (tmp_path / "run").mkdir()
    assert disturbed(lambda file: shutil.rmtree(file.parent), folder=tmp_path / "run") == ""


@pytest.mark.parametrize("other", ["link", "folder", "pipe", "notes"])
def test_what_stands_in_the_rotated_logs_place_is_kept(disturbed, tmp_path, other):
    place, notes = tmp_path / "b.log.1", tmp_path / "notes"
    notes.write_text("somebody's notes")
    make = {
        "link": lambda: place.symlink_to(notes),
        "folder": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
        "notes": lambda: shutil.copy(notes, place),
    }
    make[other]()
    before = place.lstat()
    log = disturbed(lambda file: None)
    assert "before" not in log
    assert "after" in log
    assert notes.read_text() == "somebody's notes"
    assert (place.lstat().st_ino, place.lstat().st_size) == (before.st_ino, before.st_size)


def test_a_rotated_log_is_closed_to_others(disturbed, tmp_path):
    (tmp_path / "b.log.1").write_text("2026-01-01 00:00:00 ipoke.service INFO an older log\n")
    (tmp_path / "b.log.1").chmod(0o644)
    disturbed(lambda file: None)
    assert "before 29" in (tmp_path / "b.log.1").read_text()
    assert (tmp_path / "b.log.1").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_ends_no_service(disturbed):
    assert "after" in disturbed(lambda file: file.with_name("b.log.1").symlink_to("/dev/full"))


@pytest.mark.parametrize(
    ("other", "words"),
    [("link", "it is a link"), ("pipe", "no regular file"), ("notes", "holds something else"), ("none", "No such file")],
)
def test_what_is_no_log_is_not_written_to(tmp_path, other, words):
    notes = tmp_path / "notes"
    notes.write_text("somebody's notes")
    (tmp_path / "link").symlink_to(notes)
    os.mkfifo(tmp_path / "pipe")
    file = tmp_path / other if other != "none" else tmp_path / "no" / "folder"
    with pytest.raises(LogFileError, match=words):
        set_up_log(file)
    assert notes.read_text() == "somebody's notes"


def test_notes_about_the_product_are_no_log(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("how to use ipoke. and more\n")
    with pytest.raises(LogFileError, match="holds something else"):
        set_up_log(notes)
    assert notes.read_text() == "how to use ipoke. and more\n"
