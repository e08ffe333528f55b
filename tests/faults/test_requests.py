"""What a client may ask of a running backend: to stop jobs, to release memory, to say what it does, several workers."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.cli import main
from backend.client import (
    Cancelled,
    Connected,
    Connection,
    Finished,
    FrameArrived,
    LaunchPhase,
    OutputSize,
    Queued,
    SampleRequest,
    Session,
    Started,
    Status,
    drive,
)
from ipoke_values import Sampling
from tests.machine import allowed
from tests.processes import eventually

from .fake_worker import MODEL, Fault
from .serve_with_fake_worker import CHANGES
from .work import ENDINGS, TIMEOUT_S, Taken, expected, request, run, until

FELT_S = allowed(1.0)


@pytest.fixture
def unload_s() -> float:
    return 1.0


@pytest.fixture
def connection_file(launcher, scratch, unload_s) -> Iterator[Path]:
    """A backend with two workers that unloads models soon."""
    (scratch / CHANGES).write_text(json.dumps({"workers": 2, "unload_s": unload_s}))
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start")
    yield launcher.poll().connection_file
    launcher.stop()


@pytest.fixture
def open_session(connection_file):
    opened = []

    def open_one() -> Session:
        session = Session(Connection.open(connection_file))
        opened.append(session)
        drive(session, lambda event: isinstance(event, Connected), TIMEOUT_S)
        return session

    yield open_one
    for session in opened:
        session.close()


def status_of(session: Session) -> Status:
    session.ask_status()
    found = drive(session, lambda event: isinstance(event, Status), allowed(5.0))
    assert isinstance(found, Status)
    return found


def wait_for_workers(session: Session, count: int = 2) -> None:
    eventually(lambda: sum(worker.is_up for worker in status_of(session).workers) == count, "a worker is not up")


def started(session: Session, samples: int = 60) -> SampleRequest:
    asked = request(Fault.SLOW, samples=samples)
    session.submit(asked)
    drive(session, until(FrameArrived, asked.job_id), TIMEOUT_S)
    return asked


def cancel_time_s(session: Session, asked: list[SampleRequest]) -> float:
    """Seconds until every job has ended as cancelled."""
    began_s, events = time.monotonic(), []
    expected_ends = {Cancelled(one.job_id) for one in asked}
    drive(
        session,
        lambda event: expected_ends <= {event for event in events if isinstance(event, Cancelled)},
        allowed(5.0),
        events.append,
    )
    return time.monotonic() - began_s


def test_a_job_on_a_stopped_worker_is_cancelled_in_under_a_second(open_session, scratch):
    session = open_session()
    asked = started(session)
    number = next(n for n, worker in enumerate(status_of(session).workers) if worker.job_id == asked.job_id)
    pid = int((scratch / f"worker-{number}.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    session.cancel(asked.job_id)
    assert cancel_time_s(session, [asked]) < FELT_S
    os.kill(pid, signal.SIGCONT)
    assert isinstance(run(session, request()).ending, Finished)


def test_all_jobs_of_one_client_are_cancelled_in_under_a_second_and_no_others(open_session):
    anna, bert = open_session(), open_session()
    wait_for_workers(anna)
    kept = started(bert)
    asked = [started(anna), *(request(Fault.SLOW) for _ in range(5))]
    for one in asked[1:]:
        anna.submit(one)
    anna.cancel_all()
    assert cancel_time_s(anna, asked) < FELT_S
    assert anna.open_jobs == ()
    assert bert.open_jobs == (kept.job_id,)


def test_the_owner_cancels_the_jobs_of_everyone_in_under_a_second(open_session, connection_file, capsys):
    sessions = [open_session() for _ in range(3)]
    wait_for_workers(sessions[0])
    asked = [request(Fault.SLOW, samples=60) for _ in sessions]
    for session, one in zip(sessions, asked, strict=True):
        session.submit(one)
        drive(session, lambda event: isinstance(event, Queued), TIMEOUT_S)
    assert main(["status", "--cancel-jobs", "--json", "--connection-file", str(connection_file)]) == 0
    for session, one in zip(sessions, asked, strict=True):
        assert cancel_time_s(session, [one]) < FELT_S
    status = json.loads(capsys.readouterr().out)
    assert [(client["running"], client["waiting"]) for client in status["clients"]] == [(0, 0)] * 4


def test_two_workers_work_on_two_jobs_at_a_time_without_crossing_frames(open_session):
    session = open_session()
    wait_for_workers(session)
    asked = [request(Fault.SLOW, samples=3) for _ in range(4)]
    taken = {one.job_id: Taken() for one in asked}
    running, most = set(), 0

    def take(event) -> None:
        nonlocal most
        if getattr(event, "job_id", None) in taken:
            taken[event.job_id].take(event)
        if isinstance(event, Started):
            running.add(event.job_id)
        if isinstance(event, ENDINGS):
            running.discard(event.job_id)
        most = max(most, len(running))

    for one in asked:
        session.submit(one)
    drive(session, lambda event: isinstance(event, ENDINGS) and not session.open_jobs, TIMEOUT_S, take)
    assert most == 2
    for one in asked:
        assert taken[one.job_id].frames == expected(Fault.SLOW)


def test_a_newer_preview_comes_before_an_older_one_and_nothing_is_lost(open_session):
    session = open_session()
    wait_for_workers(session)
    previews = [
        SampleRequest(
            f"preview-{number}",
            b"plate",
            "leaf.png",
            request().pokes,
            None,
            3,
            Sampling(int(Fault.SLOW)),
            size=OutputSize.PREVIEW,
        )
        for number in range(3)
    ]
    order, taken = [], {one.job_id: Taken() for one in previews}

    def take(event) -> None:
        if getattr(event, "job_id", None) in taken:
            taken[event.job_id].take(event)
        if isinstance(event, ENDINGS):
            order.append(event.job_id)

    for one in previews:
        session.submit(one)
        drive(session, until(Queued, one.job_id), TIMEOUT_S, take)
    drive(session, lambda event: isinstance(event, ENDINGS) and not session.open_jobs, TIMEOUT_S, take)
    assert order[0] in ("preview-1", "preview-2")
    assert order.index("preview-2") < order.index("preview-0")
    for one in previews:
        assert taken[one.job_id].frames == expected(Fault.SLOW)


def loaded(session: Session) -> list[tuple[str, ...]]:
    return [worker.models for worker in status_of(session).workers]


def test_models_are_unloaded_after_an_idle_time(open_session):
    session = open_session()
    wait_for_workers(session)
    assert isinstance(run(session, request()).ending, Finished)
    eventually(lambda: (MODEL.name,) in loaded(session), "the status shows no model")
    eventually(lambda: loaded(session) == [(), ()], "the model was not unloaded")


@pytest.mark.parametrize("unload_s", [3600.0])
def test_models_are_unloaded_on_request(open_session, connection_file, unload_s):
    session = open_session()
    wait_for_workers(session)
    assert isinstance(run(session, request()).ending, Finished)
    eventually(lambda: (MODEL.name,) in loaded(session), "the status shows no model")
    assert main(["status", "--release-memory", "--connection-file", str(connection_file)]) == 0
    eventually(lambda: loaded(session) == [(), ()], "the model was not unloaded")


def test_status_tells_of_clients_queue_memory_model_and_device(open_session, connection_file, capsys):
    session = open_session()
    wait_for_workers(session)
    asked = started(session)
    assert main(["status", "--connection-file", str(connection_file)]) == 0
    told = capsys.readouterr().out
    for words in ("on fake, 1 MB", f"models: {MODEL.name}", f"job {asked.job_id}", "idle", "1 running, 0 waiting", "MB uploaded"):
        assert words in told
    plain = json.loads(connection_file.read_text())
    assert not [name for name, value in plain.items() if "secret" in name and value in told]


def test_status_of_a_backend_that_has_ended_says_so(launcher, connection_file, capsys, tmp_path):
    stale = tmp_path / "stale.json"
    stale.write_bytes(connection_file.read_bytes())
    launcher.stop()
    assert main(["status", "--connection-file", str(stale)]) == 1
    assert "is stale" in capsys.readouterr().err
