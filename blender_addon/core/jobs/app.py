"""The add-on's state beside the .blend: backend and open jobs, (state, event) -> (state, effects). No bpy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path

from ..._vendor.client import (
    Cancelled,
    Connected,
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
    ServerInfo,
    Started,
    Status,
    ThingArrived,
    ThingRequest,
    VariantDone,
)
from ..things.search import Answer, Key, Question, Search
from . import job as jobs
from .job import Job
from .outside_backend import Fix

JobEvent = (
    KinematicsArrived
    | MeshArrived
    | PassesArrived
    | PosesArrived
    | Prepared
    | Queued
    | Started
    | Progress
    | FrameArrived
    | VariantDone
    | Finished
    | Failed
    | Cancelled
    | Restarted
    | ThingArrived
)


class Phase(Enum):
    """Where the backend stands."""

    OFF = auto()
    STARTING = auto()
    READY = auto()
    LOST = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """Phase of the backend and a sentence about it; what mends it where it FAILED, and what its models take."""

    phase: Phase = Phase.OFF
    sentence: str = "Not running; it starts with the first sample"
    info: ServerInfo | None = None
    fix: Fix = Fix.START
    used_mb: int | None = None


@dataclass(frozen=True, slots=True)
class AppState:
    """Everything that changes over time, but for what is stored in the .blend."""

    backend: BackendStatus = BackendStatus()
    jobs: tuple[Job, ...] = ()
    search: Search = field(default_factory=Search)

    def job(self, job_id: str) -> Job | None:
        """Return an open job."""
        return next((job for job in self.jobs if job.job_id == job_id), None)


# --- what happens ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartAsked:
    """The artist wants the backend up."""


@dataclass(frozen=True, slots=True)
class StopAsked:
    """The artist wants the backend down."""


@dataclass(frozen=True, slots=True)
class StartFailed:
    """There is no backend to be had; open jobs can't run."""

    sentence: str
    fix: Fix = Fix.START


@dataclass(frozen=True, slots=True)
class JobAsked:
    """The artist wants variants or a bake."""

    job: Job


@dataclass(frozen=True, slots=True)
class ThingAsked:
    """The artist points at a thing."""

    question: Question


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """The artist no longer wants a job."""

    job_id: str


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """A job's frames can't be kept."""

    job_id: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ReleaseAsked:
    """The artist needs the memory that idle models take."""


AppEvent = (
    StartAsked
    | StopAsked
    | StartFailed
    | JobAsked
    | ThingAsked
    | CancelAsked
    | WriteFailed
    | ReleaseAsked
    | Connected
    | Lost
    | Status
    | JobEvent
)


# --- what is to be done ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenBackend:
    """Start the backend, or connect to it."""


@dataclass(frozen=True, slots=True)
class CloseBackend:
    """End the session, and the backend if it is a child."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Hand the job to the client."""

    job: Job


@dataclass(frozen=True, slots=True)
class Ask:
    """Hand a question for a thing to the client."""

    request: ThingRequest


@dataclass(frozen=True, slots=True)
class KeepAnswer:
    """Remember what was found."""

    key: Key
    answer: Answer


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Tell the client to stop a job."""

    job_id: str


@dataclass(frozen=True, slots=True)
class WriteFrame:
    """Put a frame into its job's folder."""

    event: FrameArrived


@dataclass(frozen=True, slots=True)
class WriteMesh:
    """Put a thing's mesh, or the poses of a variant, into their job's folder."""

    event: MeshArrived | PosesArrived


@dataclass(frozen=True, slots=True)
class WriteKinematics:
    """Put kinematics into their file."""

    event: KinematicsArrived
    file: Path


@dataclass(frozen=True, slots=True)
class CloseVariant:
    """Check a variant that is whole."""

    event: VariantDone


@dataclass(frozen=True, slots=True)
class FinishFolder:
    """Write `job.json`."""

    event: Finished


@dataclass(frozen=True, slots=True)
class AbortFolder:
    """Remove what is half written."""

    job_id: str


@dataclass(frozen=True, slots=True)
class ReleaseMemory:
    """Let the backend unload its models."""


@dataclass(frozen=True, slots=True)
class AskStatus:
    """Ask the backend what its models take."""


AppEffect = (
    OpenBackend
    | CloseBackend
    | Submit
    | Ask
    | KeepAnswer
    | CancelJob
    | WriteFrame
    | WriteMesh
    | WriteKinematics
    | CloseVariant
    | FinishFolder
    | AbortFolder
    | ReleaseMemory
    | AskStatus
)


def transition(state: AppState, event: AppEvent) -> tuple[AppState, tuple[AppEffect, ...]]:
    """Return the next state and what is to be done; jobs that have ended stay in it until `without_ended`."""
    match event:
        case StartAsked():
            return _started(state)
        case StopAsked():
            return _stopped(state, "Not running; it starts with the next sample")
        case StartFailed(sentence=sentence, fix=fix):
            return _given_up(state, sentence, fix)
        case Connected(info=info):
            return replace(state, backend=BackendStatus(Phase.READY, ready_sentence(info), info)), ()
        case Status(workers=workers):
            used_mb = sum(worker.used_mb for worker in workers)
            return replace(state, backend=replace(state.backend, used_mb=used_mb)), ()
        case ReleaseAsked():
            return state, (ReleaseMemory(), AskStatus()) if state.backend.phase is Phase.READY else ()
        case Lost(sentence=sentence):
            return replace(state, backend=BackendStatus(Phase.LOST, sentence)), ()
        case JobAsked(job=job):
            up, effects = _started(state)
            return replace(up, jobs=(*up.jobs, job)), (*effects, _begun(job))
        case ThingAsked(question=question):
            up, effects = _started(state)
            search, now = up.search.with_question(question)
            return replace(up, search=search), (*effects, *_asked(now))
        case CancelAsked(job_id=job_id):
            running = state.job(job_id)
            return state, () if running is None else (CancelJob(running.travels_as),)
        case WriteFailed(job_id=job_id, sentence=sentence):
            return _write_failed(state, job_id, sentence)
        case _:
            return _after_job_event(state, event)


def without_ended(state: AppState) -> AppState:
    """Return the state with open jobs only."""
    return replace(state, jobs=tuple(job for job in state.jobs if not job.ended))


def ready_sentence(info: ServerInfo) -> str:
    """Return what a backend that is up is and has."""
    memory = f", {info.memory_mb / 1024:.1f} GB" if info.memory_mb else ""
    model = info.models[0].name if info.models else "no model"
    return f"Ready on {info.device}{memory}, {model}"


def _started(state: AppState) -> tuple[AppState, tuple[AppEffect, ...]]:
    if state.backend.phase in (Phase.STARTING, Phase.READY, Phase.LOST):
        return state, ()
    return replace(state, backend=BackendStatus(Phase.STARTING, "Starting and loading the model")), (OpenBackend(),)


def _stopped(state: AppState, sentence: str) -> tuple[AppState, tuple[AppEffect, ...]]:
    ended = tuple(jobs.after(job, Cancelled(job.job_id)) for job in state.jobs)
    aborts = tuple(AbortFolder(job.job_id) for job in state.jobs)
    return AppState(BackendStatus(Phase.OFF, sentence), ended), (CloseBackend(), *aborts)


def _begun(job: Job) -> AppEffect:
    return Submit(job) if job.question is None else Ask(job.question)


def _asked(question: Question | None) -> tuple[AppEffect, ...]:
    return () if question is None else (Ask(question.request),)


def _given_up(state: AppState, sentence: str, fix: Fix) -> tuple[AppState, tuple[AppEffect, ...]]:
    ended = tuple(jobs.failed(job, sentence) for job in state.jobs)
    aborts = tuple(AbortFolder(job.job_id) for job in state.jobs)
    return AppState(BackendStatus(Phase.FAILED, sentence, fix=fix), ended), (CloseBackend(), *aborts)


def _write_failed(state: AppState, job_id: str, sentence: str) -> tuple[AppState, tuple[AppEffect, ...]]:
    job = state.job(job_id)
    if job is None:
        return state, ()
    return _with_job(state, jobs.failed(job, sentence)), (CancelJob(job_id), AbortFolder(job_id))


def _after_job_event(state: AppState, event: JobEvent) -> tuple[AppState, tuple[AppEffect, ...]]:
    if state.search.asks(event.job_id):
        return _after_search_event(state, event)
    asking = next((job for job in state.jobs if job.question is not None and job.travels_as == event.job_id), None)
    if asking is not None:
        return _after_thing_event(state, asking, event)
    job = state.job(event.job_id)
    if job is None or job.ended:
        return state, ()
    measured = (AskStatus(),) if isinstance(event, Finished) else ()
    if isinstance(event, KinematicsArrived):
        return state, (WriteKinematics(event, job.folder),)
    return _with_job(state, jobs.after(job, event)), (*_writes(event), *measured)


def _after_search_event(state: AppState, event: JobEvent) -> tuple[AppState, tuple[AppEffect, ...]]:
    """What becomes of the question under way; where the backend went away with it, it may be asked again."""
    asked = state.search.asked
    assert asked is not None
    match event:
        case ThingArrived():
            answers: tuple[AppEffect, ...] = (KeepAnswer(asked.key, Answer.of(event)),)
        case Failed(error=error):
            answers = (KeepAnswer(asked.key, Answer(sentence=error.sentence)),)
        case Cancelled():
            answers = ()
        case _:
            return state, ()
    search, now = state.search.after_answer()
    return replace(state, search=search), (*answers, *_asked(now))


def _after_thing_event(state: AppState, job: Job, event: JobEvent) -> tuple[AppState, tuple[AppEffect, ...]]:
    """A job begins when the thing is found that it is to move."""
    match event:
        case ThingArrived():
            found = jobs.with_thing(job, event)
            return _with_job(state, found), (Submit(found),)
        case Failed() | Cancelled():
            return _with_job(state, jobs.after(job, event)), (AbortFolder(job.job_id),)
    return _with_job(state, jobs.finding(job)), ()


def _writes(event: JobEvent) -> tuple[AppEffect, ...]:
    match event:
        case FrameArrived():
            return (WriteFrame(event),)
        case MeshArrived() | PosesArrived():
            return (WriteMesh(event),)
        case VariantDone():
            return (CloseVariant(event),)
        case Finished():
            return (FinishFolder(event),)
        case Failed(job_id=job_id) | Cancelled(job_id=job_id):
            return (AbortFolder(job_id),)
    return ()


def _with_job(state: AppState, job: Job) -> AppState:
    return replace(state, jobs=tuple(job if old.job_id == job.job_id else old for old in state.jobs))
