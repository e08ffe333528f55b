"""Owns how front process and worker meet: an encrypted loopback socket whose keys travel over standard input.

The worker reads one line of JSON from standard input and connects. The pipe stays open: its end tells the worker that
the front process is gone. Both then speak the client's protocol; the worker is a backend with one job at a time.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import BinaryIO

import zmq

from .protocol import limits

NUMBER_VARIABLE = "IPOKE_WORKER"
"""Environment variable with the worker's number, which says which of several devices it takes."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a worker needs to reach its front process."""

    endpoint: str
    server_public: str
    public: str
    secret: str

    def __repr__(self) -> str:
        return f"Ticket({self.endpoint})"

    def to_line(self) -> bytes:
        """One line for the worker's standard input."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, stdin: BinaryIO) -> Ticket:
        """Read the line that the front process wrote."""
        return cls(**json.loads(stdin.readline()))


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

    def close(self) -> None:
        """Send what waits, then close."""
        self._socket.close()
        self._context.term()
