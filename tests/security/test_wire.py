"""What passes between the processes: unreadable on the wire, harmless when it is garbage, and no keys in logs or arguments."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.client import Connected, Connection, ConnectionFile, Finished, LaunchPhase, Session, drive
from backend.protocol import messages as m
from backend.protocol.codec import encode
from tests.backend.protocol.examples import EXAMPLES, raw_of
from tests.faults.work import TIMEOUT_S, request, run
from tests.processes import eventually, processes_with

MARKER = b"a-leaf-that-nobody-may-read"


class Tap:
    """A TCP relay that keeps a copy of everything."""

    def __init__(self, port: int) -> None:
        self.seen = bytearray()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, args=(port,))]
        self._threads[0].start()

    def _accept(self, port: int) -> None:
        near = self._listener.accept()[0]
        far = socket.create_connection(("127.0.0.1", port))
        self._sockets += [near, far]
        for source, target in ((near, far), (far, near)):
            thread = threading.Thread(target=self._relay, args=(source, target))
            self._threads.append(thread)
            thread.start()

    def _relay(self, source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            self.seen += data
            target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for open_socket in self._sockets:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for open_socket in [*self._sockets, self._listener]:
            open_socket.close()


@pytest.fixture
def connection(launcher) -> Iterator[ConnectionFile]:
    """A backend with the fake worker, in processes of its own."""
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start")
    yield ConnectionFile.read(launcher.poll().connection_file)
    launcher.stop()


def test_nothing_on_the_wire_can_be_read(connection):
    tap = Tap(connection.port)
    session = Session(Connection(dataclasses.replace(connection, port=tap.port)))
    asked = request(plate=MARKER * 1000)
    assert isinstance(run(session, asked).ending, Finished)
    session.close()
    tap.close()
    assert len(tap.seen) > len(asked.plate)
    for secret in (MARKER, asked.job_id.encode(), b"Sample", b"plate_sha256", asked.plate_sha256().encode()):
        assert secret not in tap.seen


def test_keys_stand_neither_in_the_log_nor_in_arguments_or_environment(connection, launcher, scratch):
    session = Session(Connection(connection))
    assert isinstance(run(session, request(plate=MARKER)).ending, Finished)
    session.close()
    log = launcher.log_file.read_bytes()
    assert b"finished" in log
    secrets = [connection.client_secret.encode(), connection.server_public.encode(), connection.client_public.encode()]
    for secret in (*secrets, MARKER):
        assert secret not in log
    for pid in processes_with(str(scratch)):
        told = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        assert not [secret for secret in secrets if secret in told]


def mutated(generator: random.Random) -> list[bytes]:
    message = generator.choice(EXAMPLES)
    parts = [bytearray(part) for part in encode(message, *raw_of(message))]
    for _ in range(generator.randint(0, 4)):
        part = generator.choice(parts)
        place = generator.randrange(len(part) + 1)
        part[place : place + generator.randint(0, 3)] = generator.randbytes(generator.randint(0, 3))
    return [bytes(part) for part in parts[: generator.randint(1, len(parts))]] + [b"x"] * generator.choice([0, 0, 0, 1, 5])


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def test_garbage_from_a_known_client_does_no_harm_to_others(connection):
    generator = random.Random(11)
    session, vandal = Session(Connection(connection)), Connection(connection)
    drive(session, lambda event: isinstance(event, Connected), TIMEOUT_S)
    vandal.send(encode(m.Hello()))
    before_mb = resident_mb(connection.pid)
    for round_number in range(4):
        for _ in range(500):
            vandal.send(mutated(generator))
            vandal.receive()
        assert isinstance(run(session, request()).ending, Finished), f"round {round_number}"
    assert resident_mb(connection.pid) - before_mb < 20
    vandal.close()
    session.close()
