"""What a command says never fails the work that it tells of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.commands import console
from tests.machine import allowed

PROJECT = Path(__file__).resolve().parents[3]
IPOKE = [sys.executable, "-P", "-m", "backend"]
PRINTS = """
import sys
from backend import cli
cli.doctor.run = lambda arguments: cli.console.say({text!r} * {times}) or 0
sys.exit(cli.main())
"""


def run(command: list[str], **changes: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), **changes}
    return subprocess.run(command, capture_output=True, env=environment, timeout=allowed(60), check=False)


def shell(line: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    return run(["bash", "-c", line, "bash", *words])


def doctor(text: str, times: int = 1) -> list[str]:
    """A command that prints a text where `ipoke doctor` prints its findings."""
    return [sys.executable, "-P", "-c", PRINTS.format(text=text, times=times), "doctor"]


def test_a_code_page_that_lacks_a_character_shows_its_number():
    done = run(doctor("Büsche 植物 f\udcff"), PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode("cp1252").strip() == r"Büsche \u690d\u7269 f\udcff"


def test_a_name_that_is_no_text_is_told_in_any_encoding():
    done = run(doctor("f\udcff"), PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stdout.strip()) == (0, rb"f\udcff")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell of Unix")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [[*IPOKE, "--help"], [*IPOKE, "models"], doctor("a line\n", 50_000)])
def test_a_pipe_that_nobody_reads_ends_the_command_quietly(command, unbuffered):
    line = f'export PYTHONUNBUFFERED={unbuffered}; "$@" | true; echo "${{PIPESTATUS[0]}}"'
    done = shell(line, *command)
    assert done.stderr == b""
    assert int(done.stdout) in (0, console.CLOSED_PIPE_CODE)  # 0 where all was written before the pipe was closed


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell of Unix")
def test_a_pipe_that_is_closed_before_is_told_by_the_exit_code():
    line = 'exec 3> >(true); wait $!; "$@" >&3; echo $?'
    done = shell(line, *doctor("a line"))
    assert (done.stdout.strip(), done.stderr) == (b"141", b"")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell of Unix")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_change_nothing(closed, tmp_path):
    keys = tmp_path / "keys"
    done = shell(f'"$@" {closed}', *IPOKE, "keygen", "-o", str(keys))
    assert done.returncode == 0, done.stderr
    assert keys.read_text().startswith('{"public": ')
    assert shell(f'"$@" {closed}', *IPOKE, "keygen", "-o", str(keys)).returncode == 2


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_can_not_be_written_is_a_sentence(unbuffered):
    done = shell(f'export PYTHONUNBUFFERED={unbuffered}; "$@" > /dev/full', *doctor("a line"))
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "ipoke: Standard output can't be written (No space left on device); the work itself is done."
    ]


def test_a_sentence_stays_one_line_and_does_nothing_to_the_terminal(tmp_path):
    done = run([*IPOKE, "poke", str(tmp_path / "new\nline\x1b[2J.png"), "--poke", "0.5,0.4:0.6,0.3"])
    (line,) = done.stderr.decode().splitlines()
    assert r"new\x0aline\x1b[2J.png" in line
    assert done.returncode == 2
