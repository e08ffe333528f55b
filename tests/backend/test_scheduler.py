"""The job state machine: every job ends exactly once, whatever dies."""

from __future__ import annotations

import dataclasses
import random

import pytest

from backend.protocol import limits
from backend.protocol import messages as m
from backend.protocol.errors import ErrorCode
from backend.scheduler import DEATHS, Effect, Run, Scheduler, Stop, Tell

from .protocol.examples import SAMPLE, SHA, SUMMARY

ANNA, BERT = b"anna", b"bert"
ENDINGS = (m.Finished, m.Failed, m.Cancelled)


def job(name: str, **changes) -> m.Sample:
    return dataclasses.replace(SAMPLE, job_id=name, **changes)


def told(effects: list[Effect], client: bytes = ANNA) -> list[m.Message]:
    return [effect.message for effect in effects if isinstance(effect, Tell) and effect.client == client]


def runs(effects: list[Effect]) -> list[str]:
    return [effect.message.job_id for effect in effects if isinstance(effect, Run)]


def finished(name: str) -> m.Finished:
    return m.Finished(name, SUMMARY)


@pytest.fixture
def ready() -> Scheduler:
    scheduler = Scheduler()
    scheduler.worker_ready()
    return scheduler


def test_a_job_runs_at_once_when_the_worker_is_idle(ready):
    effects = ready.submit(ANNA, job("a"), has_plate=True)
    assert told(effects) == [m.Queued("a", 0), m.Started("a")]
    assert runs(effects) == ["a"]


def test_a_job_waits_for_the_worker():
    scheduler = Scheduler()
    assert runs(scheduler.submit(ANNA, job("a"), has_plate=True)) == []
    assert runs(scheduler.worker_ready()) == ["a"]


def test_a_job_waits_for_its_plate_and_others_pass_it(ready):
    assert m.NeedPlate(SHA) in told(ready.submit(ANNA, job("a"), has_plate=False))
    assert runs(ready.submit(ANNA, job("b", plate_sha256="cd" * 32), has_plate=True)) == ["b"]
    assert runs(ready.plate_arrived(ANNA, SHA)) == []
    assert runs(ready.worker_said(finished("b"))) == ["a"]


def test_the_same_job_twice_runs_once(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    effects = ready.submit(ANNA, job("a"), has_plate=True)
    assert told(effects) == [m.Started("a")]
    assert runs(effects) == []
    assert runs(ready.worker_said(finished("a"))) == []


def test_a_job_id_with_another_content_is_refused(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    (refused,) = told(ready.submit(ANNA, job("a", seed=8), has_plate=True))
    assert isinstance(refused, m.Refused)


def test_two_clients_may_use_the_same_job_id_and_hear_only_their_own(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    ready.submit(BERT, job("a"), has_plate=True)
    effects = ready.worker_said(m.Frame("a", 0, 1), (b"png",))
    assert effects == [Tell(ANNA, m.Frame("a", 0, 1), (b"png",))]
    effects = ready.worker_said(finished("a"))
    assert told(effects, ANNA) == [finished("a")]
    assert told(effects, BERT) == [m.Started("a")]


def test_clients_take_turns(ready):
    for name in "123":
        ready.submit(ANNA, job(f"a{name}"), has_plate=True)
    for name in "12":
        ready.submit(BERT, job(f"b{name}"), has_plate=True)
    order, current = ["a1"], "a1"
    while following := runs(ready.worker_said(finished(current))):
        (current,) = following
        order.append(current)
    assert order == ["a1", "b1", "a2", "b2", "a3"]


def test_a_client_may_have_so_many_jobs_and_no_more(ready):
    for number in range(limits.JOBS_PER_CLIENT):
        ready.submit(ANNA, job(f"a{number}"), has_plate=True)
    (failed,) = told(ready.submit(ANNA, job("one-more"), has_plate=True))
    assert isinstance(failed, m.Failed)
    assert failed.error.code is ErrorCode.QUOTA
    assert isinstance(told(ready.submit(BERT, job("b"), has_plate=True), BERT)[0], m.Queued)


def test_a_waiting_job_is_cancelled_at_once(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    ready.submit(ANNA, job("b"), has_plate=True)
    assert told(ready.cancel(ANNA, "b")) == [m.Cancelled("b")]
    assert runs(ready.worker_said(finished("a"))) == []


def test_a_running_job_is_cancelled_by_the_worker_and_says_nothing_more(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    assert ready.cancel(ANNA, "a") == [Stop("a")]
    assert ready.cancel(ANNA, "a") == []
    assert ready.worker_said(m.Frame("a", 0, 1), (b"png",)) == []
    assert told(ready.worker_said(m.Cancelled("a"))) == [m.Cancelled("a")]


def test_a_job_that_ends_while_it_is_cancelled_counts_as_cancelled(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    ready.cancel(ANNA, "a")
    assert told(ready.worker_said(finished("a"))) == [m.Cancelled("a")]


def test_cancelling_an_unknown_job_says_cancelled(ready):
    assert told(ready.cancel(ANNA, "nobody")) == [m.Cancelled("nobody")]


def test_a_client_cannot_cancel_the_job_of_another(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    effects = ready.cancel(BERT, "a")
    assert told(effects, BERT) == [m.Cancelled("a")]
    assert not [effect for effect in effects if isinstance(effect, Stop)]
    assert told(ready.worker_said(finished("a")), ANNA) == [finished("a")]


def test_a_job_goes_on_with_the_next_worker_and_keeps_what_is_done(ready):
    ready.submit(ANNA, job("a", first=2, samples=3), has_plate=True)
    ready.worker_said(m.VariantDone("a", 2, (SHA,)))
    assert told(ready.worker_died()) == [m.Restarted("a", 1)]
    (run,) = [effect for effect in ready.worker_ready() if isinstance(effect, Run)]
    assert (run.message.first, run.message.samples) == (3, 2)


def test_the_job_of_a_dead_worker_goes_first(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    ready.submit(BERT, job("b"), has_plate=True)
    ready.worker_died()
    assert runs(ready.worker_ready()) == ["a"]


def test_a_job_that_kills_three_workers_is_poison_and_the_queue_goes_on(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    ready.submit(BERT, job("b"), has_plate=True)
    for _ in range(DEATHS - 1):
        assert isinstance(told(ready.worker_died())[0], m.Restarted)
        assert runs(ready.worker_ready()) == ["a"]
    (failed,) = told(ready.worker_died())
    assert isinstance(failed, m.Failed)
    assert failed.error.code is ErrorCode.POISON
    assert runs(ready.worker_ready()) == ["b"]


def test_a_job_that_is_cancelled_while_the_worker_dies_is_cancelled(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    ready.cancel(ANNA, "a")
    assert told(ready.worker_died()) == [m.Cancelled("a")]


def test_without_a_worker_every_job_fails_with_the_reason(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    ready.submit(ANNA, job("b"), has_plate=True)
    error = m.ErrorInfo(ErrorCode.NO_WORKER, "No torch.")
    assert told(ready.give_up(error)) == [m.Failed("a", error), m.Failed("b", error)]
    assert told(ready.submit(ANNA, job("c"), has_plate=True)) == [m.Failed("c", error)]


def test_a_client_that_goes_takes_its_jobs_along(ready):
    ready.submit(ANNA, job("a1"), has_plate=True)
    ready.submit(ANNA, job("a2"), has_plate=True)
    ready.submit(BERT, job("b"), has_plate=True)
    assert ready.drop_client(ANNA) == [Stop("a1")]
    effects = ready.worker_said(m.Cancelled("a1"))
    assert told(effects) == []
    assert runs(effects) == ["b"]


def test_a_client_that_does_not_read_makes_room_and_goes_on_later(ready):
    ready.submit(ANNA, job("a"), has_plate=True)
    ready.submit(BERT, job("b"), has_plate=True)
    assert ready.hold(ANNA) == [Stop("a")]
    effects = ready.worker_said(m.Cancelled("a"))
    assert told(effects) == []
    assert runs(effects) == ["b"]
    assert runs(ready.worker_said(finished("b"))) == []
    assert runs(ready.release(ANNA)) == ["a"]


def test_a_plate_that_is_refused_ends_the_jobs_that_wait_for_it(ready):
    ready.submit(ANNA, job("a"), has_plate=False)
    error = m.ErrorInfo(ErrorCode.QUOTA, "Too large.")
    assert told(ready.plate_refused(ANNA, SHA, error)) == [m.Failed("a", error)]


@pytest.mark.parametrize("seed", range(30))
def test_every_job_ends_exactly_once_under_random_faults(seed):
    generator = random.Random(seed)
    scheduler, ended, submitted = Scheduler(), [], []
    worker_up, on_worker = False, None

    def follow(effects: list[Effect]) -> None:
        nonlocal on_worker
        for effect in effects:
            if isinstance(effect, Tell) and isinstance(effect.message, ENDINGS):
                ended.append((effect.client, effect.message.job_id))
            elif isinstance(effect, Run):
                assert worker_up
                assert on_worker is None
                on_worker = effect.message

    def worker_ends(message: m.Message) -> None:
        nonlocal on_worker
        on_worker = None
        follow(scheduler.worker_said(message))

    for step in range(400):
        action = generator.randrange(7 if step < 300 else 3)
        client = generator.choice([ANNA, BERT])
        if action == 0 and not worker_up:
            worker_up = True
            follow(scheduler.worker_ready())
        elif action in (1, 2) and on_worker is not None:
            worker_ends(finished(on_worker.job_id))
        elif action == 3 and worker_up:
            worker_up, on_worker = False, None
            follow(scheduler.worker_died())
        elif action in (4, 5):
            name = f"{client.decode()}-{step}"
            submitted.append((client, name))
            follow(scheduler.submit(client, job(name), has_plate=True))
        elif action == 6 and submitted:
            owner, name = generator.choice(submitted)
            if (owner, name) not in ended:
                follow(scheduler.cancel(owner, name))
    worker_up = True
    follow(scheduler.worker_ready()) if not scheduler.is_busy else None
    while on_worker is not None:
        worker_ends(finished(on_worker.job_id))
    assert sorted(ended) == sorted(submitted)
