"""Several clients at one backend: nobody sees or waits for another's troubles."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from backend.client import Connected, Connection, Finished, FrameArrived, LaunchPhase, Session, drive
from tests.processes import eventually

from .fake_worker import Fault
from .work import ENDINGS, TIMEOUT_S, Taken, expected, request, run, until


@pytest.fixture
def sessions(launcher) -> Iterator[list[Session]]:
    """Three clients of one backend."""
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start")
    file = launcher.poll().connection_file
    opened = [Session(Connection.open(file)) for _ in range(3)]
    for session in opened:
        drive(session, lambda event: isinstance(event, Connected), TIMEOUT_S)
    yield opened
    for session in opened:
        session.close()
    launcher.stop()


def test_clients_hear_only_their_own_jobs_even_with_equal_ids(sessions):
    asked = request(Fault.SLOW)
    taken = [Taken() for _ in sessions]
    for session in sessions:
        session.submit(asked)
    deadline = time.monotonic() + TIMEOUT_S
    while any(session.open_jobs for session in sessions) and time.monotonic() < deadline:
        for session, mine in zip(sessions, taken, strict=True):
            for event in session.poll(time.monotonic()):
                mine.take(event)
        sessions[0].wait(0.01)
    for mine in taken:
        assert mine.frames == expected(Fault.SLOW)
        assert len([event for event in mine.events if isinstance(event, ENDINGS)]) == 1
        assert len([event for event in mine.events if isinstance(event, FrameArrived)]) == len(mine.frames)


def test_a_client_that_does_not_read_costs_the_others_nothing_and_loses_nothing(sessions):
    sleeper, worker, _ = sessions
    asked = request(Fault.LARGE, samples=8)
    sleeper.submit(asked)
    taken = Taken()
    drive(sleeper, until(FrameArrived, asked.job_id), TIMEOUT_S, taken.take)
    assert isinstance(run(worker, request()).ending, Finished)
    drive(sleeper, until(ENDINGS, asked.job_id), TIMEOUT_S, taken.take)
    assert isinstance(taken.events[-1], Finished)
    assert len(taken.frames) == 80


def test_a_network_that_drops_the_connection_costs_no_frame(sessions):
    session = sessions[0]
    asked = request(Fault.SLOW)
    taken = Taken()
    session.submit(asked)
    drive(session, until(FrameArrived, asked.job_id), TIMEOUT_S, taken.take)
    link = session._link
    endpoint = link._socket.last_endpoint
    link._socket.disconnect(endpoint)
    link._socket.connect(endpoint)
    drive(session, until(ENDINGS, asked.job_id), TIMEOUT_S, taken.take)
    assert isinstance(taken.events[-1], Finished)
    assert taken.frames == expected(Fault.SLOW)
