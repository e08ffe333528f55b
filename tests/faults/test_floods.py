"""Floods against a real front: its memory has a bound and is free soon after; it outlives a lack of handles."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from backend.client import Connected, Connection, ConnectionFile, Finished, Launcher, LaunchPhase, Session, drive
from benchmarks.floods import MOST_FREE_S, measure
from tests.machine import allowed
from tests.processes import cpu_s, eventually

from .conftest import PROJECT
from .work import TIMEOUT_S, request, run

FEW_HANDLES = 160
_WITH_FEW_HANDLES = f"""
import resource, runpy
resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW_HANDLES}, {FEW_HANDLES}))
runpy.run_module("tests.faults.serve_with_fake_worker", run_name="__main__")
"""
_SLEEPER = """
import sys, time
from pathlib import Path
from backend.client import Connection, Session, Connected, drive
from tests.faults.fake_worker import Fault
from tests.faults.work import request
session = Session(Connection.open(Path(sys.argv[1])))
drive(session, lambda event: isinstance(event, Connected), 30)
for _ in range(3):
    session.submit(request(Fault.NONE, samples=64))
end_s = time.monotonic() + 1.0
while time.monotonic() < end_s:
    session.poll(time.monotonic(), 0.0)
    time.sleep(0.1)
print("asleep", flush=True)
time.sleep(8)
print("awake", flush=True)
"""


@pytest.mark.parametrize(("flood", "most_mb"), [("parts", 150), ("unfinished-files", 350)])
def test_memory_has_a_bound_and_is_free_half_a_minute_after_the_flood(flood, most_mb):
    row = measure(flood, seconds=5.0)
    assert row.most_mb - row.before_mb < most_mb
    assert row.free_s < MOST_FREE_S
    assert row.cpu_after < 0.5


def test_a_lack_of_handles_is_survived_and_the_owner_gets_in_meanwhile(scratch, tmp_path):
    launcher = Launcher([sys.executable, "-c", _WITH_FEW_HANDLES, str(scratch)], tmp_path / "run", {"PYTHONPATH": str(PROJECT)})
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start", 30.0)
    target = ConnectionFile.read(launcher.poll().connection_file)
    strangers: list[socket.socket] = []
    try:
        for _ in range(3 * FEW_HANDLES):
            with contextlib.suppress(OSError):
                strangers.append(socket.create_connection(("127.0.0.1", target.port), timeout=1.0))
        assert len(strangers) > FEW_HANDLES
        with contextlib.closing(Session(Connection(target))) as owner:
            drive(owner, lambda event: isinstance(event, Connected), TIMEOUT_S)
            assert isinstance(run(owner, request()).ending, Finished)
            before_s = cpu_s(target.pid)
            time.sleep(1.0)
            assert cpu_s(target.pid) - before_s < 0.5
    finally:
        for stranger in strangers:
            stranger.close()
        launcher.stop()


def test_a_client_that_is_busy_elsewhere_outlives_a_backend_that_dies_with_much_on_the_way(backend, launcher, pid_of):
    run(backend, request())
    file = launcher.poll().connection_file
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with subprocess.Popen([sys.executable, "-c", _SLEEPER, str(file)], stdout=subprocess.PIPE, env=environment) as sleeper:
        try:
            assert sleeper.stdout.readline() == b"asleep\n"
            time.sleep(2.0)
            os.kill(pid_of("front"), signal.SIGKILL)
            assert sleeper.stdout.readline() == b"awake\n"
            assert sleeper.wait(allowed(10)) == 0
        finally:
            sleeper.kill()
