"""What passes between the processes: unreadable on the wire, harmless when it is garbage, and no keys in logs or arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.client import Connection, ConnectionFile, Finished, LaunchPhase, Session
from tests.faults.work import request, run
from tests.fuzz import fuzz_socket
from tests.processes import eventually, processes_with
from tests.relay import Relay

MARKER = b"a-leaf-that-nobody-may-read"


@pytest.fixture
def connection(launcher) -> Iterator[ConnectionFile]:
    """A backend with the fake worker, in processes of its own."""
    launcher.start()
    eventually(lambda: launcher.poll().phase is LaunchPhase.READY, "the backend did not start")
    yield ConnectionFile.read(launcher.poll().connection_file)
    launcher.stop()


def test_nothing_on_the_wire_can_be_read(connection):
    tap = Relay(connection.port)
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


def test_garbage_from_a_known_client_does_no_harm_to_others(connection):
    assert fuzz_socket(connection, 2_000) < 20
