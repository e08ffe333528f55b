"""Who has a place, who makes room, who has to wait and who is given up."""

from __future__ import annotations

import pytest

from backend.front.admission import has_to_wait, is_lost, one_too_many, too_many, who_makes_room
from backend.front.clients import Client
from backend.front.connections import Connection
from backend.protocol import limits
from backend.protocol.limits import MIB


def client(name: int, user: str = "anna", heard_s: float = 100.0, closed_s: float | None = None) -> Client:
    connection = Connection(name, name, heard_s, heard_s, closed_s=closed_s)
    return Client(b"%d" % name, user, heard_s, 256 * MIB, connection=connection, read_at=heard_s)


def full(user: str = "anna", count: int = limits.CLIENTS_PER_KEY) -> list[Client]:
    return [client(number, user) for number in range(count)]


def waits_for(mib: int, heard_s: float = 100.0) -> Client:
    one = client(mib, heard_s=heard_s)
    one.push([b"", bytes(mib * MIB)])
    return one


def test_nobody_makes_room_while_there_is_some():
    assert who_makes_room([client(1, heard_s=0.0)], "anna", False, 100.0) is None


def test_a_crashed_client_of_the_same_key_makes_room_at_once():
    clients = [*full()[:-1], client(9, heard_s=99.9, closed_s=99.95)]
    assert who_makes_room(clients, "anna", False, 100.0) is clients[-1]


def test_the_longest_silent_client_of_the_same_key_makes_room():
    clients = [*full()[:-2], client(8, heard_s=96.0), client(9, heard_s=90.0)]
    assert who_makes_room(clients, "anna", False, 100.0) is clients[-1]


@pytest.mark.parametrize("heard_s", [99.0, 97.5])
def test_clients_that_speak_keep_their_places(heard_s):
    clients = [*full()[:-1], client(9, heard_s=heard_s)]
    assert who_makes_room(clients, "anna", False, 100.0) is None
    assert "with this key already" in too_many(clients, "anna", False)


def test_a_full_key_takes_no_place_of_another_one():
    clients = [*full(), client(9, "bert", heard_s=0.0)]
    assert who_makes_room(clients, "anna", False, 100.0) is None


def test_a_full_backend_takes_the_place_of_who_is_silent_for_long():
    clients = [*full("owner", limits.CLIENTS - 1), client(99, "bert", heard_s=60.0)]
    assert who_makes_room(clients, "anna", False, 100.0) is clients[-1]
    clients[-1].heard_at = 80.0
    assert who_makes_room(clients, "anna", False, 100.0) is None


def test_a_client_whose_connection_has_ended_is_lost_after_a_while():
    gone = client(1, heard_s=100.0, closed_s=100.0)
    assert not is_lost(gone, 600.0, 115.0)
    assert is_lost(gone, 600.0, 119.0)
    assert not is_lost(client(2), 600.0, 119.0)
    assert is_lost(client(2), 600.0, 701.0)


def test_who_does_not_read_waits_when_all_together_hold_too_much():
    alone = waits_for(130)
    assert not has_to_wait(alone, [alone])
    assert has_to_wait(alone, [alone, waits_for(20)])
    small = waits_for(8)
    assert not has_to_wait(small, [small, waits_for(200)])


def test_who_has_read_nothing_for_longest_is_given_up_when_too_much_waits():
    clients = [waits_for(100, heard_s=90.0), waits_for(150, heard_s=99.0)]
    assert one_too_many(clients, 100.0) is None
    clients.append(waits_for(20))
    assert one_too_many(clients, 100.0) is clients[0]
    clients[0].read_at = 98.0
    assert one_too_many(clients, 100.0) is None
