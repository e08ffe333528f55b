"""Owns what the front process knows of each client: its uploads, and the messages that wait for it under credits."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .protocol import limits

WAITING_MESSAGES = 20_000

SendParts = Callable[[bytes, list[bytes]], bool]


@dataclass(slots=True)
class Client:
    """One session. `user` is the key that the gate let in; nobody else may use this routing id."""

    routing_id: bytes
    user: str
    heard_at: float
    hold_bytes: int
    held: bool = False
    _outbox: deque[list[bytes]] = field(default_factory=deque)
    _outbox_bytes: int = 0
    _sent: int = 0
    _sent_bytes: int = 0
    _read_bytes: int = 0
    _uploads: OrderedDict[str, bytes] = field(default_factory=OrderedDict)

    @property
    def sent(self) -> int:
        """Messages handed to the socket since the last welcome."""
        return self._sent

    @property
    def outbox_bytes(self) -> int:
        """Raw bytes that wait for the client."""
        return self._outbox_bytes

    @property
    def is_full(self) -> bool:
        """True when so much waits that no more should be made for this client."""
        return self._outbox_bytes >= self.hold_bytes

    @property
    def is_hopeless(self) -> bool:
        """True when so many messages wait that the client must be taken for dead."""
        return len(self._outbox) > WAITING_MESSAGES

    @property
    def has_room(self) -> bool:
        """True when more may be made for this client again."""
        return self._outbox_bytes <= self.hold_bytes // 4

    def restart_counting(self) -> None:
        """Count from zero, as both sides do at a welcome."""
        self._sent = self._sent_bytes = self._read_bytes = 0

    def acknowledge(self, read_bytes: int) -> None:
        """The client has read this many raw bytes since the last welcome."""
        self._read_bytes = min(read_bytes, self._sent_bytes)

    def push(self, parts: list[bytes]) -> None:
        """Let a message wait for its turn."""
        self._outbox.append(parts)
        self._outbox_bytes += _raw_bytes(parts)

    def flush(self, send: SendParts) -> None:
        """Send what waits, in order, as far as credits and the socket allow."""
        while self._outbox:
            parts = self._outbox[0]
            raw_bytes = _raw_bytes(parts)
            on_the_way = self._sent_bytes - self._read_bytes
            if raw_bytes and on_the_way and on_the_way + raw_bytes > limits.WINDOW_BYTES:
                return
            if not send(self.routing_id, parts):
                return
            self._outbox.popleft()
            self._outbox_bytes -= raw_bytes
            self._sent += 1
            self._sent_bytes += raw_bytes

    def upload(self, sha256: str) -> bytes | None:
        """A file that this client has uploaded."""
        if sha256 in self._uploads:
            self._uploads.move_to_end(sha256)
        return self._uploads.get(sha256)

    def keep_upload(self, sha256: str, data: bytes, needed: set[str]) -> bool:
        """Keep a file within the quota by forgetting the oldest that no job needs; False when that is not enough."""
        self._uploads[sha256] = data
        self._uploads.move_to_end(sha256)
        for old in list(self._uploads):
            if self.upload_bytes <= limits.UPLOAD_BYTES_PER_CLIENT:
                break
            if old != sha256 and old not in needed:
                del self._uploads[old]
        if self.upload_bytes <= limits.UPLOAD_BYTES_PER_CLIENT:
            return True
        del self._uploads[sha256]
        return False

    @property
    def upload_bytes(self) -> int:
        """Bytes of the files that are kept for this client."""
        return sum(len(data) for data in self._uploads.values())


def _raw_bytes(parts: list[bytes]) -> int:
    return sum(len(part) for part in parts[1:])
