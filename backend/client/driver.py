"""Owns the synchronous loop that drives a session where no timer does: command line, tests, Blender without window."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from .errors import DriveTimeoutError
from .events import Event

_STEP_S = 0.05


class Driven(Protocol):
    """A session, or a backend with its session."""

    def poll(self, now_s: float, budget_s: float = ...) -> list[Event]:
        """Handle what has arrived."""

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have arrived."""


def drive(
    session: Driven,
    until: Callable[[Event], bool],
    timeout_s: float,
    on_event: Callable[[Event], None] | None = None,
) -> Event:
    """Poll until an event satisfies `until` and return it; every event goes to `on_event` first.

    Events that arrived in the same poll after the awaited one are handed to `on_event` too. Raises DriveTimeoutError.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        awaited: Event | None = None
        for event in session.poll(time.monotonic()):
            if on_event is not None:
                on_event(event)
            if awaited is None and until(event):
                awaited = event
        if awaited is not None:
            return awaited
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0:
            raise DriveTimeoutError(f"The backend did not answer within {timeout_s:.0f} s; see `ipoke doctor`.")
        session.wait(min(_STEP_S, remaining_s))
