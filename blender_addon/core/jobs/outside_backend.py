"""A session with a backend that runs elsewhere and outlives this process. No bpy."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path

from ..._vendor.client import Connection, Event, LinkError, Session


class Fix(Enum):
    """What mends a backend that can't be had: another try, setting it up, the preferences, or Blender's permission."""

    START = auto()
    SET_UP = auto()
    PREFERENCES = auto()
    ONLINE_ACCESS = auto()


class NoBackendError(LinkError):
    """There is no backend to be had, and the artist can mend that."""

    def __init__(self, sentence: str, fix: Fix) -> None:
        super().__init__(sentence)
        self.fix = fix


class RemoteBackend:
    """A session over the connection that a file describes; it reconnects by itself."""

    gave_up = False

    def __init__(self, connection_file: Path) -> None:
        self.session = Session(Connection.open(connection_file))

    def poll(self, now_s: float, budget_s: float) -> list[Event]:
        """Handle what has arrived; never blocks."""
        return self.session.poll(now_s, budget_s)

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have arrived."""
        self.session.wait(timeout_s)

    def begin_closing(self) -> None:
        """End the session; the backend goes on."""
        self.session.close()

    def closed(self) -> bool:
        """There is nothing to wait for."""
        return True

    def finish_closing(self) -> None:
        """There is nothing to wait for."""
