"""Files in pieces: only what was asked for is kept, in order, and the whole has the hash that names it."""

from __future__ import annotations

import hashlib

import pytest

from backend.protocol.errors import ErrorCode, ProtocolError
from backend.protocol.limits import PIECE_BYTES, PIECES_ASKED
from backend.protocol.messages import NeedUpload, Upload
from backend.uploads import FileInPieces, Incoming

DATA = bytes(range(256)) * 8192  # four pieces
SHA = hashlib.sha256(DATA).hexdigest()
OTHER = "cd" * 32


def piece(start: int, size: int = len(DATA)) -> tuple[Upload, bytes]:
    return Upload(SHA, size, start), DATA[start : start + PIECE_BYTES]


def always(size: int) -> bool:
    return True


@pytest.fixture
def incoming() -> Incoming:
    incoming = Incoming()
    incoming.want(SHA, 0.0)
    return incoming


def test_pieces_in_order_make_the_file():
    file = FileInPieces(SHA)
    while not file.is_complete:
        file.take(*piece(file.received))
    assert file.data == DATA


def test_a_small_file_needs_no_size():
    file = FileInPieces(hashlib.sha256(b"small").hexdigest())
    file.take(Upload(file.sha256), b"small")
    assert file.is_complete
    assert file.data == b"small"


@pytest.mark.parametrize(
    ("upload", "data"),
    [
        (Upload(SHA, len(DATA), 2 * PIECE_BYTES), bytes(PIECE_BYTES)),
        (Upload(SHA, len(DATA), 0), bytes(PIECE_BYTES)),
        (Upload(SHA, len(DATA), PIECE_BYTES - 1), bytes(PIECE_BYTES)),
        (Upload(SHA, len(DATA), PIECE_BYTES), bytes(PIECE_BYTES + 1)),
        (Upload(SHA, len(DATA), PIECE_BYTES), b""),
        (Upload(SHA, len(DATA) + 1, PIECE_BYTES), bytes(PIECE_BYTES)),
    ],
    ids=["out of order", "twice", "overlapping", "too long", "empty", "another size"],
)
def test_a_piece_that_does_not_follow_is_refused(upload, data):
    file = FileInPieces(SHA)
    file.take(*piece(0))
    with pytest.raises(ProtocolError, match="does not follow"):
        file.take(upload, data)
    assert file.data == DATA[:PIECE_BYTES]


def test_a_file_with_another_hash_is_refused_at_its_end():
    file = FileInPieces(OTHER)
    with pytest.raises(ProtocolError, match="don't match") as refused:
        file.take(Upload(OTHER, 3, 0), b"abc")
    assert refused.value.code is ErrorCode.BAD_PLATE


def test_a_file_is_asked_for_by_its_beginning_and_then_a_few_pieces_at_a_time(incoming):
    assert incoming.questions(always) == [NeedUpload(SHA, 0)]
    assert incoming.questions(always) == []
    large = Upload(SHA, 100 * PIECE_BYTES, 0)
    file = incoming.expect(large, 1.0)
    incoming.admit(SHA, 100 * PIECE_BYTES)
    file.take(large, bytes(PIECE_BYTES))
    assert [asked.start for asked in incoming.questions(always)] == [PIECE_BYTES * n for n in range(1, PIECES_ASKED + 1)]
    assert incoming.announced_bytes == 100 * PIECE_BYTES


def test_many_small_files_are_asked_for_a_few_at_a_time():
    incoming = Incoming()
    for number in range(100):
        incoming.want(f"{number:064x}", 0.0)
    assert len(incoming.questions(always)) == PIECES_ASKED


@pytest.mark.parametrize("upload", [Upload(OTHER, 9, 0), Upload(SHA, len(DATA), PIECE_BYTES), Upload(SHA, len(DATA), 1)])
def test_a_piece_that_nobody_asked_for_is_refused(incoming, upload):
    incoming.questions(always)
    with pytest.raises(ProtocolError, match="not asked"):
        incoming.expect(upload, 1.0)


def test_pieces_that_were_taken_for_lost_are_asked_for_again_and_may_come_twice(incoming):
    incoming.questions(always)
    incoming.ask_again(20.0)
    assert incoming.questions(always) == [NeedUpload(SHA, 0)]
    file = incoming.expect(piece(0)[0], 21.0)
    file.take(*piece(0))
    assert incoming.expect(piece(0)[0], 21.0) is None
    with pytest.raises(ProtocolError, match="not asked"):
        incoming.expect(piece(0)[0], 21.0)


def test_a_piece_of_a_job_that_was_cancelled_is_no_fault(incoming):
    incoming.questions(always)
    incoming.keep_only(set())
    assert incoming.expect(piece(0)[0], 1.0) is None
    assert not incoming


def test_a_file_without_room_is_asked_for_when_there_is_some(incoming):
    incoming.questions(always)
    incoming.expect(piece(0)[0], 1.0)
    incoming.postpone(SHA, len(DATA))
    assert incoming.questions(lambda size: size < len(DATA)) == []
    assert incoming.waits_for_room
    assert incoming.questions(lambda size: size == len(DATA)) == [NeedUpload(SHA, 0)]


def test_bytes_that_are_given_up_are_asked_for_from_the_beginning(incoming):
    incoming.questions(always)
    file = incoming.expect(piece(0)[0], 1.0)
    incoming.admit(SHA, len(DATA))
    file.take(*piece(0))
    incoming.questions(always)
    incoming.give_up_bytes()
    assert incoming.announced_bytes == 0
    assert incoming.questions(always) == [NeedUpload(SHA, 0)]


def test_the_answer_to_a_question_that_was_forgotten_and_asked_again_is_late_not_a_fault(incoming):
    assert incoming.questions(always) == [NeedUpload(SHA, 0)]
    incoming.forget(SHA)
    incoming.want(SHA, 1.0)
    assert incoming.questions(always) == [NeedUpload(SHA, 0)]
    assert incoming.expect(Upload(SHA, len(DATA), 0), 1.0) is not None
    assert incoming.expect(Upload(SHA, len(DATA), 0), 1.0) is None
