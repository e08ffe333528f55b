"""What the add-on knows about one job: pure functions from (job, event of the client) to the next job. No bpy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path

from ..._vendor.client import (
    Cancelled,
    Event,
    Failed,
    Finished,
    FrameArrived,
    JobSummary,
    Prepared,
    Progress,
    Queued,
    Restarted,
    SampleRequest,
    Started,
    ThingArrived,
    ThingRequest,
    VariantDone,
)
from ..._vendor.client.request import Request
from ..._vendor.protocol.messages import POSES_DIFFER
from .bakes import Delivery
from .settings import Settings


class JobKind(Enum):
    """What a job's frames are for."""

    SAMPLE = auto()
    LIVE = auto()
    BAKE = auto()
    EXTRACT = auto()
    MESH = auto()


class JobPhase(Enum):
    """Where a job stands."""

    WAITING = auto()
    QUEUED = auto()
    RUNNING = auto()
    FINISHED = auto()
    FAILED = auto()
    CANCELLED = auto()


ENDED = frozenset({JobPhase.FINISHED, JobPhase.FAILED, JobPhase.CANCELLED})


@dataclass(frozen=True, slots=True)
class Target:
    """Whose job it is. The id is the plate's own; the name tells apart copies that still share it.

    The number is that of Blender's data-block while a file is open: it outlives a rename, and no copy has it.
    """

    plate_id: str
    object_name: str
    session_uid: int = 0


@dataclass(frozen=True, slots=True)
class Clip:
    """How much of a variant is on disk: frames 1 to `frames`, and whether that is all of it."""

    variant: int
    frames: int
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A request with everything that is known about its answer so far.

    `sentence` says what is going on, or went wrong. The `source` of a bake or a mesh is the id of the job that sampled its
    variant; a bake's frames go to `delivery` when they are whole. An extraction's `folder` is the kinematics file itself.
    `question` asks for the thing that is to move, at the plate's size; the request waits for the answer, whose hash is
    `thing_sha256`.
    """

    request: Request
    kind: JobKind
    target: Target
    folder: Path
    source: str = ""
    settings: Settings = field(default_factory=Settings)
    delivery: Delivery | None = None
    question: ThingRequest | None = None
    thing_sha256: str = ""
    phase: JobPhase = JobPhase.WAITING
    sentence: str = "Waiting for the backend"
    progress: Progress | None = None
    clips: tuple[Clip, ...] = ()
    summary: JobSummary | None = None

    @property
    def job_id(self) -> str:
        """The id that the client gave it."""
        return self.request.job_id

    @property
    def travels_as(self) -> str:
        """The id of what the backend was asked last for it."""
        return self.job_id if self.question is None else self.question.job_id

    @property
    def ended(self) -> bool:
        """True when nothing more will arrive."""
        return self.phase in ENDED

    @property
    def warning(self) -> str:
        """What an artist should know of an answer that is whole; empty when there is nothing."""
        if self.summary is None or not self.summary.poses_differ:
            return ""
        return (
            f"This plate's pose differs much from the motion's own still ({self.summary.pose_difference:.2f}, more than "
            f"{POSES_DIFFER:.1f}): look whether it fits, or draw the arrows elsewhere"
        )

    @property
    def fraction(self) -> float:
        """How much of the present stage is done, 0 to 1."""
        if self.phase is JobPhase.FINISHED:
            return 1.0
        if self.progress is None or self.progress.total == 0:
            return 0.0
        return self.progress.done / self.progress.total


def after(job: Job, event: Event) -> Job:
    """Return the job after an event of the client that belongs to it."""
    match event:
        case Queued(ahead=ahead):
            return replace(job, phase=JobPhase.QUEUED, sentence=f"{ahead} ahead in the queue" if ahead else "Next in the queue")
        case Started():
            return replace(job, phase=JobPhase.RUNNING, sentence="Sampling", progress=None)
        case Prepared(summary=summary):
            return replace(job, phase=JobPhase.RUNNING, summary=summary)
        case Progress():
            return replace(job, phase=JobPhase.RUNNING, sentence=describe(event), progress=event)
        case FrameArrived(variant=variant, t=t):
            return replace(job, phase=JobPhase.RUNNING, clips=_with_frame(job.clips, variant, t))
        case VariantDone(variant=variant, sha256s=sha256s):
            return replace(job, clips=_with_clip(job.clips, Clip(variant, len(sha256s), complete=True)))
        case Restarted():
            return replace(
                job,
                phase=JobPhase.QUEUED,
                sentence="The backend's worker was restarted; the job goes on",
                progress=None,
            )
        case Finished(summary=summary):
            return replace(job, phase=JobPhase.FINISHED, sentence="Done", progress=None, summary=summary)
        case Failed(error=error):
            return _ended(job, JobPhase.FAILED, error.sentence)
        case Cancelled():
            return _ended(job, JobPhase.CANCELLED, "Cancelled")
    return job


def finding(job: Job) -> Job:
    """Return the job while the thing is looked for that it is to move."""
    return replace(job, phase=JobPhase.RUNNING, sentence="Finding the thing")


def with_thing(job: Job, arrived: ThingArrived) -> Job:
    """Return the job with the thing that was found for it; where nothing was, its region moves as a whole."""
    assert isinstance(job.request, SampleRequest)  # nothing else waits for a thing
    request = replace(job.request, thing=arrived.mask)
    sha256 = request.message().thing_sha256 or ""
    return replace(job, request=request, question=None, thing_sha256=sha256, sentence="Waiting for the backend")


def failed(job: Job, sentence: str) -> Job:
    """Return the job as failed for a reason on this side."""
    return _ended(job, JobPhase.FAILED, sentence)


def describe(progress: Progress) -> str:
    """Return a sentence such as 'Sample 12 of 40, 8 s left'."""
    stage = progress.stage[:1].upper() + progress.stage[1:]
    if not progress.total:
        return stage
    text = f"{stage} {progress.done} of {progress.total}"
    return text if progress.eta_s is None else f"{text}, {duration(progress.eta_s)} left"


def duration(seconds: float) -> str:
    """Return a time such as '2 min 5 s'."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _ended(job: Job, phase: JobPhase, sentence: str) -> Job:
    whole = tuple(clip for clip in job.clips if clip.complete)
    return replace(job, phase=phase, sentence=sentence, progress=None, clips=whole)


def _with_frame(clips: tuple[Clip, ...], variant: int, t: int) -> tuple[Clip, ...]:
    known = next((clip for clip in clips if clip.variant == variant), Clip(variant, 0))
    return _with_clip(clips, replace(known, frames=max(known.frames, t)))


def _with_clip(clips: tuple[Clip, ...], new: Clip) -> tuple[Clip, ...]:
    others = [clip for clip in clips if clip.variant != new.variant]
    return tuple(sorted([*others, new], key=lambda clip: clip.variant))
