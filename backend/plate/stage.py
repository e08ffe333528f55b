"""Owns what all variants of a job are rendered with: plate, region, what the pokes move, and what the artist gave to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ipoke_body import Body
from ipoke_values.names import THING_LEAST

from ..protocol.messages import Region
from .drawer import Drawer
from .errors import PlateError
from .image import Field, PlateImage, displayed, shrink, shrunk_mask, shrunk_px
from .manner import Manner
from .motion import Motion, join, places_of
from .once import once
from .parted import Parted
from .posed import PosedRenderer, part_body
from .poses import Holds, Points, poses_of
from .region import scaled_region
from .render import Renderer

BODY_SIDE_PX = 512
"""Long side of the mask that a body is made of."""


@dataclass(frozen=True)
class Course:
    """What happens in a clip, or in several joined: its keys (K, D) in model px at some places, and who renders it."""

    keys: NDArray[np.float64]
    renderer: Callable[[], Drawer]
    poses: Points | None = None
    """Key poses (K, V, 2) of the body, where one moves, in fractions of the plate."""


@dataclass(frozen=True)
class Stage:
    """A plate, its region, a clean plate, and a lock (H, W) in [0, 1].

    With a `thing` (H, W) in [0, 1] that moves as a body, `arrows` (N, 4) are the pokes and `pins` (P, 2) what is held, in
    fractions of the plate. With `free_ground` it is not held by itself where it leaves the picture or stands on something.
    """

    plate: PlateImage
    region: Region
    clean: PlateImage | None
    lock: Field | None
    thing: Field | None = None
    arrows: Points | None = None
    pins: Points | None = None
    free_ground: bool = False

    def shrunk(self, long_side_px: int) -> Stage:
        """The same at a smaller size."""
        plate = shrink(self.plate, long_side_px)
        if plate is self.plate:
            return self
        lock, thing = (None if mask is None else shrunk_mask(mask, plate.size_px) for mask in (self.lock, self.thing))
        region = scaled_region(self.region, self.plate.size_px, plate.size_px)
        clean = None if self.clean is None else shrink(self.clean, long_side_px)
        return replace(self, plate=plate, region=region, clean=clean, lock=lock, thing=thing)

    def course(self, clips: Sequence[Motion], manners: Sequence[Manner] | None = None) -> Course:
        """What a variant's clips, one after the other, make of the plate; in its manner a body gives way to each."""
        if self.thing is None:
            motion = join(clips)
            flow = partial(Renderer, self.plate, self.region, motion, self.clean, self.lock)
            return Course(places_of(motion), flow)
        poses = np.concatenate([self._poses(*one) for one in zip(clips, manners or [Manner()] * len(clips), strict=True)])
        moved = (poses - self.body.rest) * self.plate.size_px * (clips[0].size_px / max(self.region.w, self.region.h))
        return Course(moved.reshape(len(moved), -1), partial(self._posed, poses), poses)

    def prepare(self) -> None:
        """Compute what all variants share and what takes long; by a thread of its own, while others are at work."""
        if self.thing is not None:
            _ = self.parted

    @once
    def body(self) -> Body:
        """The body of the thing, the same at every size of the plate, so that a preview shows what a bake makes."""
        assert self.thing is not None
        height, width = self.thing.shape
        mask = shrunk_mask(self.thing, shrunk_px((width, height), BODY_SIDE_PX)) > THING_LEAST
        if not mask.any():
            raise PlateError("The thing is too small or too faint to move as a body; paint it larger, or move the whole region.")
        return Body.of(mask)

    @once
    def parted(self) -> Parted:
        """The thing and the plate without it, which all variants share."""
        assert self.thing is not None
        return part_body(self.plate, self.thing, self.body, self.clean, self.lock)

    def _posed(self, poses: Points) -> PosedRenderer:
        return PosedRenderer(self.plate, self.parted, self.body, poses, self.lock)

    def _poses(self, clip: Motion, manner: Manner) -> Points:
        assert self.arrows is not None
        return poses_of(self.body, clip, self.region, self.plate.size_px, self.arrows, self.holds, manner)

    @property
    def holds(self) -> Holds:
        """What holds the thing: pins, and where it leaves the picture, else what it stands on."""
        assert self.arrows is not None
        holds = Holds() if self.pins is None else Holds(self.pins)
        if self.free_ground:
            return holds
        ground = self.body.ground(self.arrows[:, :2])
        return replace(holds, border=ground) if self.body.leaves_picture else replace(holds, ground=ground)


def lock_of(mask: PlateImage) -> Field:
    """What an image marks, (H, W) in [0, 1]: its alpha where that says something, else its brightness."""
    if mask.alpha is not None and (mask.alpha < mask.peak).any():
        return np.clip(mask.alpha.astype(np.float32) / np.float32(mask.peak), 0, 1)
    return np.asarray(displayed(PlateImage(mask.bgr, None)).max(axis=2), np.float32)
