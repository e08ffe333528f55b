"""What waits for a client: sent in order under credits, held when nobody reads, plates within a quota."""

from __future__ import annotations

import pytest

from backend.front.clients import WAITING_MESSAGES, Client
from backend.front.connections import Connection
from backend.protocol import limits


class Socket:
    """Takes messages while it is open."""

    def __init__(self) -> None:
        self.taken: list[list[bytes]] = []
        self.open = True

    def send(self, routing_id: bytes, parts: list[bytes]) -> bool:
        if self.open:
            self.taken.append(parts)
        return self.open


@pytest.fixture
def socket() -> Socket:
    return Socket()


@pytest.fixture
def client() -> Client:
    return Client(b"anna", "key", 0.0, hold_bytes=100 * limits.MIB)


def frame(mib: int, name: bytes = b"head") -> list[bytes]:
    return [name, bytes(mib * limits.MIB)]


def test_messages_leave_in_order(client, socket):
    for name in (b"1", b"2", b"3"):
        client.push([name])
    client.flush(socket.send)
    assert socket.taken == [[b"1"], [b"2"], [b"3"]]
    assert client.sent == 3


def test_no_more_frames_are_on_the_way_than_the_window_holds(client, socket):
    for _ in range(4):
        client.push(frame(12))
    client.flush(socket.send)
    assert len(socket.taken) == 2
    client.acknowledge(12 * limits.MIB)
    client.flush(socket.send)
    assert len(socket.taken) == 3


def test_a_frame_larger_than_the_window_is_sent_alone(client, socket):
    client.push(frame(40))
    client.push(frame(40))
    client.flush(socket.send)
    assert len(socket.taken) == 1
    client.acknowledge(40 * limits.MIB)
    client.flush(socket.send)
    assert len(socket.taken) == 2


def test_small_messages_wait_behind_a_frame_that_waits(client, socket):
    client.push(frame(30))
    client.push(frame(30))
    client.push([b"done"])
    client.flush(socket.send)
    assert len(socket.taken) == 1


def test_a_full_socket_loses_nothing(client, socket):
    socket.open = False
    client.push([b"1"])
    client.flush(socket.send)
    assert client.sent == 0
    socket.open = True
    client.flush(socket.send)
    assert socket.taken == [[b"1"]]


def test_acknowledging_more_than_was_sent_gives_no_credit(client, socket):
    client.acknowledge(10**12)
    for _ in range(3):
        client.push(frame(20))
    client.flush(socket.send)
    assert len(socket.taken) == 1


def test_a_client_is_full_and_has_room_again(client, socket):
    for _ in range(12):
        client.push(frame(10))
    assert client.is_full
    while not client.has_room:
        client.flush(socket.send)
        client.acknowledge(10**12)
    assert not client.is_full


def test_a_client_with_endless_messages_is_hopeless(client):
    for _ in range(WAITING_MESSAGES + 1):
        client.push([b"x"])
    assert client.is_hopeless


def test_the_oldest_plate_that_no_job_needs_makes_room(client, monkeypatch):
    monkeypatch.setattr(limits, "UPLOAD_BYTES_PER_CLIENT", 100)
    assert client.keep_upload("a", bytes(40), set())
    assert client.keep_upload("b", bytes(40), {"a"})
    assert client.keep_upload("c", bytes(40), {"a"})
    assert client.upload("a")
    assert client.upload("b") is None
    assert client.upload("c")


def test_a_plate_that_does_not_fit_beside_needed_ones_is_refused(client, monkeypatch):
    monkeypatch.setattr(limits, "UPLOAD_BYTES_PER_CLIENT", 100)
    assert client.keep_upload("a", bytes(80), set())
    assert not client.keep_upload("b", bytes(40), {"a"})
    assert client.upload("a")
    assert client.upload("b") is None


def test_a_client_that_lies_about_what_it_has_read_gets_no_more_than_a_window(client, socket):
    client.connection = Connection(0, 0, 0.0, 0.0)
    for _ in range(5):
        client.push(frame(12))
    for _ in range(5):
        client.flush(socket.send)
        client.acknowledge(10**12)
    assert len(socket.taken) == 2
    client.connection.acknowledged = client.connection.sent
    client.flush(socket.send)
    assert len(socket.taken) == 4
