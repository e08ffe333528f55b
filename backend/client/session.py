"""Owns the conversation with a backend: which jobs are open, what has arrived, when to speak again. No sockets.

The session owns the truth about its jobs. Requests are deterministic, so after a lost message, a lost network or a
restarted backend it submits every open job again under the same id, and the same bytes arrive.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..protocol import limits, messages
from ..protocol.codec import Envelope, decode, encode
from ..protocol.errors import ErrorCode, ProtocolError
from ..protocol.messages import FROM_BACKEND, ErrorInfo, Message
from .events import (
    Cancelled,
    Connected,
    Event,
    Failed,
    Finished,
    FrameArrived,
    KinematicsArrived,
    Lost,
    MeshArrived,
    PassesArrived,
    PosesArrived,
    Prepared,
    Progress,
    Queued,
    Restarted,
    Started,
    Status,
    ThingArrived,
    VariantDone,
)
from .mesh import RestMesh
from .request import Request

PING_S = 1.0
SILENCE_S = 8.0
_PAUSE_S = 2.0
_PING_BYTES = limits.WINDOW_BYTES // 4
_POLL_BYTES = 4 * limits.MIB
_RESUBMISSIONS = 3


class Link(Protocol):
    """What a session needs of a connection."""

    def send(self, parts: list[bytes]) -> bool:
        """Queue a message, False when the queue is full."""

    def receive(self) -> list[bytes] | None:
        """Next message or None."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for a message."""

    def close(self) -> None:
        """Close at once."""


@dataclass(slots=True)
class _Job:
    message: messages.Work
    uploads: dict[str, bytes]
    cancelled: bool = False
    submissions: int = 0
    arrived: set[tuple[int, int]] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    sent: messages.Work | None = None
    has_kinematics: bool = False
    has_mesh: bool = False
    posed: set[int] = field(default_factory=set)

    def rest(self) -> messages.Work:
        """The request for what a backend that has forgotten everything is still to make."""
        if not isinstance(self.message, messages.Sample):
            return self.message
        end = self.message.first + self.message.samples
        first = next((index for index in range(self.message.first, end) if index not in self.done), end - 1)
        return replace(self.message, first=first, samples=end - first)

    def is_complete(self, frames: int) -> bool:
        if not isinstance(self.message, messages.Sample):
            return self.has_kinematics
        wanted = range(self.message.first, self.message.first + self.message.samples)
        if self.message.mesh and not (self.has_mesh and self.posed.issuperset(wanted)):
            return False
        if not self.message.frames:
            return True
        return all((variant, t) in self.arrived for variant in wanted for t in range(1 + len(self.message.kept), frames + 1))


class Session:
    """A client's side of the protocol. Call `poll` often; it never blocks."""

    def __init__(self, link: Link | None = None) -> None:
        self._link: Link | None = None
        self._jobs: dict[str, _Job] = {}
        self._events: list[Event] = []
        self._instance: str | None = None
        self._last_instance: str | None = None
        self._lost = False
        self._received = 0
        self._received_bytes = 0
        self._pinged_bytes = 0
        self._pinged_at: float | None = None
        self._polled_at: float | None = None
        self._heard_at = 0.0
        if link is not None:
            self.attach(link)

    @property
    def open_jobs(self) -> tuple[str, ...]:
        """Ids of the jobs that have not ended."""
        return tuple(self._jobs)

    def attach(self, link: Link) -> None:
        """Talk over another connection from now on (the old one is closed); open jobs are submitted there again."""
        self.detach()
        self._link = link
        self._lost = False
        self._send(messages.Hello())

    def detach(self) -> None:
        """Close the connection and keep the open jobs for the next one."""
        if self._link is not None:
            self._link.close()
        self._link = None
        self._instance = None
        self._pinged_at = self._polled_at = None

    def submit(self, request: Request) -> str:
        """Ask for variants, kinematics or a thing; the same id twice is one job. Raises ProtocolError for a broken limit."""
        message, uploads = request.message(), request.uploads()
        encode(message)
        if not all(uploads.values()) or sum(len(data) for data in uploads.values()) > limits.UPLOAD_BYTES_PER_CLIENT:
            raise ProtocolError("A file is empty, or the files are larger than 256 MiB.", "plate", ErrorCode.BAD_PLATE)
        if request.job_id not in self._jobs:
            self._jobs[request.job_id] = job = _Job(message, uploads)
            if self._instance is not None:
                self._send_job(job)
        return request.job_id

    def cancel(self, job_id: str) -> None:
        """Stop a job; `Cancelled` follows, unless the job ends in another way first."""
        job = self._jobs.get(job_id)
        if job is None or job.cancelled:
            return
        job.cancelled = True
        if self._instance is None:
            self._end(job_id, Cancelled(job_id))
        else:
            self._send(messages.Cancel(job_id))

    def cancel_all(self, *, everyone: bool = False) -> None:
        """Stop every job of this session; with `everyone` of every client, which the backend's owner may."""
        for job_id in list(self._jobs):
            self.cancel(job_id)
        if everyone:
            self._send(messages.CancelAll(everyone=True))

    def release_memory(self) -> None:
        """Let idle workers unload their models."""
        self._send(messages.ReleaseMemory())

    def ask_status(self) -> None:
        """Ask what the backend is doing; `Status` follows."""
        self._send(messages.AskStatus())

    def close(self) -> None:
        """Say goodbye and close; open jobs are cancelled at the backend."""
        self._send(messages.Bye())
        self._jobs.clear()
        self.detach()

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have arrived, at most `timeout_s`."""
        if self._link is not None:
            self._link.wait(timeout_s)
        else:
            time.sleep(timeout_s)

    def poll(self, now_s: float, budget_s: float = 0.004) -> list[Event]:
        """Handle what has arrived, within a time budget; `now_s` is any steady clock in seconds."""
        if self._link is not None:
            self._note_pause(now_s)
            self._handle_arrivals(now_s, budget_s)
            self._watch_silence(now_s)
            self._ping(now_s)
        events, self._events = self._events, []
        return events

    def _note_pause(self, now_s: float) -> None:
        # A caller that did not poll for a while has not listened: silence of the backend counts from now on.
        if self._polled_at is None or not 0 <= now_s - self._polled_at < _PAUSE_S:
            self._heard_at = now_s
        self._polled_at = now_s

    def _handle_arrivals(self, now_s: float, budget_s: float) -> None:
        deadline = time.perf_counter() + budget_s
        start_bytes = self._received_bytes
        while self._link is not None:
            parts = self._link.receive()
            if parts is None:
                return
            self._heard_at = now_s
            self._handle_parts(parts)
            if time.perf_counter() > deadline or self._received_bytes - start_bytes > _POLL_BYTES:
                return

    def _handle_parts(self, parts: list[bytes]) -> None:
        try:
            envelope = decode(parts, FROM_BACKEND)
        except ProtocolError as error:
            self._events.append(Lost(error.sentence, final=True))
            return
        if not isinstance(envelope.message, messages.Pong):
            self._received += 1
            self._received_bytes += sum(len(part) for part in envelope.raw)
        try:
            self._handle(envelope)
        except ProtocolError as error:
            self._events.append(Lost(error.sentence, final=True))

    def _handle(self, envelope: Envelope) -> None:
        match envelope.message:
            case messages.Welcome(instance=instance):
                self._welcome(instance)
            case messages.Ready(info=info):
                self._events.append(Connected(info))
            case messages.Pong() as pong:
                self._compare(pong)
            case messages.NeedUpload(sha256=sha256, start=start):
                self._upload(sha256, start)
            case messages.Refused(error=error):
                self._events.append(Lost(error.sentence, final=True))
            case messages.Frame(job_id=job_id, variant=variant, t=t):
                if job_id in self._jobs:
                    self._jobs[job_id].arrived.add((variant, t))
                    self._events.append(FrameArrived(job_id, variant, t, envelope.raw[0]))
            case messages.Passes(job_id=job_id, variant=variant, t=t):
                if job_id in self._jobs:
                    self._events.append(PassesArrived(job_id, variant, t, envelope.raw[0]))
            case messages.BodyMesh(job_id=job_id, size_px=size_px) if job_id in self._jobs:
                triangles, places, thing, background = envelope.raw
                self._events.append(MeshArrived(job_id, RestMesh.of(triangles, places), size_px, thing, background))
                self._jobs[job_id].has_mesh = True
            case messages.BodyPoses(job_id=job_id, variant=variant) if job_id in self._jobs:
                self._events.append(PosesArrived(job_id, variant, envelope.raw[0]))
                self._jobs[job_id].posed.add(variant)
            case messages.Kinematics(job_id=job_id, sha256=sha256) if job_id in self._jobs:
                self._take_kinematics(job_id, sha256, envelope.raw[0])
            case messages.ThingFound(job_id=job_id) as found if job_id in self._jobs:
                self._end(job_id, ThingArrived(job_id, found, envelope.raw))
            case Status() as status:
                self._events.append(status)
            case Finished(job_id=job_id) as finished if job_id in self._jobs:
                self._finish(finished)
            case Failed(job_id=job_id) | Cancelled(job_id=job_id) as ended if job_id in self._jobs:
                self._end(job_id, ended)
            case (Queued() | Started() | Prepared() | Progress() | VariantDone() | Restarted()) as told:
                if told.job_id in self._jobs:
                    if isinstance(told, VariantDone):
                        self._jobs[told.job_id].done.add(told.variant)
                    self._events.append(told)

    def _welcome(self, instance: str) -> None:
        is_another = instance != self._last_instance
        self._instance = self._last_instance = instance
        self._lost = False
        self._received = self._received_bytes = self._pinged_bytes = 0
        for job_id, job in list(self._jobs.items()):
            if job.cancelled:
                self._send(messages.Cancel(job_id))
            else:
                self._send_job(job, job.rest() if is_another else job.sent)

    def _compare(self, pong: messages.Pong) -> None:
        # A pong comes after everything sent before it: a difference means that messages were lost on the way.
        if pong.instance != self._last_instance:
            self._last_instance = None  # it knows nothing of this session, so it is asked only for the rest
        if pong.instance != self._instance or pong.sent != self._received:
            self._send(messages.Hello())

    def _upload(self, sha256: str, start: int) -> None:
        # The backend asks for a few pieces at a time, so the queue of the connection never holds more.
        data = next((job.uploads[sha256] for job in self._jobs.values() if sha256 in job.uploads), b"")
        if start < len(data):
            self._send(messages.Upload(sha256, len(data), start), data[start : start + limits.PIECE_BYTES])

    def _take_kinematics(self, job_id: str, sha256: str, data: bytes) -> None:
        if hashlib.sha256(data).hexdigest() == sha256:
            self._jobs[job_id].has_kinematics = True
            self._events.append(KinematicsArrived(job_id, data))

    def _send_job(self, job: _Job, message: messages.Work | None = None) -> None:
        job.submissions += 1
        job.sent = message or job.message
        self._send(job.sent)

    def _finish(self, finished: Finished) -> None:
        job = self._jobs[finished.job_id]
        if job.is_complete(finished.summary.frames):
            self._end(finished.job_id, finished)
        elif job.submissions <= _RESUBMISSIONS:
            self._send_job(job)
        else:
            sentence = "Frames were lost on the way again and again; check the network to the backend."
            self._end(finished.job_id, Failed(finished.job_id, ErrorInfo(ErrorCode.UNREACHABLE, sentence)))

    def _end(self, job_id: str, event: Event) -> None:
        del self._jobs[job_id]
        self._events.append(event)

    def _watch_silence(self, now_s: float) -> None:
        if not self._lost and now_s - self._heard_at > SILENCE_S:
            self._lost = True
            self._instance = None
            self._events.append(Lost("The backend does not answer; it is tried again until it does."))

    def _ping(self, now_s: float) -> None:
        due = self._pinged_at is None or not 0 <= now_s - self._pinged_at < PING_S
        if due or self._received_bytes - self._pinged_bytes >= _PING_BYTES:
            self._pinged_at = now_s
            self._pinged_bytes = self._received_bytes
            self._send(messages.Ping(self._received, self._received_bytes))

    def _send(self, message: Message, *raw: bytes) -> None:
        if self._link is not None:
            self._link.send(encode(message, *raw))
