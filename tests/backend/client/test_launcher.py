"""A backend's child process: started, watched, its logs kept within bounds."""

from __future__ import annotations

import sys

from backend.client import Launcher, LaunchPhase
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
