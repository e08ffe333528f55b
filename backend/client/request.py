"""Owns what a user asks for: variants of a poked plate, a replayed motion on it, a clip's kinematics, or a thing."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

from ipoke_values import Sampling

from ..protocol.limits import NAME_CHARACTERS
from ..protocol.messages import (
    FindThing,
    Invert,
    Level,
    OutputSize,
    Playback,
    Poke,
    Region,
    Sample,
    Stroke,
    ThingStart,
    Variant,
)

_UNREADABLE = re.compile(r"[/\\\x00-\x1f\ud800-\udfff]")


def new_job_id() -> str:
    """A job id that nobody else has."""
    return uuid.uuid4().hex


def readable(name: str) -> str:
    """A file's name as one that travels: 1 to 128 characters, `_` for bytes that are no text, slashes and control characters."""
    return _UNREADABLE.sub("_", name)[:NAME_CHARACTERS] or "_"


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Variants `first` to `first + samples - 1` of a plate; the request determines every byte of the answer.

    `plate` is an encoded image file (PNG, JPEG, TIFF, ...). `region` None lets the backend choose around the pokes,
    `model` None takes the default model. `depth_bits` is the depth of the frames that come back: 8 or 16 for PNG,
    32 for EXR.
    `upright` turns the plate as its EXIF orientation says, as viewers do; Blender shows images as they are stored.
    `sampling` says how the variants are drawn. With `kinematics`, a kinematics file's bytes, that motion is replayed as variant 0
    and nothing is drawn;
    `mirror` replays it with left and right swapped.
    `lock` and `clean` are image files of the plate's size: what is painted white on `lock` stays the plate's, and what
    moves leaves `clean` behind. With `passes`, every frame comes with an EXR file of passes. `premultiplied` says that
    the plate's colour was stored times its alpha. `regions` instead of `region` move several things at once.
    `thing` is an image file of the plate's size, white where the thing is that the pokes move; without it the plate's alpha
    says so where it has one, unless `whole_region` asks for a region that moves as a whole. `free_ground` lets go of what holds
    a thing by itself: where it leaves the picture or stands on something.
    With `mesh` the body of the thing comes too and how it moves in each variant; without `frames` that alone.
    `kept` are the sha256 of the first frames of the one variant, which are there already and don't come again.
    `layer` names the layer of an EXR plate; None takes the one that Blender shows.
    """

    job_id: str
    plate: bytes
    plate_name: str
    pokes: tuple[Poke, ...]
    region: Region | None
    samples: int
    sampling: Sampling
    first: int = 0
    model: str | None = None
    size: OutputSize = OutputSize.MODEL
    depth_bits: int = 8
    upright: bool = True
    kinematics: bytes | None = None
    playback: Playback | None = None
    lock: bytes | None = None
    clean: bytes | None = None
    passes: bool = False
    premultiplied: bool = False
    regions: tuple[Region, ...] = ()
    mirror: bool = False
    kept: tuple[str, ...] = ()
    layer: str | None = None
    thing: bytes | None = None
    whole_region: bool = False
    free_ground: bool = False
    mesh: bool = False
    frames: bool = True

    @property
    def is_single(self) -> bool:
        """Whether each variant is one drawn clip of one region: it has its own kinematics, and others can be like it."""
        played = self.playback or Playback()
        return self.kinematics is None and not self.regions and (played.chain, played.draws) == (1, 1)

    def plate_sha256(self) -> str:
        """Hash of the encoded file's bytes."""
        return _sha256(self.plate)

    def kinematics_sha256(self) -> str | None:
        """Hash of the kinematics file's bytes."""
        return _sha256_of(self.kinematics)

    def uploads(self) -> dict[str, bytes]:
        """Files that the backend may ask for, by their hashes."""
        return _by_hash(self.plate, self.kinematics, self.lock, self.clean, self.thing)

    def message(self) -> Sample:
        """The request as it travels, without the plate's bytes."""
        return Sample(
            job_id=self.job_id,
            plate_sha256=self.plate_sha256(),
            pokes=self.pokes,
            region=self.region,
            samples=self.samples,
            first=self.first,
            sampling=self.sampling,
            model=self.model,
            size=OutputSize(self.size),
            depth_bits=self.depth_bits,
            upright=self.upright,
            kinematics_sha256=self.kinematics_sha256(),
            playback=self.playback,
            lock_sha256=_sha256_of(self.lock),
            clean_sha256=_sha256_of(self.clean),
            passes=self.passes,
            premultiplied=self.premultiplied,
            regions=self.regions,
            mirror=self.mirror,
            kept=self.kept,
            layer=self.layer,
            thing_sha256=_sha256_of(self.thing),
            whole_region=self.whole_region,
            free_ground=self.free_ground,
            mesh=self.mesh,
            frames=self.frames,
        )


@dataclass(frozen=True, slots=True)
class InvertRequest:
    """The kinematics of a clip: encoded image files of one size, as many as the model makes and the still before them.

    Without `pokes` the place that moves most is taken. `source` names the clip in the kinematics file.
    `thing` and `whole_region` say what moves in the first frame, as in `SampleRequest`; `as_body` that a variant moved as one.
    With `variant` the kinematics are that variant's own, and `frames` is its plate alone: see `of_variant`.
    """

    job_id: str
    frames: tuple[bytes, ...]
    source: str
    pokes: tuple[Poke, ...] = ()
    region: Region | None = None
    model: str | None = None
    upright: bool = True
    variant: Variant | None = None
    premultiplied: bool = False
    layer: str | None = None
    thing: bytes | None = None
    whole_region: bool = False
    as_body: bool = False

    @classmethod
    def of_variant(cls, job_id: str, sampled: SampleRequest, index: int) -> InvertRequest:
        """The kinematics of variant `index` of what `sampled` asked for, which `is_single`."""
        return cls(
            job_id=job_id,
            frames=(sampled.plate,),
            source=f"{sampled.plate_name} variant {index}"[-NAME_CHARACTERS:],
            pokes=sampled.pokes,
            region=sampled.region,
            model=sampled.model,
            upright=sampled.upright,
            variant=Variant(sampled.sampling, index),
            premultiplied=sampled.premultiplied,
            layer=sampled.layer,
            thing=sampled.thing,
            whole_region=sampled.whole_region,
        )

    def uploads(self) -> dict[str, bytes]:
        """Files that the backend may ask for, by their hashes."""
        return _by_hash(*self.frames, self.thing)

    def message(self) -> Invert:
        """The request as it travels, without the frames' bytes."""
        return Invert(
            job_id=self.job_id,
            frame_sha256s=tuple(_sha256(data) for data in self.frames),
            pokes=self.pokes,
            region=self.region,
            model=self.model,
            upright=self.upright,
            source=readable(self.source),
            variant=self.variant,
            premultiplied=self.premultiplied,
            layer=self.layer,
            thing_sha256=_sha256_of(self.thing),
            whole_region=self.whole_region,
            as_body=self.as_body,
        )


@dataclass(frozen=True, slots=True)
class ThingRequest:
    """What strokes on a plate stand on, as masks; `ThingArrived` brings them and ends the job.

    `plate`, `mask` and `clean` are encoded image files of one size; `mask` goes with `start` mask. `level` says which of the
    nested masks is meant; with `alone` the others don't come. `long_side_px` of the masks, 0 the plate's own.
    """

    job_id: str
    plate: bytes
    strokes: tuple[Stroke, ...]
    start: ThingStart = ThingStart.AUTO
    mask: bytes | None = None
    clean: bytes | None = None
    level: Level = Level.THING
    alone: bool = False
    long_side_px: int = 0
    upright: bool = True
    premultiplied: bool = False
    layer: str | None = None

    def uploads(self) -> dict[str, bytes]:
        """Files that the backend may ask for, by their hashes."""
        return _by_hash(self.plate, self.mask, self.clean)

    def message(self) -> FindThing:
        """The request as it travels, without the files' bytes."""
        return FindThing(
            job_id=self.job_id,
            plate_sha256=_sha256(self.plate),
            strokes=self.strokes,
            start=self.start,
            upright=self.upright,
            mask_sha256=_sha256_of(self.mask),
            clean_sha256=_sha256_of(self.clean),
            level=Level(self.level),
            alone=self.alone,
            long_side_px=self.long_side_px,
            premultiplied=self.premultiplied,
            layer=self.layer,
        )


Request = SampleRequest | InvertRequest | ThingRequest


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sha256_of(file: bytes | None) -> str | None:
    return None if file is None else _sha256(file)


def _by_hash(*files: bytes | None) -> dict[str, bytes]:
    return {_sha256(file): file for file in files if file is not None}
