"""How patient the front process is with its worker, with a clock that tests turn."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from backend.config import BackendConfig
from backend.protocol import messages as m
from backend.security import Gate
from backend.worker_host import Died, GaveUp, WorkerHost
from backend.worker_process import ThisMachine

from .protocol.examples import MODEL

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


def test_five_deaths_in_a_minute_end_in_a_sentence_and_slow_ones_do_not(host):
    found = [event for now_s in range(0, 300, 20) for event in dead_at(host, float(now_s))]
    assert {type(event) for event in found} == {Died}
    found = [event for now_s in range(400, 420, 2) for event in dead_at(host, float(now_s))]
    assert isinstance(found[-1], GaveUp)
    assert "crashed 5 times within 60 s" in found[-1].error.sentence
    assert "The last one: The worker ended with code -9." in found[-1].error.sentence


def dead_at(host: WorkerHost, now_s: float) -> list:
    if host.gave_up:
        return []
    host._process.kill()
    return host.poll(now_s)


def test_a_message_for_a_worker_that_is_gone_is_no_error(host):
    host.stop()
    host.send(m.Cancel("job"))
    assert host.pid is None
    assert MODEL.name not in host.memory.models
