"""What libzmq holds of a connection is known and bounded, whatever its messages look like; too many connections are cut."""

from __future__ import annotations

import contextlib
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import zmq

from backend.front import connections as connections_module
from backend.front.connections import HELD_BYTES, Connection, Connections, raise_handle_limit
from backend.protocol.limits import KIB, MIB
from backend.security import Gate, KeyPair, make_server
from tests.processes import eventually

SERVER, CLIENT = KeyPair.new(), KeyPair.new()


class Front:
    """A ROUTER with keys, its connections, and DEALERs that reach it."""

    def __init__(self) -> None:
        self.context = zmq.Context()
        self.gate = Gate(self.context)
        self.gate.allow(b"client", CLIENT.public)
        router = self.context.socket(zmq.ROUTER)
        self.connections = Connections(self.context, router)
        make_server(router, SERVER, b"client")
        self._peers: list[int] = []
        self._clients: list[zmq.Socket[bytes]] = []
        self.port = router.bind_to_random_port("tcp://127.0.0.1")

    def client(self) -> zmq.Socket[bytes]:
        dealer = self.context.socket(zmq.DEALER)
        self._clients.append(dealer)
        dealer.linger, dealer.sndhwm = 0, 0
        dealer.curve_serverkey = SERVER.public.encode()
        dealer.curve_publickey, dealer.curve_secretkey = CLIENT.public.encode(), CLIENT.secret.encode()
        dealer.connect(f"tcp://127.0.0.1:{self.port}")
        return dealer

    def stranger(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port))

    def until(self, condition: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            self.gate.answer()
            self.connections.look_after(time.monotonic())
            return condition()

        eventually(look, what)

    def received(self) -> list[bytes]:
        found: list[list[bytes]] = []

        def look() -> bool:
            received = self.connections.receive(time.monotonic())
            if received is not None:
                found.append(received.parts)
            return received is not None

        self.until(look, "no message came")
        return found[0]

    @property
    def held(self) -> list[int]:
        return [connection.held for connection in self.connections._open.values()]

    @property
    def peers(self) -> list[int]:
        """Ports of those that are or were connected."""
        for connection in self.connections._open.values():
            with contextlib.suppress(OSError), connections_module._borrowed(connection.fd) as borrowed:
                self._peers.append(borrowed.getpeername()[1])
        return self._peers

    @property
    def cut(self) -> list[Connection]:
        known = (*self.connections._open.values(), *self.connections._ended.values())
        return [connection for connection in known if connection.is_cut]

    def is_cut(self, stranger: socket.socket) -> bool:
        stranger.settimeout(0.01)
        try:
            while stranger.recv(1000):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front()
    yield front
    front.context.destroy(linger=0)


def test_nothing_is_held_of_messages_that_were_read(front):
    client = front.client()
    for size in (0, 10, 300, 500 * KIB):
        client.send(bytes(size))
        assert front.received() == [bytes(size)]
    front.until(lambda: front.held == [0], "something is held")


def test_heartbeats_are_not_taken_for_messages(front):
    client = front.client()
    client.send(b"")
    front.received()
    connection = next(iter(front.connections._open.values()))
    connection.delivered -= 500
    connection.looked_s -= 3600
    client.send(b"")
    front.received()
    front.until(lambda: front.held == [0], "heartbeats of an hour are held against a connection")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much a connection has received")
@pytest.mark.parametrize(("part", "count"), [(500 * KIB, 200), (1, 1_000_000)], ids=["large parts", "tiny parts"])
def test_a_message_without_an_end_ends_its_connection(front, part, count):
    client, friend = front.client(), front.client()
    friend.send(b"hello")
    assert front.received() == [b"hello"]
    data = bytes(part)
    for _ in range(count):
        client.send(data, zmq.SNDMORE, copy=part < KIB)
    client.send(b"")
    most = 0

    def is_cut() -> bool:
        nonlocal most
        most = max(most, *front.held)
        return any(connection.is_cut for connection in front.connections._open.values())

    front.until(is_cut, "the connection was not cut")
    assert HELD_BYTES < most < HELD_BYTES + 64 * MIB
    friend.send(b"still here")
    assert front.received() == [b"still here"]


def test_a_message_of_too_many_parts_is_dropped_and_ends_its_connection(front):
    client, friend = front.client(), front.client()
    client.send_multipart([b"x"] * 1000)
    front.until(lambda: front.connections.receive(0.0) is None and len(front.cut) == 1, "the connection was not cut")
    friend.send(b"still here")
    assert front.received() == [b"still here"]


def test_messages_of_a_connection_that_was_cut_are_dropped(front):
    client, friend = front.client(), front.client()
    friend.send(b"hello")
    assert front.received() == [b"hello"]
    (of_friend,) = [fd for fd, connection in front.connections._open.items() if connection.has_spoken]
    for _ in range(10):
        client.send(bytes(KIB))
    front.until(lambda: sum(front.held) > 100, "nothing came")
    (flood,) = [connection for fd, connection in front.connections._open.items() if fd != of_friend]
    front.connections.cut(flood)
    front.until(lambda: flood.closed_s is not None, "the end was not noticed")
    friend.send(b"still here")
    assert front.received() == [b"still here"]


def test_the_oldest_strangers_make_room_and_who_has_spoken_stays(front, monkeypatch):
    front.connections._limit = 3
    client = front.client()
    client.send(b"hello")
    assert front.received() == [b"hello"]
    strangers = []
    for _ in range(5):
        strangers.append(front.stranger())
        front.until(lambda: strangers[-1].getsockname()[1] in front.peers, "a connection was not noticed")
    front.until(lambda: [front.is_cut(one) for one in strangers] == [True] * 3 + [False] * 2, "the wrong ones were cut")
    client.send(b"still here")
    assert front.received() == [b"still here"]
    for stranger in strangers:
        stranger.close()


@pytest.mark.slow
def test_who_says_nothing_is_cut_within_seconds(front):
    stranger = front.stranger()
    began_s = time.monotonic()
    front.until(lambda: front.is_cut(stranger), "the stranger is still there")
    assert time.monotonic() - began_s > 1.0
    stranger.close()


def test_a_connection_that_ended_is_noticed(front):
    client = front.client()
    client.send(b"hello")
    front.received()
    (connection,) = front.connections._open.values()
    client.close()
    front.until(lambda: connection.closed_s is not None, "the end was not noticed")
    assert front.connections.count == 0


def test_a_descriptor_that_stands_for_something_else_by_now_is_left_alone(front):
    client = front.client()
    client.send(b"hello")
    front.received()
    (connection,) = front.connections._open.values()
    connection.inode += 1
    front.connections.cut(connection)
    assert not connection.is_cut
    assert connections_module._counted(connection) is None
    client.send(b"still here")
    assert front.received() == [b"still here"]


def test_the_limit_of_handles_is_raised():
    command = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 1000)); "
    command += "from backend.front.connections import raise_handle_limit; print(raise_handle_limit())"
    assert subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout == "1000\n"
    assert raise_handle_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_connections_that_end_by_themselves_while_they_are_too_many_end_the_search(monkeypatch):
    own = Front()
    try:
        strangers = [own.stranger() for _ in range(4)]
        own.until(lambda: len(own.connections._open) == 4, "the strangers were not noticed")
        monkeypatch.setattr(own.connections, "_limit", 2)
        monkeypatch.setattr(connections_module, "_is_same", lambda _connection: False)
        own.connections.look_after(time.monotonic())
        assert len(own.connections._standing()) <= 2
        for stranger in strangers:
            stranger.close()
    finally:
        own.context.destroy(linger=0)
