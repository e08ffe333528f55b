"""Whoever has not the right keys gets nothing to the decoder; whoever has them stays within quotas."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
import zmq

from backend.client import Connected, Connection, ErrorCode, Lost, Session, drive
from backend.protocol import limits
from backend.protocol import messages as m
from backend.protocol.codec import decode, encode
from backend.protocol.version import PROTOCOL_VERSION
from backend.security import KeyPair, SecurityError, require_loopback
from tests.faults.work import request
from tests.machine import allowed
from tests.processes import eventually

STRANGER_WAITS_MS = 400


def is_answered(context: zmq.Context, endpoint: str, options: dict[str, bytes | int]) -> bool:
    """Say hello with some keys, and whether anything comes back."""
    with context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        for name, value in options.items():
            setattr(socket, name, value)
        socket.connect(endpoint)
        socket.send_multipart(encode(m.Hello()))
        return bool(socket.poll(STRANGER_WAITS_MS))


@pytest.fixture
def context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def strangers(server_public: str, client_public: str, client_secret: str) -> dict[str, dict[str, bytes | int]]:
    unknown, other_server = KeyPair.new(), KeyPair.new()
    server, mine, secret = server_public.encode(), client_public.encode(), client_secret.encode()
    return {
        "no key": {},
        "a password": {"plain_username": b"admin", "plain_password": b"admin"},
        "an unknown key": {
            "curve_serverkey": server,
            "curve_publickey": unknown.public.encode(),
            "curve_secretkey": unknown.secret.encode(),
        },
        "a wrong server key": {
            "curve_serverkey": other_server.public.encode(),
            "curve_publickey": mine,
            "curve_secretkey": secret,
        },
        "a known public key without its secret": {
            "curve_serverkey": server,
            "curve_publickey": mine,
            "curve_secretkey": unknown.secret.encode(),
        },
    }


@pytest.mark.parametrize("who", list(strangers("", "", "")))
def test_a_stranger_gets_nothing_to_the_decoder(service, context, who):
    target = service.connection
    keys = strangers(target.server_public, target.client_public, target.client_secret)[who]
    assert not is_answered(context, target.endpoint, keys)
    assert service.decoded == []
    friend = Connection(target)
    friend.send(encode(m.Hello()))
    assert friend.wait(5.0)
    friend.close()


def listening_addresses(pid: int) -> set[str]:
    """Addresses (hexadecimal) on which a process listens."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                found.add(columns[1].split(":")[0])
    return found


def test_the_backend_listens_on_loopback_only(service):
    assert listening_addresses(os.getpid()) == {"0100007F"}


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.2", "::", "example.org"])
def test_an_address_that_others_can_reach_is_refused(address):
    with pytest.raises(SecurityError):
        require_loopback(address)


@pytest.mark.parametrize("address", ["::1", "::", "fe80::1%eth0", "::ffff:127.0.0.1"])
def test_an_ipv6_address_is_refused_for_what_it_is(address):
    with pytest.raises(SecurityError, match="is an IPv6 address, and only IPv4"):
        require_loopback(address)


def welcomed(connection: Connection) -> bool:
    connection.send(encode(m.Hello()))
    assert connection.wait(5.0)
    parts = connection.receive()
    assert parts is not None
    return isinstance(decode(parts, m.FROM_BACKEND).message, m.Welcome)


def test_so_many_clients_and_no_more(service):
    connections = [Connection(service.connection) for _ in range(limits.CLIENTS + 1)]
    try:
        assert [welcomed(connection) for connection in connections] == [True] * limits.CLIENTS + [False]
        connections[0].send(encode(m.Bye()))
        eventually(lambda: welcomed(connections[-1]), "the place of a client that went is not free")
    finally:
        for connection in connections:
            connection.close()


def told(connection: Connection, kind: type[m.Message]) -> m.Message:
    """The next message of one kind."""
    while connection.wait(5.0):
        parts = connection.receive()
        message = decode(parts, m.FROM_BACKEND).message if parts else None
        if isinstance(message, kind):
            return message
    pytest.fail(f"no {kind.__name__} came")


def test_a_file_that_nobody_asked_for_is_refused(service):
    connection = Connection(service.connection)
    assert welcomed(connection)
    connection.send(encode(m.Upload("ab" * 32, 14), b"something else"))
    assert "not asked" in told(connection, m.Refused).error.sentence
    connection.close()


def test_a_plate_with_another_hash_is_refused(service):
    connection = Connection(service.connection)
    assert welcomed(connection)
    asked = request(plate=b"a plate of some kind")
    connection.send(encode(asked.message()))
    assert told(connection, m.NeedUpload) == m.NeedUpload(asked.plate_sha256())
    connection.send(encode(m.Upload(asked.plate_sha256(), 14), b"something else"))
    failed = told(connection, m.Failed)
    assert (failed.job_id, failed.error.code) == (asked.job_id, ErrorCode.BAD_PLATE)
    connection.close()


def test_another_version_is_told_so(service):
    connection = Connection(service.connection)
    session = Session(connection)
    head = encode(m.Hello())[0].replace(b"\xa1v" + bytes([PROTOCOL_VERSION]), b"\xa1v" + bytes([PROTOCOL_VERSION + 1]))
    connection.send([head])
    lost = drive(session, lambda event: isinstance(event, Lost), allowed(5.0))
    assert f"protocol {PROTOCOL_VERSION + 1}" in lost.sentence
    session.close()


def test_nothing_is_told_before_the_worker_is_up(service):
    session = Session(Connection(service.connection))
    events = session.poll(0.0)
    session.wait(1.0)
    assert not [event for event in [*events, *session.poll(0.1)] if isinstance(event, Connected)]
    session.close()


def test_secrets_have_no_text_form(service):
    target = service.connection
    assert target.client_secret not in repr(target)
    keys = KeyPair.new()
    assert keys.secret not in repr(keys)
    assert dataclasses.asdict(keys)["secret"] == keys.secret


def test_public_keys_never_look_like_an_option(monkeypatch):
    keys = iter([(b"-" + b"a" * 39, b"b" * 40), (b"c" * 40, b"d" * 40)])
    monkeypatch.setattr(zmq, "curve_keypair", lambda: next(keys))
    assert KeyPair.new() == KeyPair("c" * 40, "d" * 40)
