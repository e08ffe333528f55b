"""Questions for a thing come through dead and stalled workers, go before waiting jobs, and end when they are cancelled."""

from __future__ import annotations

import dataclasses

from backend.client import Cancelled, FrameArrived, Restarted, Stroke, ThingArrived, ThingOrigin, ThingRequest, drive, new_job_id

from .fake_worker import MASK, Fault
from .work import ENDINGS, TIMEOUT_S, expected, request, run, session_of, until


def question(fault: Fault = Fault.NONE) -> ThingRequest:
    return ThingRequest(new_job_id(), b"plate", (Stroke(((0.5, 0.5),)),), long_side_px=int(fault))


def ask(backend, asked: ThingRequest, events: list | None = None) -> ThingArrived:
    session_of(backend).submit(asked)
    ending = drive(backend, until((*ENDINGS, ThingArrived), asked.job_id), TIMEOUT_S, None if events is None else events.append)
    assert isinstance(ending, ThingArrived)
    return ending


def test_a_question_brings_its_masks_and_ends(backend):
    answer = ask(backend, question())
    assert (answer.found.origin, answer.mask) == (ThingOrigin.ALPHA, MASK)
    assert not session_of(backend).open_jobs


def test_a_question_goes_before_waiting_jobs_of_its_client(backend, scratch):
    session = session_of(backend)
    running, waiting, asked = request(Fault.SLOW), request(), question()
    session.submit(running)
    drive(backend, until(FrameArrived, running.job_id), TIMEOUT_S)
    session.submit(waiting)
    ask(backend, asked)
    drive(backend, until(ENDINGS, waiting.job_id), TIMEOUT_S)
    notes = [line.split()[0] for line in (scratch / "jobs").read_text().splitlines()]
    assert notes == [running.job_id, asked.job_id, waiting.job_id]


def test_a_question_whose_worker_dies_or_stalls_is_asked_again(backend):
    for fault in (Fault.DIES_ONCE, Fault.STALLS_ONCE):
        events: list = []
        assert ask(backend, question(fault), events).mask == MASK
        assert [event.attempt for event in events if isinstance(event, Restarted)] == [1]


def test_a_question_that_is_cancelled_while_another_job_runs_never_reaches_a_worker(backend, scratch):
    session = session_of(backend)
    running, asked = request(Fault.SLOW), question()
    session.submit(running)
    drive(backend, until(FrameArrived, running.job_id), TIMEOUT_S)
    session.submit(asked)
    session.cancel(asked.job_id)
    drive(backend, until(Cancelled, asked.job_id), TIMEOUT_S)
    taken = run(backend, dataclasses.replace(request(), plate=b"another"))
    assert taken.frames == expected(Fault.NONE)
    assert asked.job_id not in (scratch / "jobs").read_text()
