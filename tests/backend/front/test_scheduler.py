"""The job state machine: every job ends exactly once, whatever dies."""

from __future__ import annotations

import dataclasses
import random

import pytest

from backend.front.poison import DEATHS, REFUSED_S
from backend.front.scheduler import Effect, Run, Scheduler, Stop, Tell
from backend.protocol import limits
from backend.protocol import messages as m
from backend.protocol.errors import ErrorCode
from ipoke_values import Sampling

from ..protocol.examples import SAMPLE, SHA, SUMMARY

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
    scheduler.worker_ready(0)
    return scheduler


def test_a_job_runs_at_once_when_the_worker_is_idle(ready):
    effects = ready.submit(ANNA, job("a"))
    assert told(effects) == [m.Queued("a", 0), m.Started("a")]
    assert runs(effects) == ["a"]


def test_a_job_waits_for_the_worker():
    scheduler = Scheduler()
    assert runs(scheduler.submit(ANNA, job("a"))) == []
    assert runs(scheduler.worker_ready(0)) == ["a"]


def test_a_job_waits_for_its_plate_and_others_pass_it(ready):
    assert m.NeedUpload(SHA) in told(ready.submit(ANNA, job("a"), missing=(SHA,)))
    assert runs(ready.submit(ANNA, job("b", plate_sha256="cd" * 32))) == ["b"]
    assert runs(ready.upload_arrived(ANNA, SHA)) == []
    assert runs(ready.worker_said(0, finished("b"))) == ["a"]


def test_the_same_job_twice_runs_once(ready):
    ready.submit(ANNA, job("a"))
    effects = ready.submit(ANNA, job("a"))
    assert told(effects) == [m.Started("a")]
    assert runs(effects) == []
    assert runs(ready.worker_said(0, finished("a"))) == []


def test_a_job_id_with_another_content_is_refused(ready):
    ready.submit(ANNA, job("a"))
    (refused,) = told(ready.submit(ANNA, job("a", sampling=Sampling(8))))
    assert isinstance(refused, m.Refused)


def test_two_clients_may_use_the_same_job_id_and_hear_only_their_own(ready):
    ready.submit(ANNA, job("a"))
    ready.submit(BERT, job("a"))
    effects = ready.worker_said(0, m.Frame("a", 0, 1), (b"png",))
    assert effects == [Tell(ANNA, m.Frame("a", 0, 1), (b"png",))]
    effects = ready.worker_said(0, finished("a"))
    assert told(effects, ANNA) == [finished("a")]
    assert told(effects, BERT) == [m.Started("a")]


def test_clients_take_turns(ready):
    for name in "123":
        ready.submit(ANNA, job(f"a{name}"))
    for name in "12":
        ready.submit(BERT, job(f"b{name}"))
    order, current = ["a1"], "a1"
    while following := runs(ready.worker_said(0, finished(current))):
        (current,) = following
        order.append(current)
    assert order == ["a1", "b1", "a2", "b2", "a3"]


def test_a_client_may_have_so_many_jobs_and_no_more(ready):
    for number in range(limits.JOBS_PER_CLIENT):
        ready.submit(ANNA, job(f"a{number}"))
    (failed,) = told(ready.submit(ANNA, job("one-more")))
    assert isinstance(failed, m.Failed)
    assert failed.error.code is ErrorCode.QUOTA
    assert isinstance(told(ready.submit(BERT, job("b")), BERT)[0], m.Queued)


def test_a_waiting_job_is_cancelled_at_once(ready):
    ready.submit(ANNA, job("a"))
    ready.submit(ANNA, job("b"))
    assert told(ready.cancel(ANNA, "b")) == [m.Cancelled("b")]
    assert runs(ready.worker_said(0, finished("a"))) == []


def test_a_running_job_is_cancelled_at_once_and_its_worker_stops_as_soon_as_it_can(ready):
    ready.submit(ANNA, job("a"))
    ready.submit(BERT, job("b"))
    assert ready.cancel(ANNA, "a") == [Stop(0, "a"), Tell(ANNA, m.Cancelled("a"))]
    assert ready.cancel(ANNA, "a") == [Tell(ANNA, m.Cancelled("a"))]
    assert ready.worker_said(0, m.Frame("a", 0, 1), (b"png",)) == []
    assert runs(ready.worker_said(0, m.Cancelled("a"))) == ["b"]


def test_a_cancelled_job_may_be_asked_for_again_while_its_worker_still_stops(ready):
    ready.submit(ANNA, job("a"))
    ready.cancel(ANNA, "a")
    assert runs(ready.submit(ANNA, job("a"))) == []
    assert ready.worker_said(0, m.Frame("a", 0, 1), (b"png",)) == []
    assert runs(ready.worker_said(0, finished("a"))) == ["a"]
    assert told(ready.worker_said(0, finished("a"))) == [finished("a")]


def test_all_jobs_of_a_client_or_of_everyone_are_cancelled(ready):
    for client, name in ((ANNA, "a1"), (ANNA, "a2"), (BERT, "b")):
        ready.submit(client, job(name))
    effects = ready.cancel_all(ANNA)
    assert told(effects, ANNA) == [m.Cancelled("a1"), m.Cancelled("a2")]
    assert told(effects, BERT) == []
    assert told(ready.cancel_all(None), BERT) == [m.Cancelled("b")]


def preview(name: str) -> m.Sample:
    return job(name, size=m.OutputSize.PREVIEW)


def test_a_newer_preview_overtakes_an_older_one_which_goes_on_after_it(ready):
    ready.submit(ANNA, preview("old"))
    ready.worker_said(0, m.VariantDone("old", 0, (SHA,)))
    assert Stop(0, "old") in ready.submit(ANNA, preview("new"))
    assert runs(ready.worker_said(0, m.Cancelled("old"))) == ["new"]
    (run,) = [effect for effect in ready.worker_said(0, finished("new")) if isinstance(effect, Run)]
    assert (run.message.job_id, run.message.first) == ("old", 1)


def test_of_several_waiting_previews_the_newest_goes_first(ready):
    ready.submit(ANNA, job("bake"))
    for name in ("1", "2", "3"):
        assert not [effect for effect in ready.submit(ANNA, preview(name)) if isinstance(effect, Stop)]
    order = ["bake"]
    while following := runs(ready.worker_said(0, finished(order[-1]))):
        order += following
    assert order == ["bake", "3", "2", "1"]


def test_a_preview_does_not_overtake_that_of_another_client(ready):
    ready.submit(ANNA, preview("a"))
    assert not [effect for effect in ready.submit(BERT, preview("b")) if isinstance(effect, Stop)]


def question(name: str) -> m.FindThing:
    return m.FindThing(name, SHA, (m.Stroke(((0.5, 0.5),)),), m.ThingStart.AUTO, True)


def found(name: str) -> m.ThingFound:
    return m.ThingFound(name, m.ThingOrigin.ALPHA, (m.Level.THING,), (1.0,))


def test_a_question_for_a_thing_goes_before_all_waiting_jobs_and_the_newest_first(ready):
    ready.submit(ANNA, job("bake"))
    ready.submit(ANNA, job("later"))
    assert not [effect for effect in ready.submit(ANNA, question("old")) if isinstance(effect, Stop)]
    assert told(ready.submit(ANNA, question("new"))) == [m.Queued("new", 1)]
    assert runs(ready.worker_said(0, finished("bake"))) == ["new"]
    assert runs(ready.worker_said(0, found("new"))) == ["old"]
    assert runs(ready.worker_said(0, found("old"))) == ["later"]


def test_a_question_overtakes_a_running_preview_which_goes_on_after_it(ready):
    ready.submit(ANNA, preview("preview"))
    assert Stop(0, "preview") in ready.submit(ANNA, question("a"))
    assert runs(ready.worker_said(0, m.Cancelled("preview"))) == ["a"]
    assert runs(ready.worker_said(0, found("a"))) == ["preview"]


def test_a_preview_makes_room_for_one_question_and_comes_to_its_end_between_many(ready):
    ready.submit(ANNA, preview("preview"))
    ready.submit(ANNA, question("first"))
    ready.worker_said(0, m.Cancelled("preview"))
    assert runs(ready.worker_said(0, found("first"))) == ["preview"]
    assert not [effect for effect in ready.submit(ANNA, question("second")) if isinstance(effect, Stop)]
    assert runs(ready.worker_said(0, finished("preview"))) == ["second"]


def test_the_answer_to_a_question_ends_it_and_brings_its_masks(ready):
    ready.submit(ANNA, question("a"))
    assert ready.worker_said(0, found("a"), (b"mask",)) == [Tell(ANNA, found("a"), (b"mask",))]
    assert not ready.is_busy(0)
    assert ready.count_jobs(ANNA) == (0, 0)


def test_a_question_whose_worker_died_is_asked_again(ready):
    ready.submit(ANNA, question("a"))
    effects = ready.worker_died(0)
    assert told(effects) == [m.Restarted("a", 1)]
    assert runs(ready.worker_ready(0)) == ["a"]


def test_every_worker_gets_a_job_and_hears_only_about_its_own(ready):
    ready.worker_ready(1)
    effects = [*ready.submit(ANNA, job("a")), *ready.submit(BERT, job("a"))]
    assert [effect.worker for effect in effects if isinstance(effect, Run)] == [0, 1]
    assert told(ready.worker_said(1, finished("a")), BERT) == [finished("a")]
    assert ready.job_of(0) == (ANNA, "a")
    assert ready.job_of(1) is None


def test_the_job_of_a_dead_worker_goes_to_another_that_is_idle(ready):
    ready.worker_ready(1)
    ready.submit(ANNA, job("a"))
    assert [effect for effect in ready.worker_died(0) if isinstance(effect, Run)] == [Run(1, job("a"))]


def test_cancelling_an_unknown_job_says_cancelled(ready):
    assert told(ready.cancel(ANNA, "nobody")) == [m.Cancelled("nobody")]


def test_a_client_cannot_cancel_the_job_of_another(ready):
    ready.submit(ANNA, job("a"))
    effects = ready.cancel(BERT, "a")
    assert told(effects, BERT) == [m.Cancelled("a")]
    assert not [effect for effect in effects if isinstance(effect, Stop)]
    assert told(ready.worker_said(0, finished("a")), ANNA) == [finished("a")]


def test_a_job_goes_on_with_the_next_worker_and_keeps_what_is_done(ready):
    ready.submit(ANNA, job("a", first=2, samples=3))
    ready.worker_said(0, m.VariantDone("a", 2, (SHA,)))
    assert told(ready.worker_died(0)) == [m.Restarted("a", 1)]
    (run,) = [effect for effect in ready.worker_ready(0) if isinstance(effect, Run)]
    assert (run.message.first, run.message.samples) == (3, 2)


def test_the_job_of_a_dead_worker_goes_first(ready):
    ready.submit(ANNA, job("a"))
    ready.submit(BERT, job("b"))
    ready.worker_died(0)
    assert runs(ready.worker_ready(0)) == ["a"]


def kill(scheduler: Scheduler, name: str, client: bytes = ANNA, times: int = DEATHS) -> list[m.Message]:
    """Submit a job that kills so many workers, one after the other; returns what its client is told of the last."""
    scheduler.submit(client, job(name))
    for _ in range(times):
        effects = scheduler.worker_died(0)
        scheduler.worker_ready(0)
    return told(effects, client)


def codes(messages: list[m.Message]) -> list[ErrorCode]:
    return [message.error.code for message in messages if isinstance(message, m.Failed)]


def test_a_job_that_kills_three_workers_is_poison_and_the_queue_goes_on(ready):
    ready.submit(ANNA, job("a"))
    ready.submit(BERT, job("b", sampling=Sampling(8)))
    assert told(ready.worker_died(0)) == [m.Restarted("a", 1)]
    assert runs(ready.worker_ready(0)) == ["a"]
    assert told(ready.worker_died(0)) == [m.Restarted("a", 2)]
    assert runs(ready.worker_ready(0)) == ["b"]
    assert runs(ready.worker_said(0, finished("b"))) == ["a"]
    (failed,) = told(ready.worker_died(0))
    assert isinstance(failed, m.Failed)
    assert failed.error.code is ErrorCode.POISON


def test_poison_is_refused_under_another_id_and_from_another_client(ready):
    assert codes(kill(ready, "a")) == [ErrorCode.POISON]
    assert codes(told(ready.submit(ANNA, job("again")))) == [ErrorCode.POISON]
    effects = ready.submit(BERT, job("b"))
    assert codes(told(effects, BERT)) == [ErrorCode.POISON]
    assert runs(effects) == []
    assert runs(ready.submit(BERT, job("other", sampling=Sampling(8)))) == ["other"]


def test_poison_may_be_tried_again_after_a_while(ready):
    ready.pass_time(1.0)
    kill(ready, "a")
    ready.pass_time(REFUSED_S)
    assert runs(ready.submit(ANNA, job("b"))) == []
    ready.pass_time(REFUSED_S + 2.0)
    assert runs(ready.submit(ANNA, job("c"))) == ["c"]


def test_a_job_that_is_given_up_and_sent_again_is_counted_on(ready):
    kill(ready, "a", times=DEATHS - 1)
    ready.cancel(ANNA, "a")
    ready.worker_said(0, m.Cancelled("a"))
    ready.drop_client(ANNA)
    assert codes(kill(ready, "b", BERT, times=1)) == [ErrorCode.POISON]


def test_deaths_of_a_job_that_ends_well_were_accidents(ready):
    kill(ready, "a", times=DEATHS - 1)
    ready.worker_said(0, finished("a"))
    assert kill(ready, "b", times=1) == [m.Restarted("b", 1)]


def test_those_who_wait_with_poison_are_told_too(ready):
    ready.worker_ready(1)
    for client, name in ((ANNA, "a1"), (ANNA, "a2"), (BERT, "b")):
        ready.submit(client, job(name))
    ready.submit(BERT, job("good", sampling=Sampling(8)))
    effects = [effect for worker in (0, 1, 0, 1, 0) for effect in (*ready.worker_died(worker), *ready.worker_ready(worker))]
    assert codes(told(effects, ANNA)) == [ErrorCode.POISON] * 2
    assert codes(told(effects, BERT)) == [ErrorCode.POISON]
    assert runs(effects)[-1] == "good"


def test_what_kills_is_remembered_within_bounds(ready):
    for seed in range(1000):
        ready.submit(ANNA, job("a", sampling=Sampling(seed)))
        ready.worker_died(0)
        ready.cancel(ANNA, "a")
        ready.worker_ready(0)
    assert len(ready._deaths._counts) == 256


def test_a_job_that_was_cancelled_is_not_taken_up_when_the_worker_dies(ready):
    ready.submit(ANNA, job("a"))
    ready.cancel(ANNA, "a")
    assert ready.worker_died(0) == []
    assert runs(ready.worker_ready(0)) == []


def test_without_a_worker_every_job_fails_with_the_reason(ready):
    ready.submit(ANNA, job("a"))
    ready.submit(ANNA, job("b"))
    error = m.ErrorInfo(ErrorCode.NO_WORKER, "No torch.")
    assert told(ready.give_up(error)) == [m.Failed("a", error), m.Failed("b", error)]
    assert told(ready.submit(ANNA, job("c"))) == [m.Failed("c", error)]


def test_a_client_that_goes_takes_its_jobs_along(ready):
    ready.submit(ANNA, job("a1"))
    ready.submit(ANNA, job("a2"))
    ready.submit(BERT, job("b"))
    assert ready.drop_client(ANNA) == [Stop(0, "a1")]
    effects = ready.worker_said(0, m.Cancelled("a1"))
    assert told(effects) == []
    assert runs(effects) == ["b"]


def test_a_client_that_does_not_read_makes_room_and_goes_on_later(ready):
    ready.submit(ANNA, job("a"))
    ready.submit(BERT, job("b"))
    assert ready.hold(ANNA) == [Stop(0, "a")]
    effects = ready.worker_said(0, m.Cancelled("a"))
    assert told(effects) == []
    assert runs(effects) == ["b"]
    assert runs(ready.worker_said(0, finished("b"))) == []
    assert runs(ready.release(ANNA)) == ["a"]


def test_a_plate_that_is_refused_ends_the_jobs_that_wait_for_it(ready):
    ready.submit(ANNA, job("a"), missing=(SHA,))
    error = m.ErrorInfo(ErrorCode.QUOTA, "Too large.")
    assert told(ready.upload_refused(ANNA, SHA, error)) == [m.Failed("a", error)]


class Workers:
    """Three workers that come, go and finish as the dice say; checks that each has one job at a time."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.up: dict[int, m.Work | None] = {}
        self.stopped: set[int] = set()
        self.ended: list[tuple[bytes, str]] = []

    def follow(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Tell(client=client, message=message) if isinstance(message, ENDINGS):
                    self.ended.append((client, message.job_id))
                case Run(worker=worker, message=work):
                    assert self.up[worker] is None
                    self.up[worker] = work
                case Stop(worker=worker, job_id=job_id):
                    assert self.up[worker].job_id == job_id
                    self.stopped.add(worker)

    def come(self, worker: int) -> None:
        if worker not in self.up:
            self.up[worker] = None
            self.follow(self.scheduler.worker_ready(worker))

    def go(self, worker: int) -> None:
        if worker in self.up:
            del self.up[worker]
            self.stopped.discard(worker)
            self.follow(self.scheduler.worker_died(worker))

    def finish(self, worker: int) -> None:
        work = self.up.get(worker)
        if work is not None:
            self.up[worker] = None
            message = m.Cancelled(work.job_id) if worker in self.stopped else finished(work.job_id)
            self.stopped.discard(worker)
            self.follow(self.scheduler.worker_said(worker, message))


@pytest.mark.parametrize("seed", range(30))
def test_every_job_ends_exactly_once_under_random_faults(seed):
    generator = random.Random(seed)
    workers, submitted = Workers(Scheduler()), []
    for step in range(400):
        action = generator.randrange(8 if step < 300 else 4)
        client, worker = generator.choice([ANNA, BERT]), generator.randrange(3)
        if action == 0:
            workers.come(worker)
        elif action in (1, 2):
            workers.finish(worker)
        elif action == 3:
            workers.go(worker)
        elif action in (4, 5, 6):
            name, size = f"{client.decode()}-{step}", generator.choice(list(m.OutputSize))
            submitted.append((client, name))
            workers.follow(workers.scheduler.submit(client, job(name, size=size)))
        elif submitted:
            owner, name = generator.choice(submitted)
            if (owner, name) not in workers.ended:
                workers.follow(workers.scheduler.cancel(owner, name))
    workers.come(0)
    while any(workers.up.values()):
        for worker in range(3):
            workers.finish(worker)
    assert sorted(workers.ended) == sorted(submitted)
