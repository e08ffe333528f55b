"""Owns taking a thing out of its plate: its own colours with a soft edge, and the plate without it.

With the matte M of a thing, and the plate B without it (the artist's clean plate, or what surrounds the thing filled in), the
thing's layer F is what is left of the plate I, colours premultiplied:

    F = I - (1 - M) B        so that        I = F + (1 - M) B

to its edge, where what shows of the old background is left out of F (see `edges`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..protocol.messages import Region
from .edges import cut_out
from .fill import Mask, around, filled
from .image import Field, PlateImage, from_working, working_part
from .motion import spread

LEAST_MATTE = 1 / 512
"""Less of a thing is none of it."""
TRACE = 1e-3
"""What a matte has around the thing: small enough to change no pixel where nothing moves."""

_RIM_SIDE_PX, _RIM_PX = 1024, 6  # of a thing so large
_LEAST_RIM_PX = 3  # masks are seldom nearer to the true edge
_SEEN = 0.01  # of a matte; what has less gets no trace around it


@dataclass(frozen=True)
class Parted:
    """A box of a plate, taken apart. Pictures (h, w, C) are on the plate's own scale, premultiplied; C is 3, or 4 with alpha.

    moving: the thing's own colours, times its matte (h, w) in [0, 1]. behind: the plate without the thing.
    """

    box: Region
    moving: Field
    matte: Field
    behind: Field

    def spread_over(self, box: Region, plate: PlateImage) -> Parted:
        """The same of a larger box of the plate, which holds this one."""
        place = _place(Region(self.box.x - box.x, self.box.y - box.y, self.box.w, self.box.h))
        behind = working_part(plate, box)
        moving, matte = np.zeros_like(behind), np.zeros(behind.shape[:2], np.float32)
        behind[place], moving[place], matte[place] = self.behind, self.moving, self.matte
        return Parted(box, moving, matte, behind)


def take_out(
    plate: PlateImage,
    thing: Field,
    box: Region,
    clean: PlateImage | None = None,
    lock: Field | None = None,
    within: Mask | None = None,
) -> Parted:
    """Take a thing (H, W) in [0, 1] out of a box of a plate.

    `clean` is the plate without the thing, `lock` (H, W) in [0, 1] keeps the plate, and `within` (h, w) is where the thing can
    be drawn again: what lies elsewhere stays behind.
    """
    matte = thing[_place(box)].copy()
    matte[matte < LEAST_MATTE] = 0
    if within is not None:
        matte *= within
    matte = with_rim(matte, _extent(matte))  # as wide in every box, so that behind the thing there is the same in each
    if within is not None:
        matte *= within
    if lock is not None:
        matte *= 1 - lock[_place(box)]
    picture = working_part(plate, box)
    behind = working_part(clean, box) if clean is not None else _filled(plate, matte > 0, box)
    np.copyto(behind, picture, where=matte[..., None] == 0)
    if plate.alpha is not None:  # which has no background in its edge
        return Parted(box, picture - (1 - matte[..., None]) * behind, matte, behind)
    moving, lessened = cut_out(picture, matte, behind, plate.peak)
    return Parted(box, moving, np.maximum(lessened, np.minimum(matte, np.float32(TRACE))), behind)


def _filled(plate: PlateImage, hole: Mask, box: Region) -> Field:
    """A box (h, w, C) of the plate with its hole filled from as much of the plate as there is around it."""
    if not hole.any():
        return working_part(plate, box)
    whole = np.zeros(plate.size_px[::-1], bool)
    whole[_place(box)] = hole
    rows, columns = around(whole)
    seen = Region(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
    inside = filled(working_part(plate, seen), whole[rows, columns])
    result = working_part(plate, box)
    top, left = max(box.y, seen.y), max(box.x, seen.x)
    bottom, right = min(box.y + box.h, seen.y + seen.h), min(box.x + box.w, seen.x + seen.w)
    result[top - box.y : bottom - box.y, left - box.x : right - box.x] = inside[
        top - seen.y : bottom - seen.y, left - seen.x : right - seen.x
    ]
    return result


def plate_behind(plate: PlateImage, parted: Parted) -> PlateImage:
    """The whole plate without the thing, stored as the plate is; a byte differs only where the thing was."""
    box = parted.box
    stored = from_working(parted.behind.copy(), plate)
    bgr, alpha = plate.bgr.copy(), None if plate.alpha is None else plate.alpha.copy()
    np.copyto(bgr[_place(box)], stored.bgr, where=parted.matte[..., None] > 0)
    if alpha is not None and stored.alpha is not None:
        np.copyto(alpha[_place(box)], stored.alpha, where=parted.matte > 0)
    return PlateImage(bgr, alpha, plate.premultiplied, plate.layer, plate.tags)


def thing_alone(plate: PlateImage, parted: Parted) -> PlateImage:
    """The thing by itself, of the box's size and the plate's type, with straight alpha: its matte, times the plate's own alpha.

    Its colours go on a little beyond its edge, so that a texture of it can be filtered.
    """
    peak = np.float32(plate.peak)
    alpha = parted.matte if plate.alpha is None else parted.moving[..., 3] / peak
    known = alpha > 0.5
    colour = parted.moving[..., :3] / np.maximum(alpha, np.float32(1 / 65536))[..., None]
    beyond = spread(colour.transpose(2, 0, 1), known.astype(np.float32)).transpose(1, 2, 0)
    colour = np.where(known[..., None], colour, beyond) if known.any() else colour
    stored = from_working(np.dstack([colour, alpha * peak]), PlateImage(plate.bgr, plate.bgr[..., 0], premultiplied=True))
    return PlateImage(stored.bgr, stored.alpha, False, plate.layer, plate.tags)


def with_rim(matte: Field, region: Region) -> Field:
    """A matte with a trace around it: what the edge leaves beyond the matte moves too, and does not stay behind as a line."""
    width_px = max(_LEAST_RIM_PX, round(_RIM_PX * max(region.w, region.h) / _RIM_SIDE_PX))
    inside = (matte > _SEEN).astype(np.uint8)
    return np.maximum(matte, cv2.dilate(inside, np.ones((2 * width_px + 1,) * 2, np.uint8)) * np.float32(TRACE))


def _extent(matte: Field) -> Region:
    """The smallest box around a matte."""
    rows, columns = (np.flatnonzero((matte > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return Region(0, 0, 1, 1)
    return Region(int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1)


def _place(box: Region) -> tuple[slice, slice]:
    return slice(box.y, box.y + box.h), slice(box.x, box.x + box.w)
