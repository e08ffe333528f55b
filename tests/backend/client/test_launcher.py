"""A backend's child process: started, watched, its logs kept within bounds."""

from __future__ import annotations

import os
import sys

import pytest

from backend.client import Launcher, LaunchError, LaunchPhase
from backend.client.launcher import _LOGS_KEPT
from tests.processes import eventually, is_alive

WRITES_ITS_FILE = (
    "import sys, pathlib; pathlib.Path(sys.argv[sys.argv.index('--connection-file') + 1]).touch(); sys.stdin.read(); print('bye')"
)
IGNORES_ITS_PARENT = WRITES_ITS_FILE.replace("sys.stdin.read()", "__import__('time').sleep(60)")


def started(program: str, folder) -> Launcher:
    launcher = Launcher([sys.executable, "-c", program], folder)
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the child did not start")
    return launcher


def test_a_child_is_ready_when_its_connection_file_is_there(tmp_path):
    launcher = Launcher([sys.executable, "-c", WRITES_ITS_FILE], tmp_path / "run")
    assert launcher.poll().phase is LaunchPhase.STOPPED
    launcher.start()
    assert launcher.poll().phase in (LaunchPhase.STARTING, LaunchPhase.READY)
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the child did not start")
    file = launcher.poll().connection_file
    assert file is not None
    launcher.stop()
    assert launcher.poll().phase is LaunchPhase.STOPPED
    assert not file.exists()
    assert "bye" in launcher.log_file.read_text()


def test_starting_twice_starts_one_child(tmp_path):
    launcher = started(WRITES_ITS_FILE, tmp_path)
    pid = launcher.pid
    launcher.start()
    assert launcher.pid == pid
    launcher.stop()


@pytest.mark.slow
def test_a_child_that_does_not_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("backend.client.launcher._STOP_LIMIT_S", 0.2)
    launcher = started(IGNORES_ITS_PARENT, tmp_path)
    pid = launcher.pid
    launcher.stop()
    assert not is_alive(pid)


def test_old_logs_are_removed(tmp_path):
    for _ in range(_LOGS_KEPT + 3):
        launcher = Launcher([sys.executable, "-c", ""], tmp_path)
        launcher.start()
        launcher.stop()
    assert len(list(tmp_path.glob("backend-*.log"))) == _LOGS_KEPT


def test_a_child_inherits_nothing_that_changes_what_python_runs(tmp_path, monkeypatch):
    for name in ("PATH", "HOME", "STARTUP", "WARNINGS", "OPTIMIZE", "USERBASE", "SAFEPATH"):
        monkeypatch.setenv(f"PYTHON{name}", "foreign")
    monkeypatch.setenv("LANG", "C")
    note = tmp_path / "note"
    program = f"import os, pathlib; pathlib.Path({str(note)!r}).write_text(' '.join(os.environ)); " + WRITES_ITS_FILE
    launcher = Launcher([sys.executable, "-c", program], tmp_path / "run", {"PYTHONDEVMODE": "1"})
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the child did not start")
    launcher.stop()
    names = note.read_text().split()
    assert [name for name in names if name.startswith("PYTHON")] == ["PYTHONDEVMODE"]
    assert "LANG" in names


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_runtime_folder_and_the_log_are_closed_to_others_under_any_umask(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    before = os.umask(0)
    try:
        launcher = started(WRITES_ITS_FILE, tmp_path / "run")
        launcher.stop()
    finally:
        os.umask(before)
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert launcher.log_file.stat().st_mode & 0o777 == 0o600


def test_a_runtime_folder_that_is_a_link_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "real")
    launcher = Launcher([sys.executable, "-c", ""], tmp_path / "run")
    with pytest.raises(LaunchError, match="is a link"):
        launcher.start()
    assert list((tmp_path / "real").iterdir()) == []


def test_a_child_that_says_nothing_is_told_of_as_one(tmp_path):
    launcher = Launcher([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.FAILED, "the launcher has not noticed")
    assert "ended with code 3: it said nothing" in launcher.poll().sentence


def test_a_launcher_that_started_nothing_removes_nothing(tmp_path):
    (tmp_path / "connection.json").write_text("of a backend that serves others")
    Launcher(["nothing"], tmp_path).stop()
    assert (tmp_path / "connection.json").is_file()


def test_a_folder_that_can_not_be_used_is_told_and_stopping_does_not_hide_it(tmp_path):
    (tmp_path / "run").write_text("no folder")
    launcher = Launcher(["nothing"], tmp_path / "run")
    with pytest.raises(LaunchError, match="no folder"):
        launcher.start()
    launcher.stop()
