"""Commands, exit codes and sentences."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend import cli
from backend.commands import children, doctor
from backend.protocol.errors import IpokeError
from backend.protocol.version import PRODUCT_VERSION

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("command", "module"), [(name, module) for name, (module, _) in cli._PROGRAMS.items()])
def test_what_needs_torch_runs_in_a_child_with_its_own_arguments(monkeypatch, command, module):
    seen = []
    monkeypatch.setattr(children, "run_module", lambda name, words: seen.append((name, words)) or 0)
    assert cli.main([command, "clips", "-o", "model", "--help"]) == 0
    assert seen == [(module, ["clips", "-o", "model", "--help"])]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows can't replace a process")
def test_what_kills_the_command_kills_its_work():
    entry = "import sys; from backend import cli; cli._PROGRAMS['train'] = ('tests.backend.commands.ending', ''); cli.main()"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", entry, "train", "late"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        try:
            assert int(process.stdout.readline()) == process.pid
        finally:
            process.kill()


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ending:
        cli.main(["--version"])
    assert ending.value.code == 0
    assert capsys.readouterr().out.strip() == f"ipoke {PRODUCT_VERSION}"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    told = capsys.readouterr().out
    for name in (*cli._COMMANDS, *cli._PROGRAMS):
        assert name in told


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (IpokeError("A known trouble."), 1, "A known trouble."),
        (RuntimeError("surprise"), 1, "This should not happen"),
        (KeyboardInterrupt(), 1, "Interrupted."),
    ],
)
def test_an_error_is_one_sentence_without_traceback(monkeypatch, capsys, error, code, words):
    def fail(arguments):
        raise error

    monkeypatch.setattr(doctor, "run", fail)
    assert cli.main(["doctor"]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_debug_shows_the_traceback(monkeypatch, capsys):
    def fail(arguments):
        raise IpokeError("A known trouble.")

    monkeypatch.setattr(doctor, "run", fail)
    assert cli.main(["doctor", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("exit_code", "expected"), [(0, 0), (2, 2), (1, 1), (7, 1)])
def test_a_childs_exit_code_becomes_ours(exit_code, expected):
    assert children.run_module("tests.backend.commands.ending", [str(exit_code)]) == expected


def test_a_command_that_can_not_run_counts_as_failed():
    assert children.read_output(["/nowhere/program"], 5)[0] == 1
    assert children.read_output([sys.executable, "-c", "input()"], 0.2)[0] == 1
