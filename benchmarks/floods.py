"""Floods against a real front with a worker without a model: its memory before, at most and after, and how long good jobs take.

    python -m benchmarks.floods             # every flood, a table of Markdown
    python -m benchmarks.floods --only parts tiny-parts

Each flood has a backend of its own and comes from another process, which is killed after some seconds, as by a crash. Ends with
1 when the front took more than it may, or had not freed it half a minute after the flood was gone.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from backend.client import Connected, Connection, ConnectionFile, Finished, InvertRequest, Launcher, LaunchPhase, Session, drive
from backend.protocol import limits
from backend.protocol import messages as m
from backend.protocol.codec import decode, encode
from tests.faults.fake_worker import Fault
from tests.faults.work import TIMEOUT_S, request, run
from tests.fuzz import resident_mb
from tests.processes import eventually

PROJECT = Path(__file__).resolve().parent.parent
FLOOD_S = 12.0
FREE_S = 40.0
MOST_FREE_S = 30.0
_NEAR_MB = 12.0
_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
_CROWD = limits.CLIENTS - 2


# --- the floods, each in a process of its own ----------------------------------------------------------------------


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
        client.drain()


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
        client.drain()


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

    def drain(self, kind: type[m.Message] = m.Pong) -> list[m.Message]:
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


# --- what a front does meanwhile -----------------------------------------------------------------------------------


@dataclass
class Row:
    """What one flood did to a front."""

    flood: str
    before_mb: float
    most_mb: float = 0.0
    after_mb: float = 0.0
    free_s: float = 0.0
    cpu_after: float = 0.0
    waits_s: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        grown = f"{self.before_mb:.0f} | {self.most_mb:.0f} | {self.after_mb:.0f} | {self.free_s:.1f}"
        waits = f"{statistics.median(self.waits_s):.2f} | {max(self.waits_s):.2f} | {len(self.waits_s)}"
        return f"| {self.flood} | {grown} | {waits} | {self.cpu_after:.0%} |"


HEADER = """| flood | MB before | most | after | s to free | good job s | worst | jobs | CPU after |
|---|---|---|---|---|---|---|---|---|"""


@contextlib.contextmanager
def front() -> Iterator[ConnectionFile]:
    """A backend with a worker without a model."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.faults.serve_with_fake_worker", folder]
        launcher = Launcher(command, Path(folder) / "run", {"PYTHONPATH": str(PROJECT)})
        launcher.start()
        try:
            eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start", 30.0)
            yield ConnectionFile.read(launcher.poll().connection_file)
        finally:
            launcher.stop()


def measure(flood: str, seconds: float = FLOOD_S) -> Row:
    """Run a flood for some seconds, jobs meanwhile, and wait until its memory is free."""
    with front() as target, contextlib.closing(Session(Connection(target))) as session:
        drive(session, lambda event: isinstance(event, Connected), TIMEOUT_S)
        for _ in range(20):
            run(session, request(samples=1))
        row = Row(flood, resident_mb(target.pid))
        with _from_another_process(flood, target) as process:
            until_s = time.monotonic() + seconds
            while time.monotonic() < until_s:
                began_s = time.monotonic()

                def note(_event: object) -> None:
                    row.most_mb = max(row.most_mb, resident_mb(target.pid))

                assert isinstance(run(session, request(samples=1), note).ending, Finished)
                row.waits_s.append(time.monotonic() - began_s)
                _poll_for(session, 0.1, note)
            assert process.poll() is None or flood.startswith("commands"), "the flood ended by itself"
        gone_s = time.monotonic()
        while resident_mb(target.pid) > row.before_mb + _NEAR_MB and time.monotonic() - gone_s < FREE_S:
            _poll_for(session, 0.1)
        row.free_s, row.after_mb = time.monotonic() - gone_s, resident_mb(target.pid)
        _poll_for(session, 2.0)
        before_s, began_s = cpu_s(target.pid), time.monotonic()
        _poll_for(session, 2.0)
        row.cpu_after = (cpu_s(target.pid) - before_s) / (time.monotonic() - began_s)
        assert isinstance(run(session, request(samples=1)).ending, Finished)
        return row


@contextlib.contextmanager
def _from_another_process(flood: str, target: ConnectionFile) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "connection.json"
        file.write_text(dataclasses.replace(target).to_json())
        file.chmod(0o600)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.floods", "--flood", flood, str(file)],
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _poll_for(session: Session, seconds: float, note: Callable[[object], None] = lambda _: None) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        session.poll(time.monotonic())
        note(None)
        session.wait(0.02)


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    columns = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(columns[11]) + int(columns[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(FLOODS), default=list(FLOODS))
    parser.add_argument("--seconds", type=float, default=FLOOD_S)
    parser.add_argument("--flood", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.flood is not None:
        flood, file = arguments.flood
        FLOODS[flood](ConnectionFile.read(Path(file)))
        time.sleep(60)
        return 0
    print(HEADER)
    rows = []
    for flood in arguments.only:
        rows.append(measure(flood, arguments.seconds))
        print(rows[-1], flush=True)
    return 0 if all(row.free_s < MOST_FREE_S for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
