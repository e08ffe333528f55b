"""Owns the messages that travel between a client, the backend's front process and its worker.

Every message is a frozen dataclass. Pixels and plates never stand in a message: they travel as raw parts beside it, and
`RAW_PARTS` of the class says how many. Positions are fractions of the plate's width and height, x right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from . import limits
from .errors import ErrorCode, ProtocolError
from .fields import Between, Length, Pattern

Text = Annotated[str, Length(0, limits.TEXT_CHARACTERS)]
Name = Annotated[str, Pattern(r"[^/\\\x00-\x1f]{1,128}", "a name of 1 to 128 characters without slashes")]
JobId = Annotated[str, Pattern(r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, - or _")]
Digest = Annotated[str, Pattern(r"[0-9a-f]{64}", "a sha256 in hexadecimal")]
Instance = Annotated[str, Pattern(r"[0-9a-f]{32}", "32 hexadecimal digits")]
Fraction = Annotated[float, Between(0.0, 1.0)]
Shift = Annotated[float, Between(-1.0, 1.0)]
Pixels = Annotated[int, Between(0, limits.IMAGE_SIDE_PX)]
Counter = Annotated[int, Between(0, limits.COUNTER)]
VariantIndex = Annotated[int, Between(0, limits.VARIANT_INDEX + limits.SAMPLES)]
FrameNumber = Annotated[int, Between(1, limits.FRAMES)]
Seconds = Annotated[float, Between(0.0, 1e9)]

TIP_TOLERANCE = 1e-6
SHORTEST_POKE = 1e-4


class OutputSize(StrEnum):
    """How large the frames of a job are."""

    MODEL = "model"
    PREVIEW = "preview"
    PLATE = "plate"


@dataclass(frozen=True, slots=True)
class Poke:
    """An arrow on the plate: its tail (x, y) and its shift (dx, dy), as fractions of the plate's width and height."""

    x: Fraction
    y: Fraction
    dx: Shift
    dy: Shift

    def check(self, where: str) -> None:
        """Refuse an arrow without length, or one whose tip leaves the plate."""
        if abs(self.dx) < SHORTEST_POKE and abs(self.dy) < SHORTEST_POKE:
            raise ProtocolError(f"{where} has no length; drag its tip away from its tail.", where, ErrorCode.BAD_POKES)
        for tip in (self.x + self.dx, self.y + self.dy):
            if not -TIP_TOLERANCE <= tip <= 1 + TIP_TOLERANCE:
                raise ProtocolError(f"{where} ends outside the plate; keep its tip inside.", where, ErrorCode.BAD_POKES)


@dataclass(frozen=True, slots=True)
class Region:
    """The rectangle of the plate that the model sees, in plate pixels from the top left."""

    x: Pixels
    y: Pixels
    w: Annotated[int, Between(limits.REGION_SIDE_PX, limits.IMAGE_SIDE_PX)]
    h: Annotated[int, Between(limits.REGION_SIDE_PX, limits.IMAGE_SIDE_PX)]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One installed model."""

    name: Name
    size_px: Annotated[int, Between(1, limits.IMAGE_SIDE_PX)]
    frames: FrameNumber
    max_pokes: Annotated[int, Between(1, limits.POKES)]
    sha256: Digest


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a backend is and has. `models` starts with the default one."""

    version: Name
    device: Text
    memory_mb: Counter
    models: Annotated[tuple[ModelEntry, ...], Length(0, 64)]


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error as it travels: a code for programs and one sentence for people."""

    code: ErrorCode
    sentence: Text


@dataclass(frozen=True, slots=True)
class Version:
    """Version of one part that had a hand in a result."""

    name: Name
    version: Name


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What a finished job was made from and with; everything that `job.json` says beside the request."""

    model: ModelEntry
    plate_sha256: Digest
    plate_size_px: tuple[Pixels, Pixels]
    region_px: tuple[Pixels, Pixels, Pixels, Pixels]
    output_size_px: tuple[Pixels, Pixels]
    depth_bits: Annotated[int, Between(8, 16)]
    frames: FrameNumber
    colour: Text
    versions: Annotated[tuple[Version, ...], Length(0, 32)]


@dataclass(frozen=True, slots=True)
class Message:
    """Base of everything that is sent; `RAW_PARTS` raw parts follow the head."""

    RAW_PARTS: ClassVar[int] = 0


# --- client to backend; the front process sends the same `Plate`, `Sample` and `Cancel` on to its worker --------------


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """Opens or reopens a session; answered by `Welcome`, and by `Ready` once the worker is up."""


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """Sign of life, and credit: how much has been received since `Welcome`."""

    received: Counter
    received_bytes: Counter


@dataclass(frozen=True, slots=True)
class Plate(Message):
    """A still as an encoded image file in one raw part; its name is the sha256 of these bytes."""

    RAW_PARTS: ClassVar[int] = 1
    sha256: Digest


@dataclass(frozen=True, slots=True)
class Sample(Message):
    """Asks for variants `first` to `first + samples - 1` of a poked plate. The same request gives the same bytes."""

    job_id: JobId
    plate_sha256: Digest
    pokes: Annotated[tuple[Poke, ...], Length(1, limits.POKES)]
    region: Region | None
    samples: Annotated[int, Between(1, limits.SAMPLES)]
    first: Annotated[int, Between(0, limits.VARIANT_INDEX)]
    seed: Annotated[int, Between(0, limits.SEED)]
    model: Name | None
    size: OutputSize
    upright: bool
    depth_bits: Annotated[int, Between(8, 16)]

    def check(self, where: str) -> None:
        """Refuse a depth that no image file has."""
        if self.depth_bits not in (8, 16):
            raise ProtocolError("depth_bits must be 8 or 16.", "depth_bits")


@dataclass(frozen=True, slots=True)
class Cancel(Message):
    """Stops a job; answered by `Cancelled`, also when the job is unknown or has ended."""

    job_id: JobId


@dataclass(frozen=True, slots=True)
class Bye(Message):
    """Ends a session: its jobs are cancelled and its plates forgotten."""


# --- backend to client; a worker answers its front process with the same ----------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    """Starts counting from zero. `instance` changes when the backend was restarted and has forgotten everything."""

    instance: Instance


@dataclass(frozen=True, slots=True)
class Ready(Message):
    """The worker is up: what it runs on and which models it has."""

    info: ServerInfo


@dataclass(frozen=True, slots=True)
class Pong(Message):
    """Answer to `Ping`: how many messages (without pongs) were sent since `Welcome`."""

    instance: Instance
    sent: Counter


@dataclass(frozen=True, slots=True)
class NeedPlate(Message):
    """Asks for the plate with this hash."""

    sha256: Digest


@dataclass(frozen=True, slots=True)
class Queued(Message):
    """The job waits; `ahead` jobs will run before it."""

    job_id: JobId
    ahead: Counter


@dataclass(frozen=True, slots=True)
class Started(Message):
    """A worker has taken the job."""

    job_id: JobId


@dataclass(frozen=True, slots=True)
class Prepared(Message):
    """The plate is read and the region chosen; frames of the size that the summary says follow."""

    job_id: JobId
    summary: JobSummary


@dataclass(frozen=True, slots=True)
class Progress(Message):
    """How far the job is in its present stage."""

    job_id: JobId
    stage: Name
    done: Counter
    total: Counter
    eta_s: Seconds | None


@dataclass(frozen=True, slots=True)
class Frame(Message):
    """Frame `t` (1..T) of a variant, as a PNG file in one raw part."""

    RAW_PARTS: ClassVar[int] = 1
    job_id: JobId
    variant: VariantIndex
    t: FrameNumber


@dataclass(frozen=True, slots=True)
class VariantDone(Message):
    """All frames of a variant were sent; their hashes in order of t."""

    job_id: JobId
    variant: VariantIndex
    sha256s: Annotated[tuple[Digest, ...], Length(1, limits.FRAMES)]


@dataclass(frozen=True, slots=True)
class Finished(Message):
    """The job ended well."""

    job_id: JobId
    summary: JobSummary


@dataclass(frozen=True, slots=True)
class Failed(Message):
    """The job ended badly."""

    job_id: JobId
    error: ErrorInfo


@dataclass(frozen=True, slots=True)
class Cancelled(Message):
    """The job was stopped on request."""

    job_id: JobId


@dataclass(frozen=True, slots=True)
class Restarted(Message):
    """The worker died and another takes the job up; frames may arrive again, with the same bytes."""

    job_id: JobId
    attempt: Counter


@dataclass(frozen=True, slots=True)
class Refused(Message):
    """The last message was not accepted, or the backend cannot work at all."""

    error: ErrorInfo


FROM_CLIENT: tuple[type[Message], ...] = (Hello, Ping, Plate, Sample, Cancel, Bye)
FROM_BACKEND: tuple[type[Message], ...] = (
    Welcome, Ready, Pong, NeedPlate, Queued, Started, Prepared, Progress, Frame, VariantDone, Finished, Failed,
    Cancelled, Restarted, Refused,
)  # fmt: skip
