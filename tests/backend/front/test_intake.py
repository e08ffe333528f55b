"""How the front takes files: announced sizes, shares of the memory, what doesn't come, what a silent client leaves behind."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from backend.front import intake as intake_module
from backend.front.clients import Client, Share
from backend.front.intake import Intake
from backend.front.scheduler import Scheduler, Tell
from backend.protocol import limits
from backend.protocol import messages as m
from backend.protocol.codec import decode
from backend.protocol.limits import MIB, PIECE_BYTES

from ..protocol.examples import SAMPLE

DATA = bytes(3 * PIECE_BYTES)
SHA = hashlib.sha256(DATA).hexdigest()


class Front:
    """Two clients whose jobs need files, and a clock."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.clients = [Client(name, "key", 0.0, 256 * MIB) for name in (b"anna", b"bert")]
        self.anna, self.bert = self.clients
        self.intake = Intake(lambda: self.clients, self.scheduler)

    def submit(self, client: Client, sha256: str, job_id: str = "job") -> None:
        self.scheduler.submit(client.routing_id, replace(SAMPLE, job_id=job_id, plate_sha256=sha256), {sha256})
        self.intake.want(client, sha256, client.heard_at)

    def send(self, client: Client, sha256: str, size: int, start: int = 0, piece: bytes | None = None) -> list[m.Message]:
        length = min(PIECE_BYTES, size - start)
        upload = m.Upload(sha256, size, start)
        effects = self.intake.take(client, upload, bytes(length) if piece is None else piece, client.heard_at)
        return [effect.message for effect in effects if isinstance(effect, Tell)]

    def look_after(self, client: Client, now_s: float, heard: bool = True) -> list[m.Message]:
        client.heard_at = now_s if heard else client.heard_at
        effects = self.intake.look_after(client, now_s)
        return [effect.message for effect in effects if isinstance(effect, Tell)]


@pytest.fixture
def front() -> Front:
    return Front()


def asked_of(client: Client) -> list[m.Message]:
    asked = [decode(parts, m.FROM_BACKEND).message for parts in client._outbox]
    client._outbox.clear()
    return asked


def test_a_file_that_was_asked_for_is_kept_and_its_job_goes_on(front):
    front.submit(front.anna, SHA)
    for start in range(0, len(DATA), PIECE_BYTES):
        front.send(front.anna, SHA, len(DATA), start)
    assert front.anna.upload(SHA) == DATA
    assert front.anna.file_bytes == len(DATA)
    assert front.scheduler.worker_ready(0)


def test_a_file_that_is_larger_than_the_quota_ends_its_job_before_a_byte_is_kept(front):
    front.submit(front.anna, "1" * 64)
    front.submit(front.anna, "2" * 64, "other")
    front.send(front.anna, "1" * 64, limits.UPLOAD_BYTES_PER_CLIENT)
    (failed,) = front.send(front.anna, "2" * 64, PIECE_BYTES)
    assert failed.error.code is m.ErrorCode.QUOTA
    assert front.anna.file_bytes == limits.UPLOAD_BYTES_PER_CLIENT


def test_a_broken_piece_ends_the_jobs_that_wait_for_the_file(front):
    front.submit(front.anna, SHA)
    (failed,) = front.send(front.anna, SHA, len(DATA), piece=b"short")
    assert isinstance(failed, m.Failed)
    assert not front.anna.incoming


def test_a_file_waits_while_others_fill_the_memory_and_its_job_ends_in_a_sentence_after_half_a_minute(front, monkeypatch):
    monkeypatch.setattr(intake_module, "FILES", Share(0, 10 * MIB))
    front.submit(front.anna, "1" * 64)
    front.send(front.anna, "1" * 64, 9 * MIB)
    front.submit(front.bert, "2" * 64)
    assert front.send(front.bert, "2" * 64, 2 * MIB) == []
    assert front.bert.file_bytes == 0
    asked_of(front.bert)
    assert front.look_after(front.bert, 20.0) == []
    assert asked_of(front.bert) == []
    (failed,) = front.look_after(front.bert, 31.0)
    assert "other clients" in failed.error.sentence


def test_a_file_that_waited_is_asked_for_when_another_client_has_gone(front, monkeypatch):
    monkeypatch.setattr(intake_module, "FILES", Share(0, 10 * MIB))
    front.submit(front.anna, "1" * 64)
    front.send(front.anna, "1" * 64, 9 * MIB)
    front.submit(front.bert, "2" * 64)
    front.send(front.bert, "2" * 64, 2 * MIB)
    asked_of(front.bert)
    front.clients.remove(front.anna)
    front.look_after(front.bert, 1.0)
    assert asked_of(front.bert) == [m.NeedUpload("2" * 64, 0)]


def test_files_that_no_job_needs_make_room_for_another_client(front, monkeypatch):
    monkeypatch.setattr(intake_module, "FILES", Share(0, 10 * MIB))
    assert front.anna.keep_upload("1" * 64, bytes(9 * MIB), set())
    front.submit(front.bert, "2" * 64)
    front.send(front.bert, "2" * 64, 2 * MIB)
    assert front.bert.file_bytes == 2 * MIB
    assert front.anna.file_bytes == 0


def test_small_files_have_room_whatever_the_others_hold():
    share = Share(sure_bytes=8, shared_bytes=100)
    assert share.has_room(8, [1000, 1000])
    assert share.has_room(58, [58])
    assert not share.has_room(59, [58])


def test_pieces_that_do_not_come_are_asked_for_again_and_then_the_job_ends(front):
    front.submit(front.anna, SHA)
    asked_of(front.anna)
    assert front.look_after(front.anna, 9.0) == []
    assert asked_of(front.anna) == []
    front.look_after(front.anna, 11.0)
    assert asked_of(front.anna) == [m.NeedUpload(SHA, 0)]
    (failed,) = front.look_after(front.anna, 31.0)
    assert "did not come within 30 s" in failed.error.sentence


def test_a_silent_client_keeps_its_jobs_and_holds_no_memory(front):
    front.anna.keep_upload("1" * 64, bytes(100), set())
    front.submit(front.anna, SHA)
    front.send(front.anna, SHA, len(DATA))
    assert front.look_after(front.anna, 25.0, heard=False) == []
    assert front.anna.file_bytes == 0
    asked_of(front.anna)
    assert front.look_after(front.anna, 599.9, heard=False) == []
    assert front.look_after(front.anna, 600.0) == []
    assert asked_of(front.anna) == [m.NeedUpload(SHA, 0)]
