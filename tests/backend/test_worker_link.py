"""A worker for a front process on another machine ends with its connection, whatever becomes of who started it."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Iterator

import pytest
import zmq

from backend.security import Gate, KeyPair, make_server
from backend.worker_link import Ticket, TicketError, WorkerLink
from tests.machine import allowed
from tests.processes import eventually

WORKER = (
    "import sys; from backend.worker_link import *\n"
    "link = WorkerLink(Ticket.read(sys.stdin.buffer)); link.send([b'here'])\n"
    "while True: link.receive(None)"
)


@pytest.fixture
def front() -> Iterator[tuple[zmq.Socket[bytes], Gate, Ticket]]:
    """A front process's socket, its gate, and the ticket of a worker."""
    context = zmq.Context()
    gate, server, worker = Gate(context), KeyPair.new(), KeyPair.new()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    make_server(socket, server, b"worker")
    gate.allow(b"worker", worker.public)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    yield socket, gate, Ticket(f"tcp://127.0.0.1:{port}", server.public, worker.public, worker.secret, ends_with_link=True)
    context.destroy(linger=0)


def heard(socket: zmq.Socket[bytes], gate: Gate) -> bool:
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    poller.register(gate.socket, zmq.POLLIN)
    for _ in range(200):
        poller.poll(50)
        gate.answer()
        if socket.poll(0):
            return socket.recv() == b"here"
    return False


def test_a_worker_ends_when_its_connection_is_lost(front):
    socket, gate, ticket = front
    worker = subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE)
    assert worker.stdin is not None
    with contextlib.ExitStack() as stack:
        stack.enter_context(worker)
        stack.callback(worker.kill)
        worker.stdin.write(ticket.to_line())
        worker.stdin.flush()
        assert heard(socket, gate)
        socket.close()
        # libzmq closes a connection when the gate has let go of it, and the front process looks after its gate all the time.
        eventually(lambda: gate.answer() or worker.poll() is not None, "the worker outlived its connection")
        assert worker.returncode == 1


def test_a_link_can_be_closed_while_it_is_watched(front):
    socket, gate, ticket = front
    link = WorkerLink(ticket)
    link.send([b"here"])
    assert heard(socket, gate)
    link.close()


KEYS = KeyPair.new()
LINE = Ticket("tcp://127.0.0.1:5000", KEYS.public, KEYS.public, KEYS.secret).to_line()


def test_a_ticket_is_read_as_it_was_written():
    assert Ticket.read(io.BytesIO(LINE)).endpoint == "tcp://127.0.0.1:5000"


@pytest.mark.parametrize(
    "line",
    [b"\n", b"{}", b"[1]", b"\xff", b"[" * 100_000, b'{"endpoint": 1}', LINE.replace(b"tcp", b"ipc"), LINE[:-9],
     LINE.replace(b"false", b"0"), LINE.replace(KEYS.secret.encode(), b"short")],
)  # fmt: skip
def test_what_is_no_ticket_is_refused_in_a_sentence(line):
    with pytest.raises(TicketError, match="is no place to connect to"):
        Ticket.read(io.BytesIO(line))


def test_a_worker_that_is_told_nothing_ends_with_one_sentence_in_the_log():
    command = [sys.executable, "-m", "backend.worker.main"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=allowed(60), check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("ERROR Nobody told this worker where to connect; it is started by `ipoke serve`.")
