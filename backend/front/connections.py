"""Owns the front's TCP connections: reads messages, knows which connections stand, and cuts those that hold too much.

libzmq keeps every part of a message until its last one is there, and neither its high-water mark nor its largest size of a
frame bounds their number. A high-water mark is no use at all: where it has stopped a connection that then ends, a heartbeat
among the bytes that were read aborts the process (libzmq 4.3.5). So for each connection the bytes that the kernel has handed
over are compared with those of the messages that were read: the rest is what libzmq holds, and it has a bound.
Only Linux tells the first number; elsewhere the size of a frame and the number of connections are bounded, but not this.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import zmq

from ..protocol import limits
from ..protocol.limits import KIB, MIB

if sys.platform == "linux":
    import fcntl
    import termios

if sys.platform != "win32":
    import resource

_LOG = logging.getLogger("ipoke.connections")
CONNECTIONS = 256
HELD_BYTES = 8 * MIB
"""What libzmq may hold of one connection: twice a client's pieces on their way."""
HELD_BYTES_OF_ALL = 32 * MIB
_UNREAD_BYTES = 2 * MIB
"""What may wait of connections that have ended before new ones are taken."""
_HANDLES = 4096
_FRAME_BYTES = limits.PIECE_BYTES + limits.HEAD_BYTES
_HANDSHAKE_MS = 5_000
_KEEPALIVE_S, _KEEPALIVE_AGAIN_S, _KEEPALIVES = 4, 3, 2
_PARTS = 1 + limits.RAW_PARTS
_PARTS_OF_A_FLOOD = 64
_FREE_BYTES = 4 * KIB
_FREE_BYTES_A_SECOND = KIB
"""What a connection takes beside messages: its handshake, and heartbeats."""
_LOOK_S = 0.02
_DROPPED_AT_ONCE = 2_000
_TELL_S = 5.0
_TCP_INFO_BYTES, _BYTES_ACKNOWLEDGED_AT = 192, 120
_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED
_ENDPOINT = "inproc://front-connections"


@dataclass(slots=True, eq=False)
class Connection:
    """One TCP connection. `inode` tells it from a later one with the same file descriptor."""

    fd: int
    inode: int
    heard_s: float
    looked_s: float
    has_spoken: bool = False
    closed_s: float | None = None
    is_cut: bool = False
    delivered: int = _FREE_BYTES
    held: int = 0
    sent: int = 0
    acknowledged: int = 0
    """Bytes that were handed to libzmq, and those of them that are known to have reached the other machine."""

    def note_sent(self, parts: Sequence[bytes]) -> None:
        """A message was handed to libzmq."""
        self.sent += sum(_wire_bytes(len(part)) for part in parts)

    @property
    def unsent(self) -> int:
        """Bytes that are on their way, whatever the client says that it has read; 0 where the system doesn't tell."""
        return self.sent - self.acknowledged if sys.platform == "linux" and self.closed_s is None else 0


@dataclass(frozen=True, slots=True)
class Received:
    """A message, the key that sent it, and the connection it came by, which may have ended since."""

    routing_id: bytes
    user: str
    parts: list[bytes]
    connection: Connection


class Connections:
    """The connections of a ROUTER. Call before it is bound."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], router: zmq.Socket[bytes]) -> None:
        self._router = router
        router.maxmsgsize = _FRAME_BYTES
        router.rcvhwm = 0
        router.handshake_ivl = _HANDSHAKE_MS
        # A machine that was switched off is noticed within some seconds, whether something is on its way to it or not.
        router.tcp_keepalive, router.tcp_keepalive_idle = 1, _KEEPALIVE_S
        router.tcp_keepalive_intvl, router.tcp_keepalive_cnt = _KEEPALIVE_AGAIN_S, _KEEPALIVES
        router.tcp_maxrt = 1000 * (_KEEPALIVE_S + _KEEPALIVES * _KEEPALIVE_AGAIN_S)
        router.monitor(_ENDPOINT, _EVENTS)
        self.socket = context.socket(zmq.PAIR)
        self.socket.linger = 0
        # Without a bound, or libzmq's own thread would wait here for the front to read.
        self.socket.rcvhwm = 0
        self.socket.connect(_ENDPOINT)
        self._limit = min(CONNECTIONS, raise_handle_limit() // 2)
        self._open: dict[int, Connection] = {}
        self._ended: dict[int, Connection] = {}
        self._unread = 0
        self._looked_s = self._told_s = 0.0
        self._untold = 0

    @property
    def count(self) -> int:
        """Connections that stand."""
        return len(self._open)

    @property
    def is_holding(self) -> bool:
        """True while something has come that is no whole message yet: look again soon."""
        return self._unread > 0 or any(connection.held for connection in self._open.values())

    def receive(self, now_s: float) -> Received | None:
        """The next message, or None when there is none. Those of connections that were cut are dropped, some at a time."""
        for _ in range(_DROPPED_AT_ONCE):
            try:
                routing_id = self._router.recv(zmq.DONTWAIT)
            except zmq.Again:
                self._unread = 0
                return None
            frames, count, wire_bytes = self._read_parts()
            connection = self._note(frames[0].get(zmq.SRCFD), wire_bytes, now_s)
            if count > _PARTS_OF_A_FLOOD:
                self._cut(connection, "sent a message of too many parts")
            if not connection.is_cut:
                return Received(routing_id, str(frames[0].get("User-Id")), [frame.bytes for frame in frames], connection)
        return None

    def _read_parts(self) -> tuple[list[zmq.Frame], int, int]:
        """The first parts of a message, how many it has, and its bytes on the wire."""
        kept: list[zmq.Frame] = []
        count, wire_bytes, more = 0, 0, True
        while more:
            frame = self._router.recv(copy=False)
            more = frame.more
            count += 1
            wire_bytes += _wire_bytes(len(frame))
            if count <= _PARTS + 1:
                kept.append(frame)
        return kept, count, wire_bytes

    def look_after(self, now_s: float) -> None:
        """Notice connections that came and went, and cut those that are too many or hold too much."""
        self._read_events(now_s)
        while len(self._standing()) > self._limit:
            longest_silent = min(self._standing(), key=lambda one: (one.has_spoken, one.heard_s))
            self._cut(longest_silent, "was one too many")
            if not longest_silent.is_cut:  # it has ended by itself
                self._forget(longest_silent.fd, now_s)
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            self._bound_held_bytes(now_s)

    def cut(self, connection: Connection) -> None:
        """End a connection."""
        self._cut(connection, "was given up")

    def _standing(self) -> list[Connection]:
        return [connection for connection in self._open.values() if not connection.is_cut]

    def _read_events(self, now_s: float) -> None:
        while True:
            try:
                parts = self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            event, fd = struct.unpack("=hi", parts[0])
            self._forget(fd, now_s)
            if event == zmq.EVENT_ACCEPTED:
                self._ended.pop(fd, None)
                inode = _inode(fd)
                if inode is not None:
                    self._open[fd] = Connection(fd, inode, now_s, now_s)
                    if self._unread > _UNREAD_BYTES:
                        self._cut(self._open[fd], "came while too much of ended ones is unread")

    def _forget(self, fd: int, now_s: float) -> None:
        gone = self._open.pop(fd, None)
        if gone is not None:
            gone.closed_s = now_s
            self._unread += gone.held
            self._ended[fd] = gone

    def _note(self, fd: int, wire_bytes: int, now_s: float) -> Connection:
        connection = self._open.get(fd)
        if connection is None:
            self._read_events(now_s)
            connection = self._open.get(fd)
        if connection is None:
            self._unread = max(0, self._unread - wire_bytes)
            return self._ended.get(fd) or Connection(fd, 0, now_s, now_s, closed_s=now_s)
        connection.has_spoken, connection.heard_s = True, now_s
        connection.delivered += wire_bytes
        return connection

    def _bound_held_bytes(self, now_s: float) -> None:
        for connection in list(self._open.values()):
            counted = _counted(connection)
            if counted is None:
                self._forget(connection.fd, now_s)
                continue
            received, connection.acknowledged = counted
            connection.sent = max(connection.sent, connection.acknowledged)
            if connection.heard_s > connection.looked_s:
                connection.delivered += int(_FREE_BYTES_A_SECOND * (now_s - connection.looked_s))
                connection.delivered = min(connection.delivered, max(received, _FREE_BYTES))
                connection.looked_s = now_s
            connection.held = max(0, received - connection.delivered)
            if connection.held > HELD_BYTES:
                self._cut(connection, "holds an unfinished message")
        standing = sorted(self._standing(), key=lambda one: one.held)
        while standing and self._unread + sum(one.held for one in standing) > HELD_BYTES_OF_ALL:
            self._cut(standing.pop(), "holds most of what all connections may")

    def _cut(self, connection: Connection, why: str) -> None:
        if connection.is_cut or not _is_same(connection):
            return
        connection.is_cut = True
        self._tell(why)
        with contextlib.suppress(OSError), _borrowed(connection.fd) as borrowed:
            borrowed.shutdown(socket.SHUT_RDWR)

    def _tell(self, why: str) -> None:
        # A flood of connections must not become one of lines in the log.
        self._untold += 1
        if time.monotonic() - self._told_s > _TELL_S:
            _LOG.warning("a connection was cut, it %s; %d since the last such line", why, self._untold)
            self._told_s, self._untold = time.monotonic(), 0


def raise_handle_limit() -> int:
    """How many files and connections this process may have open, after it was raised as far as the system lets."""
    if sys.platform == "win32":
        return _HANDLES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _HANDLES if hard == resource.RLIM_INFINITY else min(_HANDLES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _HANDLES if soft == resource.RLIM_INFINITY else soft


def _counted(connection: Connection) -> tuple[int, int] | None:
    """Bytes that libzmq has read, and that the other machine has; 0 where the system doesn't tell, None for what is gone."""
    if not _is_same(connection):
        return None
    if sys.platform != "linux":
        return 0, 0
    try:
        with _borrowed(connection.fd) as borrowed:
            info = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        unread = fcntl.ioctl(connection.fd, termios.FIONREAD, bytes(4))
    except OSError:
        return None
    acknowledged, received = struct.unpack_from("=QQ", info, _BYTES_ACKNOWLEDGED_AT)
    return received - struct.unpack("=i", unread)[0], acknowledged


def _inode(fd: int) -> int | None:
    if sys.platform == "win32":
        return 0
    try:
        return os.fstat(fd).st_ino
    except OSError:
        return None


def _is_same(connection: Connection) -> bool:
    # libzmq's own thread closes connections, so a descriptor may stand for something else by now.
    return connection.closed_s is None and _inode(connection.fd) == connection.inode


@contextlib.contextmanager
def _borrowed(fd: int) -> Iterator[socket.socket]:
    """libzmq's socket as Python's, which takes no descriptor of its own and doesn't close this one."""
    borrowed = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd)
    try:
        yield borrowed
    finally:
        borrowed.detach()


def _wire_bytes(part_bytes: int) -> int:
    # A CURVE message: its name 8, nonce 8, authenticator 16, flags 1; before it ZMTP's flags and length.
    sealed = part_bytes + 33
    return sealed + (2 if sealed <= 255 else 9)
