"""Owns reaching a backend from the command line: one that runs already, or a child of this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..child_python import package_path, python_command
from ..client import Connection, Launcher, LocalBackend, Session, default_runtime_dir, drive
from ..client import events as happened
from ..client.request import Request
from .errors import CommandError

_TIME_LIMIT_S = 24 * 3600.0
_CONNECT_LIMIT_S = 200.0
_ENDINGS = (happened.Finished, happened.Failed, happened.Cancelled)

Backend = Session | LocalBackend


@contextmanager
def open_backend(connection_file: Path | None) -> Iterator[Backend]:
    """A session with the backend that wrote `connection_file`, or without one a backend that ends with the block."""
    if connection_file is not None:
        session = Session(Connection.open(connection_file))
        try:
            yield session
        finally:
            session.close()
        return
    launcher = Launcher(python_command("backend"), default_runtime_dir(), package_path())
    backend = LocalBackend(launcher)
    try:
        yield backend
    finally:
        backend.close()


def session_of(backend: Backend) -> Session:
    """The session of a backend."""
    return backend.session if isinstance(backend, LocalBackend) else backend


def connect(backend: Backend) -> happened.Connected:
    """Wait until the backend answers and its worker is up; raises CommandError."""
    connected = drive(backend, lambda event: _is_lost(backend, event) or isinstance(event, happened.Connected), _CONNECT_LIMIT_S)
    if isinstance(connected, happened.Lost):
        raise CommandError(connected.sentence)
    assert isinstance(connected, happened.Connected)
    return connected


def run_to_end(backend: Backend, request: Request, take: Callable[[happened.Event], None]) -> None:
    """Submit a job and hand over its events until it ends; raises CommandError when it does not end well."""
    session_of(backend).submit(request)
    ending = drive(backend, lambda event: _is_lost(backend, event) or isinstance(event, _ENDINGS), _TIME_LIMIT_S, take)
    if isinstance(ending, happened.Failed):
        raise CommandError(ending.error.sentence)
    if isinstance(ending, happened.Cancelled):
        raise CommandError("The backend's owner stopped the job; run the command again.")
    if isinstance(ending, happened.Lost):
        raise CommandError(ending.sentence)


def _is_lost(backend: Backend, event: happened.Event) -> bool:
    return isinstance(event, happened.Lost) and (isinstance(backend, Session) or backend.gave_up)
