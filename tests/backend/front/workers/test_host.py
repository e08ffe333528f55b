"""How patient the front process is with its worker, with a clock that tests turn."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import zmq

from backend.config import BackendConfig
from backend.front.workers.host import Died, GaveUp, WorkerHost
from backend.front.workers.process import ThisMachine
from backend.protocol import messages as m
from backend.protocol.codec import Envelope
from backend.security import Gate
from tests.processes import eventually

from ...protocol.examples import MODEL

INFO = m.ServerInfo("0.1.0", "fake", 1, (MODEL,))

IDLE = (sys.executable, "-c", "import sys; sys.stdin.read()")
STALL_S = 10.0


@pytest.fixture
def host(tmp_path: Path) -> Iterator[WorkerHost]:
    """A host with a real process for a worker, which is up and never says a word."""
    context = zmq.Context()
    config = BackendConfig(tmp_path / "c.json", worker_stall_s=STALL_S, worker_start_s=STALL_S)
    host = WorkerHost(context, Gate(context), config, ThisMachine(IDLE, 1))
    host.start(0.0)
    host.is_up = True
    yield host
    host.stop()
    context.destroy(linger=0)


def events_until(host: WorkerHost, begin_s: float, end_s: float) -> list[type]:
    """Poll twice a second."""
    found: list[type] = []
    for half in range(int(begin_s * 2), int(end_s * 2) + 1):
        host.set_busy(True, half / 2)
        found += [type(event) for event in host.poll(half / 2)]
    return found


def test_a_worker_without_progress_is_replaced_after_its_time_and_not_before(host):
    first = host.pid
    assert events_until(host, 0.0, STALL_S - 0.5) == []
    assert events_until(host, STALL_S - 0.5, STALL_S + 1.0) == [Died]
    assert host.pid != first


def test_a_clock_that_jumps_ahead_costs_no_worker_its_life(host):
    first = host.pid
    assert events_until(host, 0.0, 2.0) == []
    assert events_until(host, 5_000.0, 5_000.0 + STALL_S - 3.0) == []
    assert host.pid == first


def test_an_idle_worker_is_not_judged(host):
    for now_s in range(100):
        host.set_busy(False, float(now_s))
        assert host.poll(float(now_s)) == []
    assert host.idle_s(99.0) >= 90.0


def test_a_worker_that_does_not_come_up_is_replaced_after_its_time(host):
    host.is_up = False
    host.poll(0.0)
    found = [event for half in range(1, 24) for event in host.poll(half / 2)]
    assert [event.sentence for event in found] == ["The worker did not come up within 10 s."]


def dead_at(host: WorkerHost, now_s: float) -> list:
    """Let the worker die, if there is one, and hear what follows."""
    if host._process is not None:
        os.kill(host.pid, signal.SIGKILL)
        host._process.wait()
    return host.poll(now_s)


def deaths(host: WorkerHost, times_s: Iterable[float], ready: bool = False) -> list[tuple[float, type]]:
    """When workers died that never came up, or were ready for a moment, and what was said of it."""
    found = []
    for now_s in times_s:
        if ready and host.pid is not None:
            host._understand(Envelope(m.Ready(INFO), ()), now_s)
        found += [(now_s, type(event)) for event in dead_at(host, now_s)]
    return found


@pytest.mark.parametrize("ready", [False, True])
def test_five_workers_in_a_row_that_did_nothing_end_in_a_sentence_however_slowly_they_die(host, ready):
    found = deaths(host, (100.0 * number for number in range(20)), ready)
    assert [kind for _, kind in found[:5]] == [Died] * 4 + [GaveUp]
    assert {kind for _, kind in found[5:]} == {GaveUp}
    (event,) = dead_at(host, 10_000.0) or dead_at(host, 10_000.0)
    assert "times in a row without doing anything" in event.error.sentence
    assert "The last one: The worker ended with code -9." in event.error.sentence


def test_the_pauses_between_starts_that_fail_grow_and_have_an_end(host):
    found = [now_s for now_s, _ in deaths(host, (half / 4 for half in range(8000)))]
    pauses = [after - before for before, after in pairwise(found)]
    assert pauses == sorted(pauses)
    assert pauses[:5] == [0.5, 0.75, 1.25, 2.25, 4.25]
    assert 300.0 < pauses[-1] < 301.0


def test_a_worker_that_is_ready_ends_the_trouble(host):
    deaths(host, (100.0 * number for number in range(12)))
    assert host.gave_up
    host._understand(Envelope(m.Ready(INFO), ()), 1200.0)
    assert not host.gave_up


def test_deaths_during_jobs_are_not_counted_against_the_worker(host):
    for now_s in range(50):
        host.set_busy(True, float(now_s))
        (event,) = dead_at(host, float(now_s))
        assert isinstance(event, Died)
        assert host.pid is not None, "the next worker starts at once"


@pytest.mark.parametrize("proof", ["a job", "a minute"])
def test_a_worker_that_did_something_starts_the_count_again(host, proof):
    deaths(host, (100.0 * number for number in range(4)))
    assert host._failures == 2
    host._understand(Envelope(m.Ready(INFO), ()), 400.0)
    if proof == "a job":
        host.set_busy(True, 400.0)
        host.set_busy(False, 401.0)
    assert [type(event) for event in dead_at(host, 401.0 if proof == "a job" else 500.0)] == [Died]
    assert host._failures == 1


def test_a_worker_that_can_not_be_started_is_told_like_one_that_dies(tmp_path):
    context = zmq.Context()
    host = WorkerHost(context, Gate(context), BackendConfig(tmp_path / "c.json"), ThisMachine((str(tmp_path / "none"),), 1))
    host.start(0.0)
    found = [event for now_s in range(0, 1000, 100) for event in host.poll(float(now_s))]
    assert [type(event) for event in found[:5]] == [Died] * 4 + [GaveUp]
    assert "can't be started (No such file or directory)" in found[0].sentence
    context.destroy(linger=0)


def test_a_worker_that_is_gone_before_it_is_told_where_to_connect_is_one_that_died(tmp_path):
    context = zmq.Context()
    ends = (sys.executable, "-c", "")
    host = WorkerHost(context, Gate(context), BackendConfig(tmp_path / "c.json"), ThisMachine(ends, 1))
    host.start(0.0)
    process = host._process
    eventually(lambda: process.ending() is not None, "the worker did not end")
    assert [event.sentence for event in host.poll(1.0)] == ["The worker ended with code 0."]
    host.stop()
    context.destroy(linger=0)


def test_a_message_for_a_worker_that_is_gone_is_no_error(host):
    host.stop()
    host.send(m.Cancel("job"))
    assert host.pid is None
    assert MODEL.name not in host.memory.models
