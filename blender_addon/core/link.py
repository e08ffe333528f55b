"""Owns a session with a backend that runs elsewhere and outlives this process. No bpy."""

from __future__ import annotations

from pathlib import Path

from .._vendor.client import Connection, Event, Session


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

    def close(self) -> None:
        """End the session."""
        self.session.close()
