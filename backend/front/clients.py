"""Owns what the front process knows of each client: its files, and the messages that wait for it under credits. No sockets."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..protocol import limits
from ..uploads import Incoming
from .connections import Connection

WAITING_MESSAGES = 20_000
WAITING_HEAD_BYTES = 16 * limits.MIB

SendParts = Callable[[bytes, list[bytes]], bool]


@dataclass(frozen=True, slots=True)
class Share:
    """Bytes that clients hold: each may hold `sure_bytes`, and beyond them all together `shared_bytes`."""

    sure_bytes: int
    shared_bytes: int

    def has_room(self, own_bytes: int, others_bytes: Iterable[int]) -> bool:
        """True when one client may hold `own_bytes` beside what the others hold."""
        if own_bytes <= self.sure_bytes:
            return True
        return sum(max(0, held - self.sure_bytes) for held in (own_bytes, *others_bytes)) <= self.shared_bytes


@dataclass(slots=True)
class Client:
    """One session. `user` is the key that the gate let in; nobody else may use this routing id."""

    routing_id: bytes
    user: str
    heard_at: float
    hold_bytes: int
    held: bool = False
    connection: Connection | None = None
    read_at: float = 0.0
    asks_status: bool = False
    incoming: Incoming = field(default_factory=Incoming)
    _outbox: deque[list[bytes]] = field(default_factory=deque)
    _outbox_bytes: int = 0
    _head_bytes: int = 0
    _sent: int = 0
    _sent_bytes: int = 0
    _read_bytes: int = 0
    _noted_bytes: int = 0
    _uploads: OrderedDict[str, bytes | bytearray] = field(default_factory=OrderedDict)
    _upload_bytes: int = 0

    @property
    def sent(self) -> int:
        """Messages handed to the socket since the last welcome."""
        return self._sent

    @property
    def outbox_bytes(self) -> int:
        """Raw bytes that wait for the client."""
        return self._outbox_bytes

    @property
    def waiting_bytes(self) -> int:
        """Raw bytes that wait for the client or are on their way."""
        return self._outbox_bytes + self._on_the_way

    def silent_s(self, now_s: float) -> float:
        """Seconds since its last word."""
        return now_s - self.heard_at

    def gone_s(self, now_s: float) -> float:
        """Seconds since its connection ended; 0 while it stands."""
        closed_s = self.connection.closed_s if self.connection is not None else None
        return 0.0 if closed_s is None else now_s - closed_s

    @property
    def is_gone(self) -> bool:
        """True when the connection of its last word has ended."""
        return self.connection is not None and self.connection.closed_s is not None

    @property
    def has_read_all(self) -> bool:
        """True when no message waits for the client."""
        return not self._outbox

    @property
    def is_full(self) -> bool:
        """True when so much waits that no more should be made for this client."""
        return self._outbox_bytes >= self.hold_bytes

    @property
    def is_hopeless(self) -> bool:
        """True when so many messages wait that the client must be taken for dead."""
        return len(self._outbox) > WAITING_MESSAGES or self._head_bytes > WAITING_HEAD_BYTES

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

    def note_reading(self, now_s: float) -> None:
        """Call often: keeps when the client was last seen to read what it was sent, or had nothing to read."""
        unsent = self.connection.unsent if self.connection is not None else 0
        read_bytes = self.connection.acknowledged if self.connection is not None and unsent else self._read_bytes
        if read_bytes != self._noted_bytes or not self.waiting_bytes:
            self._noted_bytes = read_bytes
            self.read_at = now_s

    @property
    def _on_the_way(self) -> int:
        # What the client says that it has read is not all there is to believe.
        return max(self._sent_bytes - self._read_bytes, self.connection.unsent if self.connection is not None else 0)

    def push(self, parts: list[bytes]) -> None:
        """Let a message wait for its turn."""
        self._outbox.append(parts)
        self._outbox_bytes += _raw_bytes(parts)
        self._head_bytes += len(parts[0])

    def flush(self, send: SendParts) -> None:
        """Send what waits, in order, as far as credits and the socket allow."""
        while self._outbox:
            parts = self._outbox[0]
            raw_bytes = _raw_bytes(parts)
            if raw_bytes and self._on_the_way and self._on_the_way + raw_bytes > limits.WINDOW_BYTES:
                return
            if not send(self.routing_id, parts):
                return
            if self.connection is not None:
                self.connection.note_sent(parts)
            self._outbox.popleft()
            self._outbox_bytes -= raw_bytes
            self._head_bytes -= len(parts[0])
            self._sent += 1
            self._sent_bytes += raw_bytes

    def upload(self, sha256: str) -> bytes | bytearray | None:
        """A file that this client has uploaded."""
        if sha256 in self._uploads:
            self._uploads.move_to_end(sha256)
        return self._uploads.get(sha256)

    def make_room(self, size: int, needed: set[str]) -> bool:
        """Forget the oldest files that no job needs until one of `size` fits the quota; False when that is not enough."""
        spare = [sha256 for sha256 in self._uploads if sha256 not in needed]
        for count, sha256 in enumerate(spare):
            if self.file_bytes + size <= limits.UPLOAD_BYTES_PER_CLIENT and len(spare) - count < limits.SPARE_UPLOADS_PER_CLIENT:
                break
            self._forget(sha256)
        return self.file_bytes + size <= limits.UPLOAD_BYTES_PER_CLIENT

    def keep_upload(self, sha256: str, data: bytes | bytearray, needed: set[str]) -> bool:
        """Keep a file within the quota; False when there is no room beside those that jobs need."""
        self._forget(sha256)
        if not self.make_room(len(data), needed):
            return False
        self._uploads[sha256] = data
        self._upload_bytes += len(data)
        return True

    def forget_spare_uploads(self, needed: set[str]) -> None:
        """Forget every file that no job needs; it is asked for again when one does."""
        for sha256 in [sha256 for sha256 in self._uploads if sha256 not in needed]:
            self._forget(sha256)

    def _forget(self, sha256: str) -> None:
        self._upload_bytes -= len(self._uploads.pop(sha256, b""))

    @property
    def upload_bytes(self) -> int:
        """Bytes of the files that are kept for this client."""
        return self._upload_bytes

    @property
    def file_bytes(self) -> int:
        """Bytes of the files that are kept, and of those whose pieces are coming."""
        return self._upload_bytes + self.incoming.announced_bytes


def _raw_bytes(parts: list[bytes]) -> int:
    return sum(len(part) for part in parts[1:])
