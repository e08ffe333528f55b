"""A crowd of clients that keep a backend busy, and what they noted: endings, waits, frames."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from backend.client import Cancelled, Connected, Connection, Failed, Finished, FrameArrived, SampleRequest, Session, drive

ENDINGS = (Finished, Failed, Cancelled)
CONNECT_S = 120.0
OPEN_JOBS = 4
_STEP_S = 0.005

MakeRequest = Callable[[], SampleRequest]


@dataclass
class Member:
    """One client: when it submitted each job, how each ended, how long each took."""

    session: Session
    submitted_s: dict[str, float] = field(default_factory=dict)
    endings: Counter[str] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    failed: int = 0
    errors: set[str] = field(default_factory=set)
    frame_bytes: int = 0

    def submit(self, request: SampleRequest) -> None:
        """Send a job and note when."""
        self.submitted_s[request.job_id] = time.monotonic()
        self.session.submit(request)

    def poll(self) -> None:
        """Take what has arrived and note it."""
        for event in self.session.poll(time.monotonic()):
            if isinstance(event, FrameArrived):
                self.frame_bytes += len(event.image)
            elif isinstance(event, ENDINGS):
                self.endings[event.job_id] += 1
                self.failed += not isinstance(event, Finished)
                if isinstance(event, Failed):
                    self.errors.add(event.error.sentence)
                self.waits_s.append(time.monotonic() - self.submitted_s[event.job_id])

    @property
    def mean_wait_s(self) -> float:
        """Seconds from submitting a job to its end, on average."""
        return sum(self.waits_s) / len(self.waits_s)


class Crowd:
    """Clients of one backend, driven together by one thread."""

    def __init__(self, connection_file: Path, count: int, make: MakeRequest) -> None:
        self._make = make
        self.members = [Member(Session(Connection.open(connection_file))) for _ in range(count)]
        for member in self.members:
            drive(member.session, lambda event: isinstance(event, Connected), CONNECT_S)

    def run_jobs(self, each: int) -> None:
        """Let every client run so many jobs."""
        while any(len(member.waits_s) < each for member in self.members):
            self._step(lambda member: len(member.submitted_s) < each)

    def run_for(self, seconds: float) -> None:
        """Keep every client busy for some time, then let the last jobs end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._step(lambda member: True)
        while any(member.session.open_jobs for member in self.members):
            self._step(lambda member: False)

    def close(self) -> None:
        """End every client's session."""
        for member in self.members:
            member.session.close()

    def _step(self, wants_more: Callable[[Member], bool]) -> None:
        for member in self.members:
            while len(member.session.open_jobs) < OPEN_JOBS and wants_more(member):
                member.submit(self._make())
            member.poll()
        self.members[0].session.wait(_STEP_S)
