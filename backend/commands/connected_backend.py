"""Owns reaching a backend from the command line: one that runs already, or a child of this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ..child_python import package_path, python_command
from ..client import (
    Connection,
    ConnectionFile,
    Launcher,
    LinkError,
    LocalBackend,
    ServerInfo,
    Session,
    default_runtime_dir,
    drive,
)
from ..client import events as happened
from ..client.request import Request
from .errors import CommandError
from .progress import ProgressBar

Brought = TypeVar("Brought", happened.KinematicsArrived, happened.ThingArrived)

PATIENCE_S = 600.0
"""How long a backend that has answered before may be silent: a machine that sleeps, a network that is mended."""

UNREACHABLE = "The backend does not answer; see that it runs, that the network to it is there, and that it knows your key."

_TIME_LIMIT_S = 24 * 3600.0
_CONNECT_LIMIT_S = 200.0
_LOOK_S = 2.0
_ENDINGS = (happened.Finished, happened.Failed, happened.Cancelled, happened.ThingArrived)


class ConnectedBackend:
    """A backend that is driven until a signal comes, or until it has been silent for too long."""

    def __init__(self, driven: Session | LocalBackend, check: Callable[[], None], connection_file: Path | None = None) -> None:
        """`check` is called between two steps and may raise; `connection_file` is the one that `driven` was opened with."""
        self._driven = driven
        self._session = driven.session if isinstance(driven, LocalBackend) else driven
        self._check = check
        self._file = connection_file
        self._known = None if connection_file is None else ConnectionFile.read(connection_file)
        self._looked_s = 0.0
        self._answered = False
        self._lost_s: float | None = None
        self._hopeless: CommandError | None = None

    def connect(self) -> ServerInfo:
        """Wait until the backend answers and its worker is up; raises CommandError."""
        connected = drive(self, lambda event: isinstance(event, happened.Connected), _CONNECT_LIMIT_S)
        assert isinstance(connected, happened.Connected)
        return connected.info

    def run(self, request: Request, take: Callable[[happened.Event], None]) -> None:
        """Submit a job and hand over its events until it ends; raises CommandError when it does not end well.

        A backend that pauses, is cut off or is started again gets what is not done yet again.
        """
        self._session.submit(request)
        ending = drive(self, lambda event: isinstance(event, _ENDINGS), _TIME_LIMIT_S, take)
        if isinstance(ending, happened.Failed):
            raise CommandError(ending.error.sentence)
        if isinstance(ending, happened.Cancelled):
            raise CommandError("The backend's owner stopped the job; run the command again.")

    def bring(self, request: Request, kind: type[Brought], bar: ProgressBar) -> Brought:
        """Run a job that brings one event of a kind, and return that; `bar` shows how it gets on. Raises as `run` does."""
        brought: list[Brought] = []

        def take(event: happened.Event) -> None:
            match event:
                case happened.Progress(stage=stage, done=done, total=total):
                    bar.show(stage, done, total)
                case happened.Lost(sentence=sentence):
                    bar.show(sentence)
            if isinstance(event, kind):
                brought.append(event)

        try:
            self.run(request, take)
        finally:
            bar.clear()
        return brought[-1]

    def ask_status(self) -> None:
        """Ask what the backend is doing; `Status` follows."""
        self._session.ask_status()

    def poll(self, now_s: float, budget_s: float = 0.004) -> list[happened.Event]:
        """Handle what has arrived; raises CommandError when there is no hope for more."""
        self._check()
        if self._hopeless is not None:
            raise self._hopeless
        events = self._driven.poll(now_s, budget_s)
        for event in events:
            self._note(event, now_s)
        if self._lost_s is not None:
            self._wait_for_another(now_s)
        return events

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have happened."""
        self._driven.wait(timeout_s)

    def _note(self, event: happened.Event, now_s: float) -> None:
        # What came in the same step is taken before there is no hope: it may finish a variant.
        if not isinstance(event, happened.Lost):
            self._answered, self._lost_s = True, None
        elif event.final:
            self._hopeless = CommandError(event.sentence)
        elif not self._answered and self._driven is self._session:
            self._hopeless = CommandError(UNREACHABLE)
        elif self._lost_s is None:
            self._lost_s = now_s

    def _wait_for_another(self, now_s: float) -> None:
        """Connect to a backend that was started again, which has written its connection file anew, and not wait for ever."""
        assert self._lost_s is not None
        if now_s - self._lost_s > PATIENCE_S:
            minutes = round(PATIENCE_S / 60)
            self._hopeless = CommandError(f"The backend has not answered for {minutes} minutes; start it again.")
        if self._file is None or now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        try:
            found = ConnectionFile.read(self._file)
            if found != self._known and not found.is_stale():
                self._session.attach(Connection.open(self._file))
                self._known = found
        except LinkError:
            return  # it is not there yet


@contextmanager
def open_backend(connection_file: Path | None, check: Callable[[], None] = lambda: None) -> Iterator[ConnectedBackend]:
    """The backend that wrote `connection_file`, or without one a backend that ends with the block.

    `check` is called between two steps of waiting, and may raise to end it.
    """
    driven: Session | LocalBackend
    if connection_file is not None:
        driven = Session(Connection.open(connection_file))
    else:
        driven = LocalBackend(Launcher(python_command("backend"), default_runtime_dir(), package_path()))
    try:
        yield ConnectedBackend(driven, check, connection_file)
    finally:
        driven.close()
