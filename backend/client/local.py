"""Owns a session with a backend that this process starts itself, and starts again when it dies."""

from __future__ import annotations

import time

from .connection import Connection
from .errors import LaunchError, LinkError
from .events import Event, Lost
from .launcher import Launcher, LauncherState, LaunchPhase
from .session import Session

_STARTS = 3
_STARTS_WINDOW_S = 60.0
_LAUNCH_POLL_S = 0.02
_LAST_WAIT_S = 0.5


class LocalBackend:
    """A launcher and a session kept together: jobs may be submitted at once and survive the backend's death."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        self.session = Session()
        self._starts: list[float] = []
        self._attached = False
        self._gave_up = False

    @property
    def gave_up(self) -> bool:
        """True when the backend could not be kept running; `start` tries again."""
        return self._gave_up

    def start(self) -> None:
        """Start the backend (again); does not wait for it."""
        self._gave_up = False
        self._starts = []

    def poll(self, now_s: float, budget_s: float = 0.004) -> list[Event]:
        """Look after the child and handle what has arrived; never blocks."""
        events: list[Event] = []
        if not self._gave_up:
            self._keep_running(now_s, events)
        return events + self.session.poll(now_s, budget_s)

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have happened."""
        if self._attached:
            self.session.wait(timeout_s)
        else:
            time.sleep(min(timeout_s, _LAUNCH_POLL_S))

    def close(self) -> None:
        """End the session and the backend."""
        self.session.close()
        self.launcher.stop()
        self._attached = False

    def begin_closing(self) -> None:
        """End the session and ask the backend to end; does not wait for it."""
        self.session.close()
        self.launcher.begin_stop()
        self._attached = False

    def closed(self) -> bool:
        """Whether the backend has ended after `begin_closing`; it is killed when it takes too long."""
        return self.launcher.has_stopped()

    def finish_closing(self) -> None:
        """Wait for the backend's end after `begin_closing`, but not for long: then it is killed."""
        self.launcher.stop(_LAST_WAIT_S)

    def _keep_running(self, now_s: float, events: list[Event]) -> None:
        state = self.launcher.poll()
        if state.phase is LaunchPhase.READY and state.connection_file is not None:
            if not self._attached:
                self._attach(state, events)
        elif state.phase is not LaunchPhase.STARTING:
            if self._attached:
                self.session.detach()
                self._attached = False
            self._start_again(now_s, events)
            if state.phase is LaunchPhase.FAILED:
                events.insert(0, Lost(state.sentence, final=self._gave_up))

    def _attach(self, state: LauncherState, events: list[Event]) -> None:
        assert state.connection_file is not None
        try:
            self.session.attach(Connection.open(state.connection_file))
            self._attached = True
        except LinkError as error:
            self._give_up(error.sentence, events)

    def _start_again(self, now_s: float, events: list[Event]) -> None:
        self._starts = [start for start in self._starts if 0 <= now_s - start < _STARTS_WINDOW_S]
        if len(self._starts) >= _STARTS:
            self._gave_up = True
            return
        self._starts.append(now_s)
        try:
            self.launcher.start()
        except LaunchError as error:
            self._give_up(error.sentence, events)

    def _give_up(self, sentence: str, events: list[Event]) -> None:
        self._gave_up = True
        events.append(Lost(sentence, final=True))
