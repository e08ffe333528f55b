"""A worker for a front process on another machine ends with its connection, whatever becomes of who started it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
import zmq

from backend.security import Gate, KeyPair, make_server
from backend.worker_link import Ticket, WorkerLink
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
