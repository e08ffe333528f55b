"""Owns the state of every job: who waits, who runs, what happens when a worker dies. No sockets, no clock, no torch.

Each call changes the state and returns what must be done about it, as a list of effects. One job runs at a time;
clients take turns, and within a client the jobs run in the order they came.

    submit ──> NEEDS_PLATE ──plate──> QUEUED ──dispatch──> RUNNING ──worker's last word──> (gone)
                                        ^                  │  └──cancel──> STOPPING ──> (gone)
                                        └──worker's death, reader too slow──┘
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from .protocol import limits, messages
from .protocol.errors import ErrorCode
from .protocol.messages import ErrorInfo, Message, Sample

DEATHS = 3


class JobState(Enum):
    """Where a job stands."""

    NEEDS_PLATE = auto()
    QUEUED = auto()
    RUNNING = auto()
    STOPPING = auto()
    PAUSING = auto()


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a message to a client."""

    client: bytes
    message: Message
    raw: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Give a job to the worker."""

    client: bytes
    message: Sample


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask the worker to stop a job."""

    job_id: str


Effect = Tell | Run | Stop
_ON_WORKER = (JobState.RUNNING, JobState.STOPPING, JobState.PAUSING)


@dataclass(slots=True)
class _Job:
    client: bytes
    message: Sample
    state: JobState
    deaths: int = 0
    done: set[int] = field(default_factory=set)

    @property
    def id(self) -> str:
        return self.message.job_id

    def rest(self) -> Sample:
        """The request for the variants that are not done yet."""
        wanted = range(self.message.first, self.message.first + self.message.samples)
        missing = [index for index in wanted if index not in self.done]
        first = missing[0] if missing else self.message.first
        return dataclasses.replace(self.message, first=first, samples=self.message.first + self.message.samples - first)


class Scheduler:
    """The queue of one backend."""

    def __init__(self) -> None:
        self._clients: dict[bytes, OrderedDict[str, _Job]] = {}
        self._served: dict[bytes, int] = {}
        self._turn = 0
        self._held: set[bytes] = set()
        self._running: _Job | None = None
        self._worker_ready = False
        self._broken: ErrorInfo | None = None

    @property
    def is_busy(self) -> bool:
        """True while a job is with the worker."""
        return self._running is not None

    def plates_of(self, client: bytes) -> set[str]:
        """Hashes of the plates that a client's jobs need."""
        return {job.message.plate_sha256 for job in self._open(client).values()}

    def submit(self, client: bytes, message: Sample, has_plate: bool) -> list[Effect]:
        """Take a job; the same job again only tells where it stands."""
        jobs = self._clients.setdefault(client, OrderedDict())
        known = jobs.get(message.job_id)
        if known is not None:
            return self._tell_again(known, message)
        if self._broken is not None:
            return [Tell(client, messages.Failed(message.job_id, self._broken))]
        if len(jobs) >= limits.JOBS_PER_CLIENT:
            sentence = f"{limits.JOBS_PER_CLIENT} jobs are waiting already; wait for one to end or cancel one."
            return [Tell(client, messages.Failed(message.job_id, ErrorInfo(ErrorCode.QUOTA, sentence)))]
        job = _Job(client, message, JobState.QUEUED if has_plate else JobState.NEEDS_PLATE)
        jobs[job.id] = job
        effects: list[Effect] = [Tell(client, messages.Queued(job.id, self._ahead(job)))]
        if not has_plate:
            effects.append(Tell(client, messages.NeedPlate(message.plate_sha256)))
        return effects + self._dispatch()

    def plate_arrived(self, client: bytes, sha256: str) -> list[Effect]:
        """Let the jobs go on that waited for a plate."""
        for job in self._open(client).values():
            if job.state is JobState.NEEDS_PLATE and job.message.plate_sha256 == sha256:
                job.state = JobState.QUEUED
        return self._dispatch()

    def plate_refused(self, client: bytes, sha256: str, error: ErrorInfo) -> list[Effect]:
        """End the jobs that waited for a plate that can't be taken."""
        waiting = [job for job in self._open(client).values() if job.state is JobState.NEEDS_PLATE]
        refused = [job for job in waiting if job.message.plate_sha256 == sha256]
        return [effect for job in refused for effect in self._end(job, messages.Failed(job.id, error))]

    def cancel(self, client: bytes, job_id: str) -> list[Effect]:
        """Stop a job, wherever it stands."""
        job = self._open(client).get(job_id)
        if job is None:
            return [Tell(client, messages.Cancelled(job_id))]
        if job.state in _ON_WORKER:
            asked = job.state is JobState.RUNNING
            job.state = JobState.STOPPING
            return [Stop(job_id)] if asked else []
        return [*self._end(job, messages.Cancelled(job_id)), *self._dispatch()]

    def drop_client(self, client: bytes) -> list[Effect]:
        """Forget a client; its running job is stopped."""
        jobs = self._open(client)
        self._clients.pop(client, None)
        self._served.pop(client, None)
        self._held.discard(client)
        effects: list[Effect] = []
        for job in jobs.values():
            if job.state is JobState.RUNNING:
                effects.append(Stop(job.id))
            if job.state in _ON_WORKER:
                job.state = JobState.STOPPING
        return effects

    def hold(self, client: bytes) -> list[Effect]:
        """A client does not read: its jobs wait, and the running one makes room for the others."""
        self._held.add(client)
        job = self._running
        if job is not None and job.client == client and job.state is JobState.RUNNING:
            job.state = JobState.PAUSING
            return [Stop(job.id)]
        return []

    def release(self, client: bytes) -> list[Effect]:
        """The client reads again."""
        self._held.discard(client)
        return self._dispatch()

    def worker_ready(self) -> list[Effect]:
        """A worker is up and idle."""
        self._worker_ready = True
        self._broken = None
        return self._dispatch()

    def worker_said(self, message: Message, raw: tuple[bytes, ...] = ()) -> list[Effect]:
        """Pass the worker's word on to the client whose job it runs."""
        job = self._running
        if job is None or getattr(message, "job_id", None) != job.id:
            return []
        if isinstance(message, messages.Finished | messages.Failed | messages.Cancelled):
            return self._worker_is_done(job, message)
        if job.state is JobState.STOPPING:
            return []
        if isinstance(message, messages.VariantDone):
            job.done.add(message.variant)
        return [Tell(job.client, message, raw)]

    def worker_died(self) -> list[Effect]:
        """The worker is gone: its job waits for the next one, unless it has killed too many."""
        self._worker_ready = False
        job, self._running = self._running, None
        if job is None:
            return []
        if job.state is JobState.STOPPING:
            return self._end(job, messages.Cancelled(job.id))
        job.deaths += 1
        if job.deaths >= DEATHS:
            sentence = f"The worker died {DEATHS} times on this job; try fewer samples or a smaller plate, and see the log."
            return self._end(job, messages.Failed(job.id, ErrorInfo(ErrorCode.POISON, sentence)))
        job.state = JobState.QUEUED
        self._clients[job.client].move_to_end(job.id, last=False)
        self._served[job.client] = 0
        return [Tell(job.client, messages.Restarted(job.id, job.deaths))]

    def give_up(self, error: ErrorInfo) -> list[Effect]:
        """No worker can be had: every job fails, and every later one too."""
        self._broken = error
        self._worker_ready = False
        self._running = None
        jobs = [job for waiting in self._clients.values() for job in waiting.values()]
        return [effect for job in jobs for effect in self._end(job, messages.Failed(job.id, error))]

    def _worker_is_done(self, job: _Job, message: Message) -> list[Effect]:
        self._running = None
        if job.state is JobState.PAUSING and isinstance(message, messages.Cancelled):
            job.state = JobState.QUEUED
            return self._dispatch()
        if job.state is JobState.STOPPING and isinstance(message, messages.Finished):
            message = messages.Cancelled(job.id)
        return [*self._end(job, message), *self._dispatch()]

    def _dispatch(self) -> list[Effect]:
        if self._running is not None or not self._worker_ready:
            return []
        job = min(self._first_jobs(), key=lambda job: self._served.get(job.client, 0), default=None)
        if job is None:
            return []
        job.state = JobState.RUNNING
        self._running = job
        self._turn += 1
        self._served[job.client] = self._turn
        return [Tell(job.client, messages.Started(job.id)), Run(job.client, job.rest())]

    def _first_jobs(self) -> Iterator[_Job]:
        for client, jobs in self._clients.items():
            ready = (job for job in jobs.values() if job.state is JobState.QUEUED and client not in self._held)
            yield from itertools.islice(ready, 1)

    def _end(self, job: _Job, message: Message) -> list[Effect]:
        if self._open(job.client).get(job.id) is not job:
            return []
        del self._clients[job.client][job.id]
        return [Tell(job.client, message)]

    def _open(self, client: bytes) -> OrderedDict[str, _Job]:
        return self._clients.get(client, OrderedDict())

    def _tell_again(self, job: _Job, message: Sample) -> list[Effect]:
        if message != job.message:
            error = ErrorInfo(ErrorCode.MALFORMED, f"Job {job.id} is open with another content; use a new job id.")
            return [Tell(job.client, messages.Refused(error))]
        if job.state is JobState.NEEDS_PLATE:
            return [Tell(job.client, messages.NeedPlate(message.plate_sha256))]
        if job.state is JobState.QUEUED:
            return [Tell(job.client, messages.Queued(job.id, self._ahead(job)))]
        return [Tell(job.client, messages.Started(job.id))]

    def _ahead(self, job: _Job) -> int:
        # Clients take turns: each other one runs at most as many jobs before this one as stand up to it in its queue.
        own = list(self._clients[job.client]).index(job.id)
        others = (len(jobs) for client, jobs in self._clients.items() if client != job.client)
        return own + sum(min(count, own + 1) for count in others)
