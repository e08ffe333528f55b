"""What strangers and clients can flood a front with; `benchmarks/floods.py` runs each in a process of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import time
from collections.abc import Callable
from typing import TypeVar

import zmq

from backend.client import Connected, Connection, ConnectionFile, InvertRequest, Session, drive
from backend.protocol import limits
from backend.protocol import messages as m
from backend.protocol.codec import decode, encode
from tests.faults.fake_worker import Fault
from tests.faults.work import TIMEOUT_S, request

_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
_CROWD = limits.CLIENTS - 2
_Kind = TypeVar("_Kind", bound=m.Message)


def announced_commands(target: ConnectionFile, size: int) -> None:
    """Strangers who announce a command of `size` bytes and send all but its end."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            stranger = _stranger(target)
            stranger.sendall(_GREETING)
            stranger.recv(64)
            stranger.sendall(b"\x06" + size.to_bytes(8, "big"))
            for _ in range(0, size - limits.KIB, limits.MIB):
                stranger.sendall(bytes(min(size - limits.KIB, limits.MIB)))


def connections(target: ConnectionFile) -> None:
    """Strangers who connect and say nothing; those that are cut come again."""
    opened: list[socket.socket] = []
    while True:
        with contextlib.suppress(OSError):
            opened.append(_stranger(target))
        if len(opened) > 3000:
            opened.pop(0).close()


def parts(target: ConnectionFile, part_bytes: int, count: int) -> None:
    """A client whose messages have far too many parts; cut, it comes again."""
    part = bytes(part_bytes)
    while True:
        client = _Raw(target)
        client.send(m.Hello())
        for _ in range(count):
            client.socket.send(part, zmq.SNDMORE, copy=part_bytes < limits.KIB)
        client.socket.send(part)
        time.sleep(2.0)
        client.close()


def unasked(target: ConnectionFile) -> None:
    """A client that sends a hundred thousand small files of which nobody knows."""
    client = _Raw(target)
    client.send(m.Hello())
    for number in itertools.count():
        client.send(m.Upload(f"{number:064x}", 1), b"x")
        client.drain(m.Pong)


def small_files(target: ConnectionFile) -> None:
    """A client whose jobs need thousands of small files, all of which it sends."""
    session = Session(Connection(target))
    drive(session, lambda event: isinstance(event, Connected), TIMEOUT_S)
    number = itertools.count()
    while True:
        while len(session.open_jobs) < limits.JOBS_PER_CLIENT:
            frames = tuple(b"%d" % next(number) for _ in range(11))
            session.submit(InvertRequest(f"job-{next(number)}", frames, "clip"))
        session.poll(time.monotonic(), 0.1)
        for job_id in session.open_jobs[: limits.JOBS_PER_CLIENT // 2]:
            session.cancel(job_id)
        session.wait(0.01)


def unfinished_uploads(target: ConnectionFile) -> None:
    """Clients whose jobs need files of 200 MiB each, of which they never send the end."""
    clients = [_Raw(target) for _ in range(_CROWD)]
    size, piece = 200 * limits.MIB, bytes(limits.PIECE_BYTES)
    for client in clients:
        client.send(m.Hello())
        client.send(request(plate=os.urandom(16)).message())
    while True:
        for client in clients:
            for asked in client.drain(m.NeedUpload):
                if asked.start + 2 * limits.PIECE_BYTES < size:
                    client.send(m.Upload(asked.sha256, size, asked.start), piece)
            client.ping()
        time.sleep(0.001)


def deaf(target: ConnectionFile, lies: bool = False) -> None:
    """Clients that ask for large frames and don't read, but go on saying that they live; some lie that they have read all."""
    clients = [_Raw(target, queued=1) for _ in range(_CROWD)]
    for client in clients:
        client.send(m.Hello())
    plate = b"plate"
    for client in clients:
        asked = request(Fault.LARGE, samples=64, plate=plate)
        client.send(asked.message())
        deadline = time.monotonic() + 10
        while not any(client.drain(m.NeedUpload)) and time.monotonic() < deadline:
            time.sleep(0.01)
        client.send(m.Upload(asked.plate_sha256(), len(plate)), plate)
    while True:
        for client in clients:
            with contextlib.suppress(zmq.Again):
                client.socket.send_multipart(encode(m.Ping(0, 2**60 if lies else 0)), zmq.DONTWAIT)
        time.sleep(0.1 if lies else 1.0)


def status(target: ConnectionFile) -> None:
    """A client that asks for the status as fast as it can and never reads the answers."""
    client = _Raw(target)
    client.send(m.Hello())
    while True:
        client.send(m.AskStatus())


def garbage(target: ConnectionFile) -> None:
    """A client that sends bytes that are no message, as fast as it can."""
    client = _Raw(target)
    client.send(m.Hello())
    while True:
        client.socket.send_multipart([os.urandom(64)] * 3)
        client.drain(m.Pong)


def hellos(target: ConnectionFile) -> None:
    """A crowd of clients of one key that come, say hello and go, without a goodbye."""
    while True:
        crowd = [_Raw(target) for _ in range(2 * limits.CLIENTS)]
        for client in crowd:
            client.send(m.Hello())
        time.sleep(0.2)
        for client in crowd:
            client.close()


FLOODS: dict[str, Callable[[ConnectionFile], None]] = {
    "commands-250-mib": lambda target: announced_commands(target, 250 * limits.MIB),
    "commands-500-kib": lambda target: announced_commands(target, 500 * limits.KIB),
    "connections": connections,
    "parts": lambda target: parts(target, 500 * limits.KIB, 2_000),
    "tiny-parts": lambda target: parts(target, 1, 500_000),
    "unasked-files": unasked,
    "small-files": small_files,
    "unfinished-files": unfinished_uploads,
    "deaf-clients": deaf,
    "lying-clients": lambda target: deaf(target, lies=True),
    "status": status,
    "garbage": garbage,
    "hellos": hellos,
}


class _Raw:
    """A socket with a key that says whatever a flood needs."""

    def __init__(self, target: ConnectionFile, queued: int = 0) -> None:
        self.socket = _CONTEXT.socket(zmq.DEALER)
        self.socket.linger, self.socket.rcvhwm, self.socket.sndhwm = 0, queued, 100
        self.socket.curve_serverkey = target.server_public.encode()
        self.socket.curve_publickey, self.socket.curve_secretkey = target.client_public.encode(), target.client_secret.encode()
        self.socket.connect(target.endpoint)
        self._pinged_s = time.monotonic()

    def send(self, message: m.Message, *raw: bytes) -> None:
        self.socket.send_multipart(encode(message, *raw))

    def drain(self, kind: type[_Kind]) -> list[_Kind]:
        found = []
        while self.socket.poll(0):
            message = decode(self.socket.recv_multipart(), m.FROM_BACKEND).message
            if isinstance(message, kind):
                found.append(message)
        return found

    def ping(self) -> None:
        if time.monotonic() - self._pinged_s > 1.0:
            self._pinged_s = time.monotonic()
            self.send(m.Ping(0, 0))

    def close(self) -> None:
        self.socket.close()


def _stranger(target: ConnectionFile) -> socket.socket:
    stranger = socket.create_connection(("127.0.0.1", target.port), timeout=1.0)
    _STRANGERS.append(stranger)
    return stranger


_CONTEXT = zmq.Context()
_STRANGERS: list[socket.socket] = []
