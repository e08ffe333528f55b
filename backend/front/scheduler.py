"""Owns the state of every job: who waits, who runs, what happens when a worker dies. No sockets, no clock, no torch.

Each call changes the state and returns what must be done about it, as a list of effects. A worker runs one job at a
time; clients take turns, and within a client the jobs run in the order they came, but for previews, of which the newest goes
first, and for questions after a thing, for which an artist waits: they go before all others, the newest first.

    submit ──> NEEDS_UPLOADS ──uploads──> QUEUED ──dispatch──> RUNNING ──worker's last word──> (gone)
                                            ^                  │  └──cancel──> STOPPING ──worker's last word──> (gone)
                                            └──worker's death, reader too slow, newer preview──┘

A request whose content has killed too many workers is poison, whatever its job's id and whoever sends it: it is refused for
a while, and everything else goes on.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from ..protocol import limits, messages
from ..protocol.errors import ErrorCode
from ..protocol.messages import LAST_WORDS, ErrorInfo, FindThing, Message, Sample, Work
from .poison import DEATHS, REFUSED_S, Deaths, content_of

_POISON = ErrorInfo(
    ErrorCode.POISON,
    f"The worker died {DEATHS} times on this job, which is refused for {REFUSED_S / 60:.0f} minutes now; "
    "try fewer samples or a smaller plate, and see the log.",
)


class JobState(Enum):
    """Where a job stands."""

    NEEDS_UPLOADS = auto()
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
    """Give a job to a worker."""

    worker: int
    message: Work


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask a worker to stop a job."""

    worker: int
    job_id: str


Effect = Tell | Run | Stop


@dataclass(slots=True, eq=False)
class _Job:
    client: bytes
    message: Work
    missing: set[str]
    state: JobState = JobState.QUEUED
    worker: int | None = None
    done: set[int] = field(default_factory=set)
    made_room: bool = False

    @property
    def id(self) -> str:
        return self.message.job_id

    @property
    def is_question(self) -> bool:
        return isinstance(self.message, FindThing)

    def rest(self) -> Work:
        """The request for what is not done yet."""
        if not isinstance(self.message, Sample):
            return self.message
        end = self.message.first + self.message.samples
        first = next((index for index in range(self.message.first, end) if index not in self.done), self.message.first)
        return dataclasses.replace(self.message, first=first, samples=end - first)


class Scheduler:
    """The queue of one backend. Clients are named by their routing ids, workers by numbers."""

    def __init__(self) -> None:
        self._clients: dict[bytes, OrderedDict[str, _Job]] = {}
        self._served: dict[bytes, int] = {}
        self._turn = 0
        self._held: set[bytes] = set()
        self._workers: dict[int, _Job | None] = {}
        self._deaths = Deaths()
        self._broken: ErrorInfo | None = None

    def is_busy(self, worker: int) -> bool:
        """True while a job is with the worker."""
        return self._workers.get(worker) is not None

    def job_of(self, worker: int) -> tuple[bytes, str] | None:
        """Client and id of the job that is with a worker."""
        job = self._workers.get(worker)
        return None if job is None else (job.client, job.id)

    def count_jobs(self, client: bytes) -> tuple[int, int]:
        """How many jobs of a client wait, and how many are with a worker."""
        running = sum(job.worker is not None for job in self._open(client).values())
        return len(self._open(client)) - running, running

    def uploads_of(self, client: bytes) -> set[str]:
        """Hashes of the files that a client's jobs need."""
        return {sha256 for job in self._open(client).values() for sha256 in job.message.uploads}

    def pass_time(self, now_s: float) -> None:
        """Tell the time, on any steady clock: what was poison long ago may be tried again."""
        self._deaths.pass_time(now_s)

    def submit(self, client: bytes, message: Work, missing: Iterable[str] = ()) -> list[Effect]:
        """Take a job that lacks the files `missing`; the same job again only tells where it stands."""
        jobs = self._clients.setdefault(client, OrderedDict())
        known = jobs.get(message.job_id)
        if known is not None:
            return self._tell_again(known, message)
        if self._broken is not None:
            return [Tell(client, messages.Failed(message.job_id, self._broken))]
        if self._deaths.is_poison(message):
            return [Tell(client, messages.Failed(message.job_id, _POISON))]
        if len(jobs) >= limits.JOBS_PER_CLIENT:
            sentence = f"{limits.JOBS_PER_CLIENT} jobs are waiting already; wait for one to end or cancel one."
            return [Tell(client, messages.Failed(message.job_id, ErrorInfo(ErrorCode.QUOTA, sentence)))]
        job = _Job(client, message, set(missing))
        job.state = JobState.NEEDS_UPLOADS if job.missing else JobState.QUEUED
        jobs[job.id] = job
        effects: list[Effect] = [Tell(client, messages.Queued(job.id, self._ahead(job)))]
        return [*effects, *self._ask_for_uploads(job), *self._dispatch(), *self._overtake(job)]

    def upload_arrived(self, client: bytes, sha256: str) -> list[Effect]:
        """Let the jobs go on that waited for a file."""
        complete = []
        for job in self._open(client).values():
            job.missing.discard(sha256)
            if job.state is JobState.NEEDS_UPLOADS and not job.missing:
                job.state = JobState.QUEUED
                complete.append(job)
        effects = self._dispatch()
        for job in complete:
            effects += self._overtake(job)
        return effects

    def upload_refused(self, client: bytes, sha256: str, error: ErrorInfo) -> list[Effect]:
        """End the jobs that waited for a file that can't be taken."""
        refused = [job for job in self._open(client).values() if sha256 in job.missing]
        return [effect for job in refused for effect in self._end(job, messages.Failed(job.id, error))]

    def cancel(self, client: bytes, job_id: str) -> list[Effect]:
        """End a job at once, wherever it stands; its worker stops as soon as it can."""
        job = self._open(client).get(job_id)
        if job is None:
            return [Tell(client, messages.Cancelled(job_id))]
        return [*self._stop(job, JobState.STOPPING), *self._end(job, messages.Cancelled(job_id))]

    def cancel_all(self, client: bytes | None) -> list[Effect]:
        """End every job of a client, or of everyone."""
        clients = list(self._clients) if client is None else [client]
        return [effect for one in clients for job_id in list(self._open(one)) for effect in self.cancel(one, job_id)]

    def drop_client(self, client: bytes) -> list[Effect]:
        """Forget a client; its running jobs are stopped."""
        jobs = self._open(client)
        self._clients.pop(client, None)
        self._served.pop(client, None)
        self._held.discard(client)
        return [effect for job in jobs.values() for effect in self._stop(job, JobState.STOPPING)]

    def hold(self, client: bytes) -> list[Effect]:
        """A client does not read: its jobs wait, and the running ones make room for the others."""
        self._held.add(client)
        running = [job for job in self._open(client).values() if job.state is JobState.RUNNING]
        return [effect for job in running for effect in self._stop(job, JobState.PAUSING)]

    def release(self, client: bytes) -> list[Effect]:
        """The client reads again."""
        self._held.discard(client)
        return self._dispatch()

    def worker_ready(self, worker: int) -> list[Effect]:
        """A worker is up and idle."""
        self._workers[worker] = None
        self._broken = None
        return self._dispatch()

    def worker_said(self, worker: int, message: Message, raw: tuple[bytes, ...] = ()) -> list[Effect]:
        """Pass a worker's word on to the client whose job it runs."""
        job = self._workers.get(worker)
        if job is None or getattr(message, "job_id", None) != job.id:
            return []
        if isinstance(message, LAST_WORDS):
            return self._worker_is_done(worker, job, message, raw)
        if job.state is JobState.STOPPING:
            return []
        if isinstance(message, messages.VariantDone):
            job.done.add(message.variant)
        return [Tell(job.client, message, raw)]

    def worker_died(self, worker: int) -> list[Effect]:
        """A worker is gone: its job waits for the next one, unless its content has killed too many.

        It goes first after one death, which may be an accident, and after those of other clients from then on.
        """
        job = self._workers.pop(worker, None)
        if job is None:
            return []
        deaths = self._deaths.count(job.message)
        if self._deaths.is_poison(job.message):
            return [*self._end_poison(job.message), *self._dispatch()]
        if job.state is JobState.STOPPING:
            return []
        job.worker, job.state = None, JobState.QUEUED
        self._clients[job.client].move_to_end(job.id, last=False)
        if deaths == 1:
            self._served[job.client] = 0
        return [Tell(job.client, messages.Restarted(job.id, deaths)), *self._dispatch()]

    def give_up(self, error: ErrorInfo) -> list[Effect]:
        """No worker can be had: every job fails, and every later one too until a worker is ready."""
        self._broken = error
        self._workers.clear()
        jobs = [job for waiting in self._clients.values() for job in waiting.values()]
        return [effect for job in jobs for effect in self._end(job, messages.Failed(job.id, error))]

    def _worker_is_done(self, worker: int, job: _Job, message: Message, raw: tuple[bytes, ...]) -> list[Effect]:
        self._workers[worker] = job.worker = None
        if job.state is JobState.PAUSING and isinstance(message, messages.Cancelled):
            job.state = JobState.QUEUED
            return self._dispatch()
        if not isinstance(message, messages.Cancelled):
            self._deaths.forget(job.message)
        return [*self._end(job, message, raw), *self._dispatch()]

    def _dispatch(self) -> list[Effect]:
        effects: list[Effect] = []
        for worker in [worker for worker, job in self._workers.items() if job is None]:
            job = min(self._next_jobs(), key=lambda job: self._served.get(job.client, 0), default=None)
            if job is None:
                break
            job.state, job.worker = JobState.RUNNING, worker
            self._workers[worker] = job
            self._turn += 1
            self._served[job.client] = self._turn
            effects += [Tell(job.client, messages.Started(job.id)), Run(worker, job.rest())]
        return effects

    def _next_jobs(self) -> Iterator[_Job]:
        for client, jobs in self._clients.items():
            ready = [job for job in jobs.values() if job.state is JobState.QUEUED and client not in self._held]
            questions = [job for job in ready if job.is_question]
            if questions:
                yield questions[-1]
            elif ready and ready[0].message.is_preview:
                yield [job for job in ready if job.message.is_preview][-1]
            elif ready:
                yield ready[0]

    def _overtake(self, job: _Job) -> list[Effect]:
        """A preview or a question that waits takes the place of an older preview of the same client, which goes on after it.

        A preview makes room for one question alone: many of them, as a mouse hovers, would keep it from its end.
        """
        if not (job.message.is_preview or job.is_question) or job.state is not JobState.QUEUED or job.client in self._held:
            return []
        older = (other for other in self._open(job.client).values() if other.message.is_preview)
        running = next((other for other in older if other.state is JobState.RUNNING), None)
        if running is None or (job.is_question and running.made_room):
            return []
        running.made_room = running.made_room or job.is_question
        return self._stop(running, JobState.PAUSING)

    def _stop(self, job: _Job, state: JobState) -> list[Effect]:
        if job.worker is None:
            return []
        is_asked = job.state is not JobState.RUNNING
        job.state = state
        return [] if is_asked else [Stop(job.worker, job.id)]

    def _end(self, job: _Job, message: Message, raw: tuple[bytes, ...] = ()) -> list[Effect]:
        if self._open(job.client).get(job.id) is not job:
            return []
        del self._clients[job.client][job.id]
        return [Tell(job.client, message, raw)]

    def _end_poison(self, message: Work) -> list[Effect]:
        """End every job with the content of a request that is poison, but for those that other workers still run."""
        content = content_of(message)
        running = [job for job in self._workers.values() if job is not None]
        jobs = [job for waiting in self._clients.values() for job in waiting.values() if job not in running]
        poison = [job for job in jobs if content_of(job.message) == content]
        return [effect for job in poison for effect in self._end(job, messages.Failed(job.id, _POISON))]

    def _open(self, client: bytes) -> OrderedDict[str, _Job]:
        return self._clients.get(client, OrderedDict())

    def _ask_for_uploads(self, job: _Job) -> list[Effect]:
        wanted = [sha256 for sha256 in dict.fromkeys(job.message.uploads) if sha256 in job.missing]
        return [Tell(job.client, messages.NeedUpload(sha256)) for sha256 in wanted]

    def _tell_again(self, job: _Job, message: Work) -> list[Effect]:
        if message != job.message:
            error = ErrorInfo(ErrorCode.MALFORMED, f"Job {job.id} is open with another content; use a new job id.")
            return [Tell(job.client, messages.Refused(error))]
        if job.state is JobState.NEEDS_UPLOADS:
            return self._ask_for_uploads(job)
        if job.state is JobState.QUEUED:
            return [Tell(job.client, messages.Queued(job.id, self._ahead(job)))]
        return [Tell(job.client, messages.Started(job.id))]

    def _ahead(self, job: _Job) -> int:
        # Clients take turns: each other one runs at most as many jobs before this one as stand up to it in its queue.
        jobs = self._clients[job.client]
        own = sum(other.worker is not None for other in jobs.values()) if job.is_question else list(jobs).index(job.id)
        others = (len(jobs) for client, jobs in self._clients.items() if client != job.client)
        return own + sum(min(count, own + 1) for count in others)
