"""Owns the client's socket: one encrypted DEALER that never blocks and never lingers. No threads of its own."""

from __future__ import annotations

import secrets
from pathlib import Path

import zmq

from ..protocol.limits import RAW_BYTES
from .connection_file import ConnectionFile
from .errors import LinkError

_HEARTBEAT_MS = 2_000
_SILENCE_MS = 10_000
_RECONNECT_MS = 100
_RECONNECT_MAX_MS = 2_000


class Connection:
    """A way to a backend. It reconnects by itself when the network comes back."""

    def __init__(self, target: ConnectionFile) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        options: dict[int, int | bytes] = {
            zmq.LINGER: 0,
            zmq.MAXMSGSIZE: RAW_BYTES,
            # Credits bound what comes. A full queue whose connection ends would abort the process at the next heartbeat
            # (libzmq 4.3.5).
            zmq.RCVHWM: 0,
            zmq.ROUTING_ID: b"c" + secrets.token_bytes(16),
            zmq.HEARTBEAT_IVL: _HEARTBEAT_MS,
            zmq.HEARTBEAT_TIMEOUT: _SILENCE_MS,
            zmq.RECONNECT_IVL: _RECONNECT_MS,
            zmq.RECONNECT_IVL_MAX: _RECONNECT_MAX_MS,
            zmq.CURVE_SERVERKEY: target.server_public.encode(),
            zmq.CURVE_PUBLICKEY: target.client_public.encode(),
            zmq.CURVE_SECRETKEY: target.client_secret.encode(),
        }
        try:
            for option, value in options.items():
                self._socket.setsockopt(option, value)
            self._socket.connect(target.endpoint)
        except zmq.ZMQError:
            self.close()
            raise

    @classmethod
    def open(cls, file: Path) -> Connection:
        """Connect to the backend that wrote `file`; raises LinkError when the file is no use."""
        target = ConnectionFile.read(file)
        if target.is_stale():
            sentence = f"The connection file {file} is stale, its backend has ended; start one with `ipoke serve`."
            raise LinkError(sentence)
        try:
            return cls(target)
        except zmq.ZMQError as error:
            raise LinkError(f"The connection file {file} is damaged ({error}); restart the backend.") from error

    def send(self, parts: list[bytes]) -> bool:
        """Queue a message; False when the queue is full because nobody takes anything at the other end."""
        try:
            self._socket.send_multipart(parts, flags=zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def receive(self) -> list[bytes] | None:
        """The next message, or None when there is none yet."""
        try:
            return self._socket.recv_multipart(flags=zmq.DONTWAIT)
        except zmq.Again:
            return None

    def wait(self, timeout_s: float) -> bool:
        """Sleep until a message is there, at most `timeout_s`; says whether one is."""
        return bool(self._socket.poll(int(timeout_s * 1000), zmq.POLLIN))

    def close(self) -> None:
        """Close at once and forget what was not sent."""
        self._context.destroy(linger=0)
