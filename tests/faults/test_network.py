"""A network that is cut, slow or dead on one side costs no frame."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator

import pytest

from backend.client import Connected, Connection, ConnectionFile, Finished, FrameArrived, LaunchPhase, Lost, Session, drive
from tests.processes import eventually
from tests.relay import Relay

from .fake_worker import Fault
from .work import ENDINGS, TIMEOUT_S, Taken, expected, request, until

CUT_S = 10.0


@pytest.fixture
def relay(launcher) -> Iterator[Relay]:
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start")
    relay = Relay(ConnectionFile.read(launcher.poll().connection_file).port)
    yield relay
    relay.close()
    launcher.stop()


@pytest.fixture
def session(relay, launcher) -> Iterator[Session]:
    target = dataclasses.replace(ConnectionFile.read(launcher.poll().connection_file), port=relay.port)
    session = Session(Connection(target))
    drive(session, lambda event: isinstance(event, Connected), TIMEOUT_S)
    yield session
    session.close()


def run_with(session: Session, at_the_first_frame) -> Taken:
    asked, taken = request(Fault.SLOW), Taken()
    session.submit(asked)
    drive(session, until(FrameArrived, asked.job_id), TIMEOUT_S, taken.take)
    at_the_first_frame()
    taken.ending = drive(session, until(ENDINGS, asked.job_id), TIMEOUT_S, taken.take)
    return taken


def test_a_network_that_is_cut_for_ten_seconds_costs_no_frame(session, relay):
    def cut_for_a_while() -> None:
        relay.cut()
        threading.Timer(CUT_S, relay.mend).start()

    began_s = time.monotonic()
    taken = run_with(session, cut_for_a_while)
    assert time.monotonic() - began_s > CUT_S
    assert isinstance(taken.ending, Finished)
    assert taken.frames == expected(Fault.SLOW)
    assert [event for event in taken.events if isinstance(event, Lost)]


def test_a_delay_of_three_tenths_of_a_second_costs_no_frame(session, relay):
    def slow_down() -> None:
        relay.delay_s = 0.3

    taken = run_with(session, slow_down)
    assert isinstance(taken.ending, Finished)
    assert taken.frames == expected(Fault.SLOW)
    assert not [event for event in taken.events if isinstance(event, Lost)]


def test_a_half_open_connection_is_noticed_and_replaced(session, relay):
    def go_deaf_for_a_while() -> None:
        relay.go_deaf()
        threading.Timer(CUT_S + 4.0, relay.mend).start()

    taken = run_with(session, go_deaf_for_a_while)
    assert isinstance(taken.ending, Finished)
    assert taken.frames == expected(Fault.SLOW)
    assert [event for event in taken.events if isinstance(event, Lost)]
