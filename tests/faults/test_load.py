"""Four clients with 250 jobs each, beside one that never reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.client import Connected, Connection, LaunchPhase, Session, drive
from benchmarks.load import Crowd
from benchmarks.soak import soak
from tests.processes import eventually

from .fake_worker import FRAMES, Fault
from .work import TIMEOUT_S, request

CLIENTS, JOBS = 4, 250


@pytest.fixture
def connection_file(launcher) -> Iterator[Path]:
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start")
    yield launcher.poll().connection_file
    launcher.stop()


@pytest.mark.timeout(300)
def test_every_job_ends_once_and_no_client_waits_twice_as_long_as_the_others(connection_file):
    deaf = Session(Connection.open(connection_file))
    drive(deaf, lambda event: isinstance(event, Connected), TIMEOUT_S)
    for _ in range(8):
        deaf.submit(request(Fault.LARGE, samples=8))
    crowd = Crowd(connection_file, CLIENTS, lambda: request(samples=1))
    crowd.run_jobs(JOBS)
    crowd.close()
    deaf.close()
    mean_s = sum(member.mean_wait_s for member in crowd.members) / CLIENTS
    for member in crowd.members:
        assert member.endings.keys() == member.submitted_s.keys()
        assert set(member.endings.values()) == {1}
        assert member.failed == 0
        assert member.frame_bytes == JOBS * FRAMES * 192
        assert member.mean_wait_s < 2 * mean_s
    print(f"{CLIENTS * JOBS} jobs, mean wait {mean_s:.3f} s, of each client", [f"{m.mean_wait_s:.3f}" for m in crowd.members])


def test_steady_load_leaves_memory_handles_and_threads_flat():
    # A short run has a short warm-up; the ten minutes of `python -m benchmarks.soak` must stay under 2 %.
    assert soak(20.0, fake=True, limit=0.05)
