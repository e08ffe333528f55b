"""Owns the messages that travel between a client, the backend's front process and its worker.

Every message is a frozen dataclass. Pixels and plates never stand in a message: they travel as raw parts beside it, and
`raw_parts` says how many. Positions are fractions of the plate's width and height, x right, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from ipoke_values import Between, Length, Pattern, Sampling
from ipoke_values.sampling import LARGEST_INDEX, Index

from . import limits
from .errors import ErrorCode, ProtocolError
from .fields import Flattened

LARGEST_RADIUS = 0.5

Text = Annotated[str, Length(0, limits.TEXT_CHARACTERS)]
Name = Annotated[str, Pattern(r"[^/\\\x00-\x1f]{1,128}", "a name of 1 to 128 characters without slashes")]
JobId = Annotated[str, Pattern(r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, - or _")]
LayerName = Annotated[str, Length(1, limits.TEXT_CHARACTERS)]
Digest = Annotated[str, Pattern(r"[0-9a-f]{64}", "a sha256 in hexadecimal")]
Instance = Annotated[str, Pattern(r"[0-9a-f]{32}", "32 hexadecimal digits")]
Fraction = Annotated[float, Between(0.0, 1.0)]
Shift = Annotated[float, Between(-1.0, 1.0)]
Pixels = Annotated[int, Between(0, limits.IMAGE_SIDE_PX)]
Side = Annotated[int, Between(1, limits.IMAGE_SIDE_PX)]
Counter = Annotated[int, Between(0, limits.COUNTER)]
VariantIndex = Annotated[int, Between(0, LARGEST_INDEX + limits.SAMPLES)]
FrameNumber = Annotated[int, Between(1, limits.FRAMES)]
OutputNumber = Annotated[int, Between(1, limits.OUTPUT_FRAMES)]
FileBytes = Annotated[int, Between(1, limits.UPLOAD_BYTES_PER_CLIENT)]
FilePlace = Annotated[int, Between(0, limits.UPLOAD_BYTES_PER_CLIENT - 1)]
Seconds = Annotated[float, Between(0.0, 1e9)]
Extent = Annotated[float, Between(0.0, 1e6)]
Place = tuple[Fraction, Fraction]
"""x and y in fractions of the plate's width and height."""
Radius = Annotated[float, Between(0.0, LARGEST_RADIUS)]

TIP_TOLERANCE = 1e-6
SHORTEST_POKE = 1e-4
SOUND_SCORE = 0.6
"""From here on a network's mask is used without a look at it; `python -m benchmarks.thing_scores` measures why."""
POSES_DIFFER = 0.3
"""Cosine distance of two stills' features, beyond which they are told to show different poses."""


class OutputSize(StrEnum):
    """How large the frames of a job are."""

    MODEL = "model"
    PREVIEW = "preview"
    PLATE = "plate"


class Easing(StrEnum):
    """How a clip that plays once starts and ends."""

    LINEAR = "linear"
    IN = "in"
    OUT = "out"
    IN_OUT = "in-out"


class ThingStart(StrEnum):
    """What the strokes of a question change: what is found in this order, the plate's alpha, what a network finds, a mask.

    `AUTO` is alpha where the plate has one, else what differs from a clean plate that was given, else the network's.
    """

    AUTO = "auto"
    ALPHA = "alpha"
    SEGMENTER = "segmenter"
    MASK = "mask"


class ThingOrigin(StrEnum):
    """Where a thing's mask came from before strokes changed it. `STROKES`: they alone say what it is; `NONE`: nothing does."""

    NONE = "none"
    MASK = "mask"
    ALPHA = "alpha"
    CLEAN_PLATE = "clean-plate"
    SEGMENTER = "segmenter"
    STROKES = "strokes"


class Level(StrEnum):
    """Which of the nested masks under a click is meant: the leaf, the plant, the bed of plants."""

    PART = "part"
    THING = "thing"
    GROUP = "group"


class Loop(StrEnum):
    """Whether a clip's end meets its start: never, in position and velocity, or by turning round and going back.

    What settles begins at the still and swings back to it.
    """

    NONE = "none"
    CLOSED = "closed"
    PING_PONG = "ping-pong"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Poke:
    """An arrow on the plate: its tail (x, y) and its shift (dx, dy), as fractions of the plate's width and height.

    One without any shift is a pin: a place of the thing that stays where it is.
    """

    x: Fraction
    y: Fraction
    dx: Shift
    dy: Shift

    @property
    def is_pin(self) -> bool:
        """Whether it holds its place."""
        return self.dx == self.dy == 0

    def check(self, where: str) -> None:
        """Refuse an arrow that is too short to be one, or whose tip leaves the plate."""
        if not self.is_pin and abs(self.dx) < SHORTEST_POKE and abs(self.dy) < SHORTEST_POKE:
            raise ProtocolError(f"{where} has no length; drag its tip away from its tail.", where, ErrorCode.BAD_POKES)
        for tip in (self.x + self.dx, self.y + self.dy):
            if not -TIP_TOLERANCE <= tip <= 1 + TIP_TOLERANCE:
                raise ProtocolError(f"{where} ends outside the plate; keep its tip inside.", where, ErrorCode.BAD_POKES)


_SENT = "sha256s, poses_sha256"


def _need_an_arrow(pokes: tuple[Poke, ...]) -> None:
    if all(poke.is_pin for poke in pokes):
        raise ProtocolError("pokes are all pins, so nothing moves; draw an arrow.", "pokes", ErrorCode.BAD_POKES)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A brush stroke that adds to a thing or takes away from it: places, and the brush's radius over the plate's long side.

    What is under the brush is painted exactly; beyond it, the stroke says what is meant. A click is one place, of radius 0.
    """

    points: Annotated[tuple[Place, ...], Length(1, limits.STROKE_POINTS)]
    radius: Radius = 0.0
    adds: bool = True


@dataclass(frozen=True, slots=True)
class Region:
    """The rectangle of the plate that the model sees, in plate pixels from the top left."""

    x: Pixels
    y: Pixels
    w: Annotated[int, Between(limits.REGION_SIDE_PX, limits.IMAGE_SIDE_PX)]
    h: Annotated[int, Between(limits.REGION_SIDE_PX, limits.IMAGE_SIDE_PX)]


@dataclass(frozen=True, slots=True)
class Variant:
    """Which variant of a plate and its pokes is meant: how it was drawn, and its index."""

    sampling: Annotated[Sampling, Flattened({"index": "seed"})]
    index: Index


@dataclass(frozen=True, slots=True)
class Playback:
    """How a model's motion is laid out in time.

    `frames` None takes what the motion's own pace gives. Each drawing stays for `hold` frames: ones, twos, threes.
    `chain` clips are joined to one. `easing` belongs to clips that play once. A closed loop is picked from `draws`
    residuals: the variant's own and some near it.
    """

    frames: Annotated[int, Between(2, limits.OUTPUT_FRAMES)] | None = None
    hold: Annotated[int, Between(1, 8)] = 1
    easing: Easing = Easing.LINEAR
    loop: Loop = Loop.NONE
    chain: Annotated[int, Between(1, limits.CHAIN)] = 1
    draws: Annotated[int, Between(1, limits.DRAWS)] = 1

    def frames_of(self, model_frames: int) -> int:
        """How many frames come out for a model of so many frames."""
        rounds = {Loop.NONE: 1.0, Loop.CLOSED: 1.5, Loop.PING_PONG: 2.0, Loop.SETTLE: 2.0}[self.loop]
        return self.frames or min(limits.OUTPUT_FRAMES, round(rounds * model_frames * self.chain))

    def check(self, where: str) -> None:
        """Refuse an eased loop: it would stop at its seam."""
        if self.loop is not Loop.NONE and self.easing is not Easing.LINEAR:
            raise ProtocolError("A loop can't be eased; leave out the easing or the loop.", where)


@dataclass(frozen=True, slots=True)
class Seam:
    """How a loop closes: the step over its seam and the change of velocity there, beside the median step inside.

    Root mean square over the moving places, in pixels of the model's size. `draw` says which of the residuals it is.
    """

    loop: Loop
    position_px: Extent
    velocity_px: Extent
    median_step_px: Extent
    draw: Annotated[int, Between(0, limits.DRAWS - 1)] = 0

    @property
    def share(self) -> float:
        """The larger of both as a share of the median step; infinite where nothing moves."""
        worst_px = max(self.position_px, self.velocity_px)
        return worst_px / self.median_step_px if self.median_step_px > 0 else math.inf

    @property
    def closes(self) -> bool:
        """Whether neither is more than the median step."""
        return max(self.position_px, self.velocity_px) <= self.median_step_px


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
    """What a finished job was made from and with; everything that `job.json` says beside the request.

    Where the request named several `regions`, they stand here and `region_px` is the box around them.
    `pose_difference` is the distance of the plate from the still of the kinematics that were replayed, 0 for like poses.
    `layer` is which of its file's layers the plate is, None where there is one.
    """

    model: ModelEntry
    plate_sha256: Digest
    plate_size_px: tuple[Pixels, Pixels]
    region_px: tuple[Pixels, Pixels, Pixels, Pixels]
    output_size_px: tuple[Pixels, Pixels]
    depth_bits: Annotated[int, Between(8, 32)]
    frames: OutputNumber
    colour: Text
    versions: Annotated[tuple[Version, ...], Length(0, 32)]
    regions: Annotated[tuple[Region, ...], Length(0, limits.REGIONS)] = ()
    pose_difference: Annotated[float, Between(0.0, 2.0)] | None = None
    layer: LayerName | None = None

    @property
    def poses_differ(self) -> bool:
        """Whether kinematics were replayed on a still so unlike their own that the motion may not fit."""
        return self.pose_difference is not None and self.pose_difference > POSES_DIFFER


@dataclass(frozen=True, slots=True)
class ClientStatus:
    """One client: how long ago it spoke, its jobs, and the megabytes that it has uploaded and that wait for it."""

    silent_s: Seconds
    waiting: Counter
    running: Counter
    uploads_mb: Counter
    outbox_mb: Counter


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One worker: where it runs, its job, its loaded models and the memory that they take."""

    pid: Counter
    is_up: bool
    device: Text
    job_id: JobId | None
    models: Annotated[tuple[Name, ...], Length(0, 64)]
    used_mb: Counter


@dataclass(frozen=True, slots=True)
class Message:
    """Base of everything that is sent; `raw_parts` raw parts follow the head."""

    RAW_PARTS: ClassVar[int] = 0

    @property
    def raw_parts(self) -> int:
        """How many raw parts follow this message's head."""
        return self.RAW_PARTS


# --- client to backend; the front process sends `Upload`, work, `Cancel` and `ReleaseMemory` on to a worker


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """Opens or reopens a session; answered by `Welcome`, and by `Ready` once the worker is up."""


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """Sign of life, and credit: how much has been received since `Welcome`."""

    received: Counter
    received_bytes: Counter


@dataclass(frozen=True, slots=True)
class Upload(Message):
    """The piece of a file that `NeedUpload` asked for, a still or kinematics, in one raw part.

    The file's name is the sha256 of its `size` bytes; None says that this piece is the last. Each piece has
    `limits.PIECE_BYTES`, the last one the rest.
    """

    RAW_PARTS: ClassVar[int] = 1
    sha256: Digest
    size: FileBytes | None = None
    start: FilePlace = 0

    def size_with(self, piece: bytes) -> int:
        """Size of the whole file, given this piece of it."""
        return self.start + len(piece) if self.size is None else self.size


@dataclass(frozen=True, slots=True)
class Sample(Message):
    """Asks for variants `first` to `first + samples - 1` of a poked plate. The same request gives the same bytes.

    With `kinematics_sha256` nothing is drawn: the motion in that file is replayed on the plate, as variant 0;
    with `mirror` left and right are swapped.
    `regions` instead of `region` are sampled each by the pokes whose tails they hold first, and composited in their order.
    `kept` are the hashes of the first frames, which the client has from an earlier try: they are not made again.
    `layer` is which layer of an EXR is the plate, None the one that Blender shows.
    `thing_sha256` is an image of the plate's size that is white where the thing is that the pokes move, as one elastic body;
    without it the plate's alpha says so where it has one, unless `whole_region` asks for a region that moves as a whole.
    `free_ground` lets go of what holds a thing by itself: where it leaves the picture or stands on something.
    `mesh` brings the body of such a thing too, and the poses of every variant; without `frames` these alone.
    """

    job_id: JobId
    plate_sha256: Digest
    pokes: Annotated[tuple[Poke, ...], Length(1, limits.POKES)]
    region: Region | None
    samples: Annotated[int, Between(1, limits.SAMPLES)]
    first: Index
    sampling: Annotated[Sampling, Flattened({"like": "regions", "variation": "mirror"})]
    model: Name | None
    size: OutputSize
    upright: bool
    depth_bits: Annotated[int, Between(8, 32)]
    kinematics_sha256: Digest | None = None
    playback: Playback | None = None
    lock_sha256: Digest | None = None
    clean_sha256: Digest | None = None
    passes: bool = False
    premultiplied: bool = False
    regions: Annotated[tuple[Region, ...], Length(0, limits.REGIONS)] = ()
    mirror: bool = False
    kept: Annotated[tuple[Digest, ...], Length(0, limits.OUTPUT_FRAMES)] = ()
    layer: LayerName | None = None
    thing_sha256: Digest | None = None
    whole_region: bool = False
    free_ground: bool = False
    mesh: bool = False
    frames: bool = True

    def check(self, where: str) -> None:
        """Refuse a depth that no image file has, and more than one replay of the same kinematics."""
        if self.regions and (self.region is not None or self.size is OutputSize.MODEL):
            raise ProtocolError("Several regions stand instead of one, and need frames of the plate's size.", "regions")
        _need_an_arrow(self.pokes)
        if self.depth_bits not in (8, 16, 32):
            raise ProtocolError("depth_bits must be 8, 16 or 32.", "depth_bits")
        if self.size is OutputSize.MODEL and (self.playback is not None or self.passes):
            raise ProtocolError("Frames of the model's own size have no timing and no passes; ask for the plate's.", "size")
        played = self.playback or Playback()
        if self.kinematics_sha256 is not None and (played.chain, played.draws) != (1, 1):
            raise ProtocolError("Replayed kinematics are one clip; leave out the chain and the loop's draws.", "playback")
        if self.thing_sha256 is not None and (self.whole_region or self.regions):
            raise ProtocolError("A thing's mask goes with one region, and not with whole_region; leave one out.", "thing_sha256")
        if self.mesh and (self.whole_region or self.regions or self.size is OutputSize.MODEL):
            raise ProtocolError("A mesh is made of a thing that moves as one body, at the plate's size; leave mesh out.", "mesh")
        if not self.frames and (not self.mesh or self.kept or self.passes):
            raise ProtocolError("Without frames there is the mesh alone, no passes and nothing kept; ask for frames.", "frames")
        if self.mirror and self.kinematics_sha256 is None:
            raise ProtocolError("mirror is for kinematics that are replayed; leave it out.", "mirror")
        if self.kinematics_sha256 is not None and self.sampling.options:
            option = next(iter(self.sampling.options))
            raise ProtocolError(f"{option} is for variants that are drawn, not for kinematics; leave it out.", option)
        if self.kinematics_sha256 is not None and (self.samples, self.first) != (1, 0):
            raise ProtocolError("samples must be 1 and first 0 where kinematics are replayed.", "samples")
        if self.kept and (self.samples > 1 or self.size is OutputSize.MODEL or self.passes):
            raise ProtocolError("kept is for one variant of the plate's size, without passes; leave it out.", "kept")
        if self.sampling.like and played.chain > 1:
            raise ProtocolError("like is for single clips; leave out the chain.", "like")

    @property
    def uploads(self) -> tuple[str, ...]:
        """Hashes of the files that the job needs."""
        given = (self.plate_sha256, self.kinematics_sha256, self.lock_sha256, self.clean_sha256, self.thing_sha256)
        return tuple(dict.fromkeys(sha256 for sha256 in given if sha256 is not None))

    @property
    def is_preview(self) -> bool:
        """True for a job that a newer one of the same client overtakes."""
        return self.size is OutputSize.PREVIEW


@dataclass(frozen=True, slots=True)
class Invert(Message):
    """Asks for the kinematics of a clip of as many frames as the model makes, and the still before them.

    The frames are stills of one size. Without pokes, the place that moves most is taken for one. With `variant`, the
    kinematics are those of that variant exactly, and its plate is the only frame. What thing the first frame shows is said as
    in `Sample`: the model looks at a square around it, and a variant was drawn for its body. Where a variant's region is known
    and its mask is not at hand, `as_body` says so alone.
    """

    job_id: JobId
    frame_sha256s: Annotated[tuple[Digest, ...], Length(1, limits.FRAMES + 1)]
    pokes: Annotated[tuple[Poke, ...], Length(0, limits.POKES)]
    region: Region | None
    model: Name | None
    upright: bool
    source: Name
    variant: Variant | None = None
    premultiplied: bool = False
    layer: LayerName | None = None
    thing_sha256: Digest | None = None
    whole_region: bool = False
    as_body: bool = False

    def check(self, where: str) -> None:
        """Refuse a clip without a second frame, a variant with one or without its pokes, and a thing that is none."""
        if self.thing_sha256 is not None and self.whole_region:
            raise ProtocolError("A thing's mask goes not with whole_region; leave one out.", "thing_sha256")
        if (self.variant is None) == (len(self.frame_sha256s) == 1):
            raise ProtocolError("variant goes with the one frame that is its plate; a clip has more, and no variant.", "variant")
        if self.variant is not None and not self.pokes:
            raise ProtocolError("pokes must be those of the variant.", "pokes")
        if self.pokes:
            _need_an_arrow(self.pokes)

    @property
    def uploads(self) -> tuple[str, ...]:
        """Hashes of the files that the job needs."""
        return (*self.frame_sha256s, *(() if self.thing_sha256 is None else (self.thing_sha256,)))

    @property
    def is_preview(self) -> bool:
        """False: it is not overtaken."""
        return False


@dataclass(frozen=True, slots=True)
class FindThing(Message):
    """Asks what the strokes stand on, as masks; answered by `ThingFound`, ahead of the client's waiting `Sample` and `Invert`.

    `start` says what the strokes change. `mask_sha256` is an image of the plate's size that is white where the thing is, and
    goes with `ThingStart.MASK`; `clean_sha256` is the plate without the thing. `level` is which of nested masks is meant; the
    others come too, unless it is to come `alone`. The masks' long side is `long_side_px`, 0 the plate's own.
    """

    job_id: JobId
    plate_sha256: Digest
    strokes: Annotated[tuple[Stroke, ...], Length(0, limits.STROKES)]
    start: ThingStart
    upright: bool
    mask_sha256: Digest | None = None
    clean_sha256: Digest | None = None
    level: Level = Level.THING
    alone: bool = False
    long_side_px: Pixels = 0
    premultiplied: bool = False
    layer: LayerName | None = None

    def check(self, where: str) -> None:
        """Refuse a mask that is missing or has no use, strokes that only take away, and too many of them."""
        if (self.start is ThingStart.MASK) != (self.mask_sha256 is not None):
            raise ProtocolError("mask_sha256 goes with start mask, and start mask with mask_sha256.", "mask_sha256")
        if self.start is not ThingStart.MASK and not any(stroke.adds for stroke in self.strokes):
            raise ProtocolError("strokes have none that adds; click on the thing first.", "strokes", ErrorCode.BAD_POKES)
        if 0 < self.long_side_px < limits.REGION_SIDE_PX:
            raise ProtocolError(f"long_side_px must be 0 or at least {limits.REGION_SIDE_PX}.", "long_side_px")
        points = sum(len(stroke.points) for stroke in self.strokes)
        if points > limits.POINTS:
            raise ProtocolError(f"strokes have {points} points, at most {limits.POINTS} may be sent; draw fewer.", "strokes")

    @property
    def uploads(self) -> tuple[str, ...]:
        """Hashes of the files that the job needs."""
        given = (self.plate_sha256, self.mask_sha256, self.clean_sha256)
        return tuple(dict.fromkeys(sha256 for sha256 in given if sha256 is not None))

    @property
    def is_preview(self) -> bool:
        """False: it is not overtaken."""
        return False


@dataclass(frozen=True, slots=True)
class Cancel(Message):
    """Stops a job; answered by `Cancelled`, also when the job is unknown or has ended."""

    job_id: JobId


@dataclass(frozen=True, slots=True)
class CancelAll(Message):
    """Stops every job of this client; with `everyone` every job of every client, which only the backend's owner may."""

    everyone: bool


@dataclass(frozen=True, slots=True)
class ReleaseMemory(Message):
    """Unloads the models of every idle worker; the next job loads what it needs."""


@dataclass(frozen=True, slots=True)
class AskStatus(Message):
    """Asks for `Status`."""


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
class NeedUpload(Message):
    """Asks for the piece of the file with this hash that begins at byte `start`."""

    sha256: Digest
    start: FilePlace = 0


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
    """Frame `t` (1..T) of a variant, as a PNG file (EXR for 32 bits) in one raw part."""

    RAW_PARTS: ClassVar[int] = 1
    job_id: JobId
    variant: VariantIndex
    t: OutputNumber


@dataclass(frozen=True, slots=True)
class Passes(Message):
    """The passes of frame `t` of a variant, as an EXR file in one raw part; they come before the frame itself."""

    RAW_PARTS: ClassVar[int] = 1
    job_id: JobId
    variant: VariantIndex
    t: OutputNumber


@dataclass(frozen=True, slots=True)
class BodyMesh(Message):
    """The body of a job's thing at rest, before anything of its variants, in four raw parts.

    Triangles (F, 3), int32; places of the vertices (V, 2), float32 in fractions of the plate; the thing's own pixels with its
    matte as alpha, without what stands behind; and the plate without the thing. Numbers are little-endian, both pictures are
    files of `size_px`, as frames are.
    """

    RAW_PARTS: ClassVar[int] = 4
    job_id: JobId
    size_px: tuple[Side, Side]


@dataclass(frozen=True, slots=True)
class BodyPoses(Message):
    """Poses (T + 1, V, 2) of a variant's body in one raw part, as the places of `BodyMesh` are: at rest, then in frames 1..T."""

    RAW_PARTS: ClassVar[int] = 1
    job_id: JobId
    variant: VariantIndex


@dataclass(frozen=True, slots=True)
class VariantDone(Message):
    """All of a variant was sent: the hashes of its frames in order of t and of its poses, and how it closes if it was to loop."""

    job_id: JobId
    variant: VariantIndex
    sha256s: Annotated[tuple[Digest, ...], Length(0, limits.OUTPUT_FRAMES)]
    seam: Seam | None = None
    poses_sha256: Digest | None = None

    def check(self, where: str) -> None:
        """Refuse a variant of which nothing was sent."""
        if not self.sha256s and self.poses_sha256 is None:
            raise ProtocolError("sha256s and poses_sha256 are empty both; a variant has frames, poses or both.", _SENT)


@dataclass(frozen=True, slots=True)
class Kinematics(Message):
    """What `Invert` asked for, as a kinematics file in one raw part; its hash."""

    RAW_PARTS: ClassVar[int] = 1
    job_id: JobId
    sha256: Digest


@dataclass(frozen=True, slots=True)
class ThingFound(Message):
    """What `FindThing` asked for, and the job's end: masks as grey PNG files of 8 bits in raw parts, each within the next.

    `levels` says what each mask means, `scores` its expected intersection over union with the true one, and `chosen` which of
    them was asked for. There are none where nothing was found; `reason` then says why.
    """

    job_id: JobId
    origin: ThingOrigin
    levels: Annotated[tuple[Level, ...], Length(0, limits.LEVELS)]
    scores: Annotated[tuple[Fraction, ...], Length(0, limits.LEVELS)]
    chosen: Annotated[int, Between(0, limits.LEVELS - 1)] = 0
    reason: Text = ""

    @property
    def is_sound(self) -> bool:
        """Whether the mask that was asked for can be used without a look at it."""
        return bool(self.scores) and self.scores[self.chosen] >= SOUND_SCORE

    @property
    def raw_parts(self) -> int:
        """One for each mask."""
        return len(self.levels)

    def check(self, where: str) -> None:
        """Refuse levels, scores and a choice that don't fit one another."""
        if (self.origin is ThingOrigin.NONE) != (not self.levels):
            raise ProtocolError("levels must be none where nothing was found, and only there.", "levels")
        if len(self.scores) != len(self.levels):
            raise ProtocolError("scores must be as many as levels.", "scores")
        if self.chosen >= max(1, len(self.levels)):
            raise ProtocolError("chosen must be one of the masks.", "chosen")


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


@dataclass(frozen=True, slots=True)
class Memory(Message):
    """A worker's word about itself after a job: what it has loaded and how much memory it takes."""

    models: Annotated[tuple[Name, ...], Length(0, 64)]
    used_mb: Counter


@dataclass(frozen=True, slots=True)
class Status(Message):
    """Answer to `AskStatus`. Who is not the backend's owner sees its own jobs only."""

    info: ServerInfo | None
    uptime_s: Seconds
    clients: Annotated[tuple[ClientStatus, ...], Length(0, limits.CLIENTS)]
    workers: Annotated[tuple[WorkerStatus, ...], Length(0, limits.WORKERS)]


Work = Sample | Invert | FindThing
LAST_WORDS = (Finished, Failed, Cancelled, ThingFound)
"""What ends a job."""
FROM_CLIENT: tuple[type[Message], ...] = (
    Hello, Ping, Upload, Sample, Invert, FindThing, Cancel, CancelAll, ReleaseMemory, AskStatus, Bye,
)  # fmt: skip
FROM_BACKEND: tuple[type[Message], ...] = (
    Welcome, Ready, Pong, NeedUpload, Queued, Started, Prepared, Progress, Frame, Passes, BodyMesh, BodyPoses, VariantDone,
    Kinematics, ThingFound, Finished, Failed, Cancelled, Restarted, Refused, Memory, Status,
)  # fmt: skip
