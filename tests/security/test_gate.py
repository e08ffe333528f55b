"""The allow-list: a key opens the door it was made for and no other, and only while it is allowed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from backend.security import Gate, KeyPair, make_server

ROUNDS = 40


@pytest.fixture
def context() -> Iterator[zmq.Context]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def gets_in(context: zmq.Context, gate: Gate, domain: bytes, keys: KeyPair) -> bool:
    """Whether the owner of `keys` reaches a server of a domain."""
    server = KeyPair.new()
    with context.socket(zmq.PULL) as inside, context.socket(zmq.PUSH) as outside:
        inside.linger = outside.linger = 0
        make_server(inside, server, domain)
        port = inside.bind_to_random_port("tcp://127.0.0.1")
        outside.curve_serverkey = server.public.encode()
        outside.curve_publickey, outside.curve_secretkey = keys.public.encode(), keys.secret.encode()
        outside.connect(f"tcp://127.0.0.1:{port}")
        outside.send(b"hello")
        for _ in range(ROUNDS):
            gate.answer()
            if inside.poll(10):
                return True
    return False


def test_a_key_opens_only_its_own_door_and_only_while_it_is_allowed(context):
    gate, worker = Gate(context), KeyPair.new()
    assert not gets_in(context, gate, b"worker", worker)
    gate.allow(b"worker", worker.public)
    assert gets_in(context, gate, b"worker", worker)
    assert not gets_in(context, gate, b"client", worker)
    gate.revoke(b"worker", worker.public)
    assert not gets_in(context, gate, b"worker", worker)
    gate.close()
