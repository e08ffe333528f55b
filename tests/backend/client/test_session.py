"""The client's side of the conversation, without sockets and with a clock that tests turn."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest

from backend.client import (
    Cancelled,
    Connected,
    Failed,
    Finished,
    FrameArrived,
    Lost,
    MeshArrived,
    Poke,
    PosesArrived,
    ProtocolError,
    SampleRequest,
    Session,
    Stroke,
    ThingArrived,
    ThingRequest,
)
from backend.client.session import SILENCE_S
from backend.protocol import messages as m
from backend.protocol.codec import decode, encode
from backend.protocol.limits import PIECE_BYTES
from ipoke_values import Sampling
from tests.machine import allowed

from ..protocol.examples import ERROR, MODEL, SUMMARY

INSTANCE, OTHER = "1" * 32, "2" * 32
PATIENT_S = allowed(5.0)


class FakeLink:
    """A connection whose other end is the test."""

    def __init__(self) -> None:
        self.sent: list[m.Message] = []
        self.raw: list[bytes] = []
        self.arriving: deque[list[bytes]] = deque()
        self.closed = False

    def send(self, parts: list[bytes]) -> bool:
        envelope = decode(parts, m.FROM_CLIENT)
        self.sent.append(envelope.message)
        self.raw.extend(envelope.raw)
        return True

    def receive(self) -> list[bytes] | None:
        return self.arriving.popleft() if self.arriving else None

    def wait(self, timeout_s: float) -> bool:
        return bool(self.arriving)

    def close(self) -> None:
        self.closed = True

    def arrive(self, *messages: m.Message, raw: tuple[bytes, ...] | None = None) -> None:
        for message in messages:
            self.arriving.append(encode(message, *((b"png",) * message.raw_parts if raw is None else raw)))

    def take_sent(self, kind: type[m.Message]) -> list[m.Message]:
        found = [message for message in self.sent if isinstance(message, kind)]
        self.sent = [message for message in self.sent if not isinstance(message, kind)]
        return found


def request(job_id: str = "job", samples: int = 1) -> SampleRequest:
    return SampleRequest(job_id, b"plate", "leaf.png", (Poke(0.5, 0.5, 0.1, 0.0),), None, samples, Sampling(7))


def frames(job_id: str = "job", samples: int = 1) -> list[m.Message]:
    return [m.Frame(job_id, variant, t) for variant in range(samples) for t in range(1, MODEL.frames + 1)]


@pytest.fixture
def link() -> FakeLink:
    return FakeLink()


@pytest.fixture
def session(link) -> Session:
    session = Session(link)
    link.arrive(m.Welcome(INSTANCE))
    session.poll(0.0, PATIENT_S)
    link.sent.clear()
    return session


def test_a_session_says_hello_and_tells_when_it_is_connected(link):
    session = Session(link)
    assert link.take_sent(m.Hello)
    info = m.ServerInfo("0.1.0", "CPU", 1, (MODEL,))
    link.arrive(m.Welcome(INSTANCE), m.Ready(info))
    assert session.poll(0.0, PATIENT_S) == [Connected(info)]


def test_a_job_that_is_submitted_before_the_connection_is_sent_when_it_stands(link):
    session = Session()
    session.submit(request())
    session.attach(link)
    session.poll(0.0, PATIENT_S)
    assert not link.take_sent(m.Sample)
    link.arrive(m.Welcome(INSTANCE))
    session.poll(0.1, PATIENT_S)
    assert link.take_sent(m.Sample) == [request().message()]


def test_the_plate_is_sent_only_when_it_is_asked_for(session, link):
    session.submit(request())
    session.poll(0.1, PATIENT_S)
    assert not link.take_sent(m.Upload)
    link.arrive(m.NeedUpload(request().plate_sha256()))
    session.poll(0.2, PATIENT_S)
    assert link.take_sent(m.Upload)
    assert link.raw == [b"plate"]


def test_a_large_plate_is_sent_in_the_pieces_that_are_asked_for(session, link):
    plate = bytes(range(256)) * 4096
    asked = replace(request(), plate=plate + b"end")
    session.submit(asked)
    sha256, size = asked.plate_sha256(), len(plate) + 3
    link.arrive(m.NeedUpload(sha256, 2 * PIECE_BYTES), m.NeedUpload(sha256), m.NeedUpload(sha256, 3 * PIECE_BYTES))
    session.poll(0.2, PATIENT_S)
    assert link.take_sent(m.Upload) == [m.Upload(sha256, size, 2 * PIECE_BYTES), m.Upload(sha256, size, 0)]
    assert link.raw == [b"end", plate[:PIECE_BYTES]]


def test_the_same_job_twice_is_sent_once(session, link):
    session.submit(request())
    session.submit(request())
    assert len(link.take_sent(m.Sample)) == 1


def test_a_request_outside_the_limits_is_refused_at_once(session, link):
    with pytest.raises(ProtocolError):
        session.submit(request(samples=0))
    assert session.open_jobs == ()


def test_frames_and_the_end_of_a_job_become_events(session, link):
    session.submit(request())
    link.arrive(*frames(), m.Finished("job", SUMMARY))
    events = session.poll(0.1, PATIENT_S)
    assert events[0] == FrameArrived("job", 0, 1, b"png")
    assert events[-1] == Finished("job", SUMMARY)
    assert session.open_jobs == ()


def test_a_finished_job_with_missing_frames_is_submitted_again(session, link):
    session.submit(request())
    link.take_sent(m.Sample)
    link.arrive(*frames()[:-1], m.Finished("job", SUMMARY))
    assert not [event for event in session.poll(0.1, PATIENT_S) if isinstance(event, Finished)]
    assert link.take_sent(m.Sample)
    link.arrive(*frames(), m.Finished("job", SUMMARY))
    assert session.poll(0.2, PATIENT_S)[-1] == Finished("job", SUMMARY)


def test_frames_that_are_kept_are_not_waited_for(session, link):
    session.submit(replace(request(), size=m.OutputSize.PLATE, kept=("a" * 64,) * 3))
    assert link.take_sent(m.Sample)[0].kept == ("a" * 64,) * 3
    link.arrive(*frames()[3:], m.Finished("job", SUMMARY))
    assert session.poll(0.1, PATIENT_S)[-1] == Finished("job", SUMMARY)


def test_a_job_whose_frames_never_arrive_fails_in_the_end(session, link):
    session.submit(request())
    events = []
    for attempt in range(8):
        link.arrive(m.Finished("job", SUMMARY))
        events += session.poll(0.1 * attempt, PATIENT_S)
    assert [type(event) for event in events] == [Failed]


def test_events_of_foreign_jobs_are_ignored(session, link):
    link.arrive(m.Started("foreign"), *frames("foreign"), m.Failed("foreign", ERROR))
    assert session.poll(0.1, PATIENT_S) == []


def test_open_jobs_are_submitted_again_to_a_restarted_backend(session, link):
    session.submit(request())
    link.sent.clear()
    link.arrive(m.Pong(OTHER, 0))
    session.poll(0.1, PATIENT_S)
    assert link.take_sent(m.Hello)
    link.arrive(m.Welcome(OTHER))
    session.poll(0.2, PATIENT_S)
    assert link.take_sent(m.Sample) == [request().message()]


def test_a_restarted_backend_is_not_asked_again_for_variants_that_are_done(session, link):
    session.submit(request(samples=3))
    link.arrive(*frames(samples=1), m.VariantDone("job", 0, ("ab" * 32,) * MODEL.frames), m.Welcome(OTHER))
    link.sent.clear()
    session.poll(0.1, PATIENT_S)
    (again,) = link.take_sent(m.Sample)
    assert (again.first, again.samples) == (1, 2)
    link.arrive(m.Welcome(OTHER))
    session.poll(0.2, PATIENT_S)
    assert link.take_sent(m.Sample) == [again]
    rest = [message for message in frames(samples=3) if message.variant > 0]
    link.arrive(*rest, m.Finished("job", SUMMARY))
    assert session.poll(0.3, PATIENT_S)[-1] == Finished("job", SUMMARY)


def test_a_backend_that_has_forgotten_the_client_is_not_asked_again_for_variants_that_are_done(session, link):
    session.submit(request(samples=3))
    link.arrive(*frames(samples=1), m.VariantDone("job", 0, ("ab" * 32,) * MODEL.frames), m.Pong("0" * 32, 0))
    link.sent.clear()
    session.poll(0.1, PATIENT_S)
    assert link.take_sent(m.Hello)
    link.arrive(m.Welcome(INSTANCE))
    session.poll(0.2, PATIENT_S)
    (again,) = link.take_sent(m.Sample)
    assert (again.first, again.samples) == (1, 2)


def test_messages_lost_on_the_way_are_noticed(session, link):
    link.arrive(m.Pong(INSTANCE, 5))
    session.poll(0.1, PATIENT_S)
    assert link.take_sent(m.Hello)


def test_a_pong_that_agrees_changes_nothing(session, link):
    session.submit(request())
    link.sent.clear()
    link.arrive(m.Queued("job", 0), m.Pong(INSTANCE, 1))
    session.poll(0.1, PATIENT_S)
    assert not link.take_sent(m.Hello)


def test_silence_is_told_once_and_jobs_stay(session, link):
    session.submit(request())
    events = [event for tenth in range(200) for event in session.poll(tenth * 0.1, PATIENT_S)]
    assert events == [Lost("The backend does not answer; it is tried again until it does.", final=False)]
    assert session.open_jobs == ("job",)


def test_a_caller_that_paused_does_not_take_its_own_pause_for_silence(session, link):
    assert session.poll(0.5, PATIENT_S) == []
    assert session.poll(0.5 + 10 * SILENCE_S, PATIENT_S) == []


def test_a_clock_that_jumps_back_is_no_silence(session, link):
    session.poll(1000.0, PATIENT_S)
    assert session.poll(3.0, PATIENT_S) == []
    assert session.poll(3.1, PATIENT_S) == []


def test_a_ping_a_second_gives_credit(session, link):
    session.poll(10.0, PATIENT_S)
    link.sent.clear()
    link.arrive(m.Queued("x", 0))
    for tenth in range(1, 10):
        session.poll(10.0 + tenth * 0.1, PATIENT_S)
    assert link.take_sent(m.Ping) == []
    session.poll(11.05, PATIENT_S)
    assert link.take_sent(m.Ping) == [m.Ping(1, 0)]


def test_cancelling_is_told_by_the_backend(session, link):
    session.submit(request())
    session.cancel("job")
    assert link.take_sent(m.Cancel) == [m.Cancel("job")]
    assert session.poll(0.1, PATIENT_S) == []
    link.arrive(m.Cancelled("job"))
    assert session.poll(0.2, PATIENT_S) == [Cancelled("job")]


def test_cancelling_without_a_connection_ends_the_job_at_once():
    session = Session()
    session.submit(request())
    session.cancel("job")
    assert session.poll(0.0, PATIENT_S) == [Cancelled("job")]


def test_a_job_cancelled_while_the_backend_restarts_is_not_submitted_again(session, link):
    session.submit(request())
    session.cancel("job")
    link.sent.clear()
    link.arrive(m.Welcome(OTHER))
    session.poll(0.1, PATIENT_S)
    assert not link.take_sent(m.Sample)
    assert link.take_sent(m.Cancel)


def test_a_refusal_is_final(session, link):
    link.arrive(m.Refused(ERROR))
    assert session.poll(0.1, PATIENT_S) == [Lost(ERROR.sentence, final=True)]


def test_bytes_that_are_no_message_are_told_and_do_no_harm(session, link):
    link.arriving.append([b"\xc1"])
    (lost,) = session.poll(0.1, PATIENT_S)
    assert isinstance(lost, Lost)


def test_a_poll_stops_after_its_share_of_bytes(session, link):
    session.submit(request())
    for frame in frames():
        link.arriving.append(encode(frame, bytes(3_000_000)))
    assert len(session.poll(0.1, PATIENT_S)) == 2
    assert len(session.poll(0.2, PATIENT_S)) == 2


def test_closing_says_goodbye(session, link):
    session.close()
    assert link.take_sent(m.Bye)
    assert link.closed


QUESTION = ThingRequest("question", b"plate", (Stroke(((0.5, 0.5),)),), clean=b"clean")
FOUND = m.ThingFound("question", m.ThingOrigin.SEGMENTER, tuple(m.Level), (0.5, 0.75, 0.25), 1)


def test_a_question_is_sent_and_its_answer_brings_the_masks_and_ends_it(session, link):
    session.submit(QUESTION)
    (asked,) = link.take_sent(m.FindThing)
    assert asked == QUESTION.message()
    assert len(QUESTION.uploads()) == 2
    link.arrive(FOUND)
    (event,) = session.poll(0.1, PATIENT_S)
    assert event == ThingArrived("question", FOUND, (b"png",) * 3)
    assert event.mask == b"png"
    assert session.open_jobs == ()


def test_an_answer_to_a_question_that_nobody_asked_or_that_was_cancelled_is_not_told(session, link):
    link.arrive(FOUND)
    assert session.poll(0.1, PATIENT_S) == []
    session.submit(QUESTION)
    session.cancel("question")
    link.arrive(m.Cancelled("question"), FOUND)
    assert session.poll(0.2, PATIENT_S) == [Cancelled("question")]


def test_a_question_is_asked_again_after_a_restart_and_when_a_backend_says_that_it_finished_it(session, link):
    session.submit(QUESTION)
    link.sent.clear()
    link.arrive(m.Welcome(OTHER))
    session.poll(0.1, PATIENT_S)
    assert link.take_sent(m.FindThing) == [QUESTION.message()]
    link.arrive(m.Finished("question", SUMMARY))
    session.poll(0.2, PATIENT_S)
    assert link.take_sent(m.FindThing) == [QUESTION.message()]


TRIANGLE = (bytes(4) + (1).to_bytes(4, "little") + (2).to_bytes(4, "little"), bytes(24))


def test_a_job_with_a_mesh_is_whole_when_that_and_all_poses_are_there(session, link):
    asked = replace(request(samples=2), size="plate", mesh=True, frames=False)
    session.submit(asked)
    link.arrive(m.BodyMesh("job", (64, 48)), raw=(*TRIANGLE, b"thing", b"background"))
    link.arrive(m.BodyPoses("job", 0), raw=(bytes(48),))
    link.arrive(m.Finished("job", SUMMARY))
    events = session.poll(0.1, PATIENT_S)
    assert [(event.size_px, event.thing, event.background) for event in events if isinstance(event, MeshArrived)] == [
        ((64, 48), b"thing", b"background")
    ]
    assert PosesArrived("job", 0, bytes(48)) in events
    assert session.open_jobs == ("job",), "poses are missing, so it is asked for again"
    link.arrive(m.BodyPoses("job", 1), raw=(bytes(48),))
    link.arrive(m.Finished("job", SUMMARY))
    session.poll(0.2, PATIENT_S)
    assert not session.open_jobs


def test_a_damaged_mesh_ends_the_conversation_with_a_sentence(session, link):
    session.submit(replace(request(), size="plate", mesh=True))
    link.arrive(m.BodyMesh("job", (64, 48)), raw=(b"123", b"", b"thing", b"background"))
    (lost,) = [event for event in session.poll(0.1, PATIENT_S) if isinstance(event, Lost)]
    assert lost.final
    assert "install the same version" in lost.sentence
