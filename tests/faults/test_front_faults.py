"""The front process: killed, left by its parent, refused its port or folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading

import pytest

from backend.client import (
    Connected,
    ConnectionFile,
    Finished,
    FrameArrived,
    Launcher,
    LaunchError,
    LaunchPhase,
    Lost,
    drive,
    find_backend,
)
from backend.config import BackendConfig
from backend.front.connection_claim import ConnectionFileTakenError
from backend.front.service import BindError, Service
from tests.processes import eventually, is_alive, processes_with

from .conftest import PROJECT
from .fake_worker import Fault
from .work import TIMEOUT_S, expected, request, run


def connected(backend):
    return drive(backend, lambda event: isinstance(event, Connected), TIMEOUT_S)


def test_a_killed_backend_is_started_again_and_finishes_the_job_with_the_same_bytes(backend, pid_of):
    killed = []

    def kill_at_the_first_frame(event):
        if isinstance(event, FrameArrived) and not killed:
            killed.extend([pid_of("front"), pid_of("worker")])
            os.kill(killed[0], signal.SIGKILL)

    taken = run(backend, request(Fault.SLOW), kill_at_the_first_frame)
    assert isinstance(taken.ending, Finished)
    assert taken.frames == expected(Fault.SLOW)
    assert [event for event in taken.events if isinstance(event, Lost)]
    eventually(lambda: not is_alive(killed[1]), "the worker of the killed backend still runs")


def test_the_backend_ends_with_its_parent_even_when_that_is_killed(scratch, tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from backend.client import *\n"
        f"command = [sys.executable, '-m', 'tests.faults.serve_with_fake_worker', {str(scratch)!r}]\n"
        f"launcher = Launcher(command, Path({str(tmp_path)!r}))\n"
        "backend = LocalBackend(launcher)\n"
        "drive(backend, lambda event: isinstance(event, Connected), 20)\n"
        "print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        assert parent.stdout.readline() == b"up\n"
        assert len(processes_with(str(scratch))) == 3
        parent.kill()
        parent.wait()
    eventually(lambda: not processes_with(str(scratch)), "the backend outlived its parent")


def test_closing_ends_both_processes_and_removes_the_connection_file(backend, scratch):
    connected(backend)
    file = backend.launcher.poll().connection_file
    assert file.exists()
    backend.close()
    assert not file.exists()
    eventually(lambda: not processes_with(str(scratch)), "a process outlived its backend")


def test_a_terminated_backend_removes_its_connection_file(backend, pid_of):
    connected(backend)
    file = backend.launcher.poll().connection_file
    os.kill(pid_of("front"), signal.SIGTERM)
    eventually(lambda: not file.exists(), "the connection file is still there")


def test_only_the_owner_may_read_the_connection_file(backend):
    connected(backend)
    mode = backend.launcher.poll().connection_file.stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_port_in_use_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = Service(BackendConfig(connection_file=tmp_path / "c.json", port=taken.getsockname()[1]))
        with pytest.raises(BindError, match="choose another port"):
            service.run(stop=None)
    assert not (tmp_path / "c.json").exists()


def test_a_second_backend_on_the_same_port_or_file_says_so_and_harms_nothing(backend):
    connected(backend)
    file = backend.launcher.poll().connection_file
    text = file.read_text()
    for changes, error, words in (
        ({"port": ConnectionFile.read(file).port}, BindError, "another program does; choose another port"),
        ({}, ConnectionFileTakenError, "A backend runs already"),
    ):
        with pytest.raises(error, match=words):
            Service(BackendConfig(connection_file=file, **changes)).run(threading.Event())
        assert file.read_text() == text
    assert isinstance(run(backend, request()).ending, Finished)


def test_a_running_backend_writes_its_connection_file_again(backend):
    connected(backend)
    file = backend.launcher.poll().connection_file
    text = file.read_text()
    shutil.rmtree(file.parent)
    eventually(file.exists, "nobody can find the backend any more")
    assert file.read_text() == text
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_backend_that_ends_leaves_a_connection_file_that_is_not_its_own(backend, pid_of):
    connected(backend)
    file = backend.launcher.poll().connection_file
    file.write_text("of another")
    pid = pid_of("front")
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not is_alive(pid), "the backend did not end")
    assert file.read_text() == "of another"


def test_a_runtime_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    launcher = Launcher([sys.executable], tmp_path / "file" / "run")
    with pytest.raises(LaunchError, match="can't be started"):
        launcher.start()
    assert launcher.poll().phase is LaunchPhase.FAILED


def test_a_program_that_is_no_backend_fails_with_its_last_words(tmp_path):
    launcher = Launcher([sys.executable, "-c", "raise SystemExit('I am no backend')"], tmp_path)
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.FAILED, "the launcher has not noticed")
    assert "I am no backend" in launcher.poll().sentence
    launcher.stop()


def test_a_program_that_does_not_exist_is_not_found():
    assert find_backend("/nowhere/ipoke") is None
