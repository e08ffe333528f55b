"""Jobs for the fake worker, and taking what they bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from backend.client import (
    Cancelled,
    Event,
    Failed,
    Finished,
    FrameArrived,
    LocalBackend,
    Poke,
    Restarted,
    SampleRequest,
    Session,
    drive,
    new_job_id,
)
from ipoke_values import Sampling
from tests.machine import allowed

from .fake_worker import FRAMES, Fault, image_of

ENDINGS = (Finished, Failed, Cancelled)
TIMEOUT_S = allowed(60.0)


def request(fault: Fault = Fault.NONE, samples: int = 3, plate: bytes = b"plate") -> SampleRequest:
    return SampleRequest(new_job_id(), plate, "leaf.png", (Poke(0.5, 0.5, 0.1, 0.0),), None, samples, Sampling(int(fault)))


def expected(fault: Fault, samples: int = 3) -> dict[tuple[int, int], bytes]:
    return {(v, t): image_of(fault, v, t) for v in range(samples) for t in range(1, FRAMES + 1)}


@dataclass
class Taken:
    """Everything a job brought."""

    frames: dict[tuple[int, int], bytes] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    ending: Event | None = None

    def take(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, FrameArrived):
            before = self.frames.setdefault((event.variant, event.t), event.image)
            assert before == event.image

    @property
    def restarts(self) -> list[int]:
        return [event.attempt for event in self.events if isinstance(event, Restarted)]


def session_of(backend: LocalBackend | Session) -> Session:
    return backend.session if isinstance(backend, LocalBackend) else backend


def until(kinds: type | tuple[type, ...], job_id: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kinds) and getattr(event, "job_id", job_id) == job_id


def run(
    backend: LocalBackend | Session,
    asked: SampleRequest,
    on_event: Callable[[Event], None] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Taken:
    """Submit a job and take what it brings until it ends."""
    taken = Taken()

    def take(event: Event) -> None:
        if getattr(event, "job_id", asked.job_id) == asked.job_id:
            taken.take(event)
        if on_event is not None:
            on_event(event)

    session_of(backend).submit(asked)
    taken.ending = drive(backend, until(ENDINGS, asked.job_id), timeout_s, take)
    return taken
