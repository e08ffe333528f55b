"""Owns how front process and worker meet: an encrypted socket whose keys travel over the worker's standard input.

The worker reads one line of JSON from standard input and connects. The pipe stays open: its end tells the worker that
whoever started it is gone. Both then speak the client's protocol; the worker is a backend with one job at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from dataclasses import asdict, dataclass
from typing import BinaryIO

import zmq
from zmq.utils.monitor import recv_monitor_message

from .protocol import limits
from .protocol.errors import ErrorCode, IpokeError
from .security import is_key

NUMBER_VARIABLE = "IPOKE_WORKER"
"""Environment variable with the worker's number, which says which of several devices it takes."""
_LINE_BYTES = 4096
_NO_TICKET = "What this worker was told is no place to connect to; it is started by `ipoke serve`."
_HEARTBEAT_MS, _SILENT_MS = 5_000, 30_000
_RECONNECT_MS = 2_000


class TicketError(IpokeError):
    """A worker that can't know whom it works for."""

    code = ErrorCode.NO_WORKER


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where a front process waits for one worker. No secret: the worker's keys are made where it runs."""

    endpoint: str
    server_public: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a worker needs to reach its front process. One that `ends_with_link` works for a front on another machine."""

    endpoint: str
    server_public: str
    public: str
    secret: str
    ends_with_link: bool = False

    def __repr__(self) -> str:
        return f"Ticket({self.endpoint})"

    def to_line(self) -> bytes:
        """One line for the worker's standard input."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, stdin: BinaryIO) -> Ticket:
        """Read the line that the front process wrote; raises TicketError for anything else."""
        line = stdin.readline(_LINE_BYTES)
        if not line:
            raise TicketError("Nobody told this worker where to connect; it is started by `ipoke serve`.")
        try:
            ticket = cls(**json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise TicketError(_NO_TICKET) from error
        if not ticket._is_complete():
            raise TicketError(_NO_TICKET)
        return ticket

    def _is_complete(self) -> bool:
        keys = (self.server_public, self.public, self.secret)
        is_place = type(self.endpoint) is str and self.endpoint.startswith("tcp://")
        return is_place and all(is_key(key) for key in keys) and type(self.ends_with_link) is bool


class WorkerLink:
    """The worker's end of the socket."""

    def __init__(self, ticket: Ticket) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 5_000
        self._socket.maxmsgsize = limits.RAW_BYTES
        self._socket.curve_serverkey = ticket.server_public.encode()
        self._socket.curve_publickey = ticket.public.encode()
        self._socket.curve_secretkey = ticket.secret.encode()
        if ticket.ends_with_link:
            self._end_with_link()
        self._socket.connect(ticket.endpoint)

    def send(self, parts: list[bytes]) -> None:
        """Send, waiting while the front process has too much to read."""
        self._socket.send_multipart(parts)

    def receive(self, timeout_s: float | None) -> list[bytes] | None:
        """Next message; None when none came in time. `timeout_s` None waits for ever."""
        timeout_ms = None if timeout_s is None else int(timeout_s * 1000)
        if not self._socket.poll(timeout_ms, zmq.POLLIN):
            return None
        return self._socket.recv_multipart()

    def _end_with_link(self) -> None:
        """End this process when the connection is lost or silent for half a minute.

        What was on its way then is lost, so the front process starts the job again elsewhere. The connection is made again
        much later than its loss is noticed, or a message after the gap would seem to follow the one before it.
        """
        self._socket.heartbeat_ivl, self._socket.heartbeat_timeout = _HEARTBEAT_MS, _SILENT_MS
        self._socket.reconnect_ivl = _RECONNECT_MS
        monitor = self._socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        threading.Thread(target=_exit_at_disconnection, args=(monitor,), name="link-watch", daemon=True).start()

    def close(self) -> None:
        """Send what waits, then close."""
        self._socket.close()
        self._context.term()


def _exit_at_disconnection(monitor: zmq.Socket[bytes]) -> None:
    connected = False
    with monitor, contextlib.suppress(zmq.ContextTerminated):
        while True:
            event = recv_monitor_message(monitor)["event"]
            if connected and event == zmq.EVENT_DISCONNECTED:
                os._exit(1)
            connected = connected or event == zmq.EVENT_HANDSHAKE_SUCCEEDED
