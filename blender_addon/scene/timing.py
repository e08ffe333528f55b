"""How long clips are and how they play: what is set on a plate, what a job was asked with, and what a bake is laid out as."""

from __future__ import annotations

from typing import Protocol

import bpy

from .._vendor.protocol import limits
from .._vendor.protocol.messages import Easing, Loop, Playback
from ..core.errors import PlateError
from ..core.jobs.bakes import Shot
from .properties import IPOKE_PG_job, IPOKE_PG_plate, IPOKE_PG_timing


class Wish(Protocol):
    """What is set on a plate, or on its bake."""

    hold: str
    fit: bool
    unit: str
    seconds: float
    length: int
    loop: str
    easing: str


def shot_of(obj: bpy.types.Object, scene: bpy.types.Scene) -> Shot:
    """Return what a scene says of time, and where an object's clip starts."""
    return Shot(scene.render.fps / scene.render.fps_base, obj.ipoke.start_frame)


def playback_of(wanted: Wish, shot: Shot, chain: int = 1) -> Playback | None:
    """Return the timing that is asked for; None for the model's own, which needs no planning. Raises `PlateError`."""
    length = shot.frames_in(wanted.seconds) if wanted.unit == "SECONDS" else wanted.length
    if wanted.fit and length > limits.OUTPUT_FRAMES:
        raise PlateError(f"{length} frames are too many; ask for {limits.OUTPUT_FRAMES} at most.")
    playback = Playback(
        frames=length if wanted.fit else None,
        hold=int(wanted.hold),
        loop=Loop(wanted.loop),
        easing=Easing(wanted.easing) if wanted.loop == Loop.NONE else Easing.LINEAR,
        chain=chain,
    )
    return None if playback == Playback() else playback


def asked(obj: bpy.types.Object, scene: bpy.types.Scene, *, replays: bool = False) -> Playback | None:
    """Return the timing that a plate's samples are to have; a motion that is replayed is one clip. Raises `PlateError`."""
    timing = obj.ipoke.timing
    return playback_of(timing, shot_of(obj, scene), 1 if replays else timing.chain)


def of_job(job: IPOKE_PG_job) -> Playback | None:
    """Return the timing that a job was asked with; None for the model's own."""
    stored = job.timing
    if not job.is_timed:
        return None
    return Playback(
        frames=stored.length if stored.fit else None,
        hold=int(stored.hold),
        loop=Loop(stored.loop),
        easing=Easing(stored.easing),
        chain=stored.chain,
    )


def of_bake(plate: IPOKE_PG_plate, job: IPOKE_PG_job, shot: Shot) -> Playback | None:
    """Return the timing of a variant's bake: the variant's, unless the bake has one of its own. Raises `PlateError`."""
    if not plate.bake.own_timing:
        return of_job(job)
    return playback_of(plate.bake, shot, job.timing.chain if job.is_timed else 1)


def store(job: IPOKE_PG_job, playback: Playback | None) -> None:
    """Keep the timing that a job was asked with."""
    job.is_timed = playback is not None
    if playback is not None:
        set_timing(job.timing, playback)


def set_timing(timing: IPOKE_PG_timing, playback: Playback | None) -> None:
    """Set everything of a timing; a length is given in frames."""
    played = playback or Playback()
    timing.fit, timing.unit = played.frames is not None, "FRAMES"
    timing.length = played.frames or timing.length
    timing.hold, timing.loop, timing.easing, timing.chain = str(played.hold), played.loop, played.easing, played.chain
