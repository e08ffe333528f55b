"""A worker that dies, stalls or never comes up costs nobody a job."""

from __future__ import annotations

import os
import random
import signal

import pytest

from backend.client import (
    Cancelled,
    Connected,
    Connection,
    ErrorCode,
    Failed,
    Finished,
    FrameArrived,
    LauncherState,
    LocalBackend,
    Lost,
    Session,
    drive,
)
from tests.machine import allowed

from .fake_worker import FRAMES, Fault
from .work import ENDINGS, TIMEOUT_S, expected, request, run, until


def connected(backend: LocalBackend) -> LauncherState:
    drive(backend, lambda event: isinstance(event, Connected), TIMEOUT_S)
    return backend.launcher.poll()


def test_a_job_brings_every_frame_once(backend):
    taken = run(backend, request())
    assert isinstance(taken.ending, Finished)
    assert taken.frames == expected(Fault.NONE)
    assert len([event for event in taken.events if isinstance(event, FrameArrived)]) == len(taken.frames)


def test_a_killed_worker_is_replaced_and_the_job_finished_with_the_same_bytes(backend, pid_of):
    killed = []

    def kill_at_the_first_frame(event):
        if isinstance(event, FrameArrived) and not killed:
            killed.append(pid_of("worker"))
            os.kill(killed[0], signal.SIGKILL)

    taken = run(backend, request(Fault.SLOW), kill_at_the_first_frame)
    assert isinstance(taken.ending, Finished)
    assert taken.restarts == [1]
    assert taken.frames == expected(Fault.SLOW)
    assert pid_of("worker") != killed[0]


def test_a_variant_that_is_done_is_not_computed_again(backend, scratch):
    asked = request(Fault.DIES_ONCE)
    taken = run(backend, asked)
    assert isinstance(taken.ending, Finished)
    assert (scratch / "jobs").read_text().split("\n")[:2] == [f"{asked.job_id} 0 3", f"{asked.job_id} 1 2"]


def test_a_stalled_worker_is_killed_and_replaced(backend):
    taken = run(backend, request(Fault.STALLS_ONCE))
    assert isinstance(taken.ending, Finished)
    assert taken.restarts == [1]
    assert taken.frames == expected(Fault.STALLS_ONCE)


def test_a_job_that_kills_three_workers_ends_and_the_next_one_runs(backend):
    poison = request(Fault.ALWAYS_DIES)
    events = []
    backend.session.submit(poison)
    taken = run(backend, request(), events.append)
    assert isinstance(taken.ending, Finished)
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.job_id == poison.job_id
    assert failed.error.code is ErrorCode.POISON


def test_poison_under_another_id_and_from_another_client_ends_nothing_for_the_others(backend):
    file = connected(backend).connection_file
    sessions = [Session(Connection.open(file)) for _ in range(2)]
    try:
        for session in sessions:
            taken = run(session, request(Fault.ALWAYS_DIES))
            assert isinstance(taken.ending, Failed)
            assert taken.ending.error.code is ErrorCode.POISON
        assert not taken.restarts, "the second try did not reach a worker"
        assert isinstance(run(sessions[0], request()).ending, Finished)
    finally:
        for session in sessions:
            session.close()


@pytest.mark.parametrize(
    ("fault", "words"), [(Fault.FAILS_AT_START, "crashed 5 times"), (Fault.CAN_NOT_LOAD, "There is no torch")]
)
def test_a_worker_that_never_comes_up_ends_in_a_sentence(backend, scratch, fault, words):
    (scratch / fault.name).touch()
    taken = run(backend, request())
    assert isinstance(taken.ending, Failed)
    assert taken.ending.error.code is ErrorCode.NO_WORKER
    assert words in taken.ending.error.sentence
    assert [event for event in taken.events if isinstance(event, Lost)]


def test_a_worker_that_comes_up_after_all_ends_the_trouble(backend, scratch):
    (scratch / Fault.FAILS_AT_START.name).touch()
    assert isinstance(run(backend, request()).ending, Failed)
    (scratch / Fault.FAILS_AT_START.name).unlink()
    drive(backend, lambda event: isinstance(event, Connected), TIMEOUT_S)
    assert isinstance(run(backend, request()).ending, Finished)


def test_a_cancelled_job_ends_in_under_a_second_and_the_next_one_runs(backend):
    asked = request(Fault.SLOW, samples=60)
    backend.session.submit(asked)
    drive(backend, until(FrameArrived, asked.job_id), TIMEOUT_S)
    backend.session.cancel(asked.job_id)
    assert isinstance(drive(backend, until(ENDINGS, asked.job_id), allowed(1.0)), Cancelled)
    assert isinstance(run(backend, request()).ending, Finished)


KILLS = 20


def test_a_worker_killed_at_twenty_random_points_costs_no_frame(backend, pid_of, scratch):
    generator = random.Random(7)
    for number in range(KILLS):
        at, killed = generator.randrange(3 * FRAMES), []

        def kill(event, at=at, killed=killed):
            if isinstance(event, FrameArrived) and event.variant * FRAMES + event.t > at and not killed:
                killed.append(pid_of("worker"))
                os.kill(killed[0], signal.SIGKILL)

        taken = run(backend, request(Fault.STEADY), kill)
        assert killed, f"kill {number} at frame {at}"
        assert isinstance(taken.ending, Finished), f"kill {number} at frame {at}"
        assert taken.frames == expected(Fault.STEADY)
        assert len([event for event in taken.events if isinstance(event, Finished)]) == 1
