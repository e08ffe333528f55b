"""Owns a worker's process on the machine that it runs on: its environment, its keys, its end. No torch."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable, Sequence
from typing import Protocol

from ...child_python import python_environment
from ...security import KeyPair
from ...worker_link import NUMBER_VARIABLE, Meeting, Ticket
from ...worker_memory import LIMIT_VARIABLE

_LOG = logging.getLogger("ipoke.worker_process")
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}  # of numpy's products: a worker's frames keep the cores busy

Admit = Callable[[str], None]
"""Called with a worker's public key, which the front process lets in from then on. Who comes before is turned away for ever."""


class WorkerProcess(Protocol):
    """A worker's process, here or elsewhere."""

    @property
    def name(self) -> str:
        """Where it runs, for the log."""

    @property
    def pid(self) -> int | None:
        """Its process id, when it runs on this machine."""

    def ending(self) -> str | None:
        """The sentence that says how it ended; None while it runs or is on its way."""

    def kill(self) -> None:
        """End it at once."""


class Workplace(Protocol):
    """Where the workers of a backend run."""

    @property
    def workers(self) -> int:
        """How many run at a time."""

    @property
    def address(self) -> str:
        """The address of this machine that they can reach."""

    def start(self, number: int, meeting: Meeting, admit: Admit) -> WorkerProcess:
        """Start a worker, after `admit` was called with its public key."""

    def poll(self) -> None:
        """Look after what the workers need; never waits."""

    def close(self) -> None:
        """Give everything back, after the last worker was killed."""


class ThisMachine:
    """Workers as children of this process."""

    address = "127.0.0.1"

    def __init__(self, command: Sequence[str], workers: int, memory_mb: int = 0) -> None:
        """Each of the workers may take so much memory; 0 is no limit."""
        self.workers = workers
        self._command = command
        self._memory_mb = memory_mb

    def start(self, number: int, meeting: Meeting, admit: Admit) -> LocalWorker:
        """Start a child."""
        keys = KeyPair.new()
        admit(keys.public)
        return LocalWorker(self._command, number, meeting, keys, memory_mb=self._memory_mb)

    def poll(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to give back."""


class LocalWorker:
    """A worker's process as a child of this one. The secret of its keys goes no further than its standard input."""

    def __init__(
        self,
        command: Sequence[str],
        number: int,
        meeting: Meeting,
        keys: KeyPair,
        *,
        ends_with_link: bool = False,
        memory_mb: int = 0,
    ) -> None:
        self._process = subprocess.Popen(
            list(command),
            bufsize=0,  # what a worker that is gone did not read must not come up again when its pipe is closed
            stdin=subprocess.PIPE,
            env=python_environment() | {NUMBER_VARIABLE: str(number), LIMIT_VARIABLE: str(memory_mb)} | _ONE_THREAD,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        ticket = Ticket(meeting.endpoint, meeting.server_public, keys.public, keys.secret, ends_with_link)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(ticket.to_line())
        except OSError:
            _LOG.warning("the worker ended before it was told where to connect")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def name(self) -> str:
        """Its process id in words."""
        return f"pid {self.pid}"

    def ending(self) -> str | None:
        """How it ended, None while it runs."""
        code = self._process.poll()
        return None if code is None else f"The worker ended with code {code}."

    def wait(self) -> str:
        """Wait until it ends; says how."""
        return f"The worker ended with code {self._process.wait()}."

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
