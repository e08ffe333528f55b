"""Owns taking a region apart that moves by a model's flow: what moves, with its matte, and what stands behind it.

What moves ends where a cut-out's alpha ends, or a clean plate's difference. Otherwise nothing parts it from its surroundings,
which stretch along; a thing with a mask moves as a body instead (see `posed`).

With the matte M of what moves over the whole clip, and the plate without it, `behind` (the artist's clean plate, or the
surroundings filled into it), the moving layer is what is left of the plate I:

    moving = I - (1 - M) behind        so that        I = moving + (1 - M) behind

to the byte. That takes the background out of soft edges, and gives the plate itself back where nothing moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import Region
from .fill import filled
from .guided_filter import Guide
from .image import Field, Pixels, PlateImage, working_part
from .motion import Motion, spread, step
from .parted import TRACE, with_rim
from .region import bands, display_in_region, enlarged
from .thing import is_cut_out

Mask = NDArray[np.bool_]

MATTE_SIDE_PX = 1024
"""Mattes are computed at most so large, and enlarged: a guided filter's coefficients are smooth."""

FINER = 4
"""Key fields, and the mask of what moves, have so many times the model's size: an edge is found to a quarter of its pixel."""

# Set by eye on `python -m benchmarks.plate_sheets`.
_LEAST_PX = 0.01  # model px; less motion is none, a third of a pixel at 4K
_FADE_PX, _FADE_SHARE = (0.12, 0.4), (0.04, 0.12)  # model px and shares of the farthest motion, where it fades in
_DIFFERENT = 0.02  # parts of white by which a plate differs from its clean plate: five steps of 8 bits
_GUIDE_RADIUS = 1.0  # model px: how far the motion's edge may lie from the picture's
_GUIDE_EPSILON = 2e-4  # variance of colour that is texture, not an edge: three and a half steps of 8 bits
_MATTE_STEP = (0.2, 0.8)  # the filter leaves a haze over flat parts; this takes it off
_CUT_OUT_GROWTH = 2.0  # radii; alpha already ends the thing, the matte only has to hold all of it


@dataclass(frozen=True)
class Layers:
    """The moving part of a plate. Pictures cover `source` only and are on the plate's own scale, colour premultiplied.

    box: where frames may differ from the plate, in plate px; None where nothing moves.
    source: box and as much around it, on the plate, as the motion fetches from.
    moving: (h, w, C) the layer; matte: (h, w) in [0, 1]; behind: (h, w, C). C is 3, or 4 with alpha.
    shifts: (K, 2, G, G) key fields in model px over the region, of the moving part and smoothly beyond it.
    is_parted: whether it ends anywhere. If not, the region moves as a whole, and goes on beyond the plate's border.
    """

    box: Region | None
    source: Region
    moving: Pixels
    matte: Field
    behind: Pixels
    shifts: Field
    is_parted: bool

    def at(self, band: Region) -> tuple[slice, slice]:
        """Where a band of the plate lies in the pictures."""
        x, y = band.x - self.source.x, band.y - self.source.y
        return slice(y, y + band.h), slice(x, x + band.w)


def take_apart(plate: PlateImage, region: Region, motion: Motion, clean: PlateImage | None, lock: Field | None) -> Layers:
    """Layers of a plate under a clip's motion; `clean` has the plate's size and kind, `lock` (H, W) in [0, 1]."""
    side = FINER * motion.size_px
    shifts = np.stack([_finer(shift, side) for shift in motion.shifts])
    trust = np.stack([cv2.resize(plane, (side, side), interpolation=cv2.INTER_LINEAR) for plane in motion.trust]).min(axis=0)
    reach_px = np.hypot(shifts[:, 0], shifts[:, 1]).max(axis=0)
    cut_out = _is_cut_out(plate, region)
    if cut_out:
        thing = _opaque(plate, region, side)
    elif clean is not None:
        old, new = (display_in_region(image, region, (side, side)) for image in (plate, clean))
        thing = np.abs(old - new).max(axis=2) > _DIFFERENT
    else:
        thing = np.ones((side, side), bool)
    inside = cv2.erode(thing.astype(np.float32), np.ones((3, 3), np.uint8)) * np.maximum(trust, 1e-3)
    hold = np.ones(thing.shape, np.float32)
    if thing.all():
        # Nothing parts the motion from its surroundings: it fades out into them, and its last tremble is left out.
        hold = step(reach_px, *(max(px, share * float(reach_px.max())) for px, share in zip(_FADE_PX, _FADE_SHARE, strict=True)))
        shifts = np.stack([cv2.GaussianBlur(shift.transpose(1, 2, 0), (0, 0), FINER).transpose(2, 0, 1) for shift in shifts])
    shifts = np.stack([spread(shift, np.maximum(inside, 1e-5)) * hold for shift in shifts])
    moves = thing & (np.hypot(shifts[:, 0], shifts[:, 1]).max(axis=0) > _LEAST_PX)
    box = _box_of(moves, region, shifts, motion.size_px)
    if box is None:
        empty = np.zeros((0, 0, 3), np.float32)
        return Layers(None, region, empty, empty[..., 0], empty, shifts, not thing.all())
    source = _grown(box, np.abs(shifts).max(axis=(0, 2, 3)) * (region.w, region.h) / motion.size_px, plate.size_px)
    matte = _matte(plate, region, thing, source, motion.size_px, cut_out)
    if not thing.all():
        matte = with_rim(matte, region)
    if lock is not None:
        matte *= 1 - lock[source.y : source.y + source.h, source.x : source.x + source.w]
    moving, behind = _split(plate, clean, matte, source)
    return Layers(box, source, moving, matte, behind, shifts, not thing.all())


def _grown(box: Region, room_px: NDArray[np.floating[Any]], size_px: tuple[int, int]) -> Region:
    """A box with room around it, as far as the plate goes."""
    across, down = (int(np.ceil(room)) + 2 for room in room_px)
    x, y = max(0, box.x - across), max(0, box.y - down)
    return Region(x, y, min(size_px[0], box.x + box.w + across) - x, min(size_px[1], box.y + box.h + down) - y)


def _split(plate: PlateImage, clean: PlateImage | None, matte: Field, box: Region) -> tuple[Pixels, Pixels]:
    picture = working_part(plate, box)
    behind = working_part(clean, box) if clean is not None else filled(picture, matte > TRACE / 2)
    np.copyto(behind, picture, where=matte[..., None] == 0)
    moving = picture - (1 - matte[..., None]) * behind
    if plate.bgr.dtype == np.uint8 and plate.alpha is None:
        # Whole numbers of 8 bits are enough for opaque 8-bit plates, and half the size.
        moving, behind = np.rint(moving).astype(np.int16), np.rint(behind).astype(np.int16)
    return moving, behind


def _finer(shift: Field, side: int) -> Field:
    return np.stack([cv2.resize(np.ascontiguousarray(plane), (side, side), interpolation=cv2.INTER_CUBIC) for plane in shift])


def _opaque(plate: PlateImage, region: Region, side: int) -> Mask:
    assert plate.alpha is not None
    alpha = plate.alpha[region.y : region.y + region.h, region.x : region.x + region.w].astype(np.float32)
    return np.asarray(cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA) > 0.5 * plate.peak)


def _box_of(moves: Mask, region: Region, shifts: Field, size: int) -> Region | None:
    """The moving part's bounding box with room for its edges and its farthest shift, in plate px."""
    rows, columns = np.flatnonzero(moves.any(axis=1)), np.flatnonzero(moves.any(axis=0))
    if not len(rows):
        return None
    side = moves.shape[0]
    room = (3 + float(np.abs(shifts).max())) * side / size
    left, top = (max(0.0, float(found[0]) - room) / side for found in (columns, rows))
    right, bottom = (min(float(side), float(found[-1]) + 1 + room) / side for found in (columns, rows))
    x, y = region.x + int(left * region.w), region.y + int(top * region.h)
    return Region(
        x, y, min(region.w, int(np.ceil(right * region.w))) + region.x - x,
        min(region.h, int(np.ceil(bottom * region.h))) + region.y - y,
    )  # fmt: skip


def _matte(plate: PlateImage, region: Region, thing: Mask, box: Region, size: int, cut_out: bool) -> Field:
    """(h, w) of the box: the moving part's soft outline at full size, found along the plate's edges."""
    scale = min(1.0, MATTE_SIDE_PX / max(region.w, region.h))
    small = (max(4, round(region.w * scale)), max(4, round(region.h * scale)))
    if thing.all():
        return np.ones((box.h, box.w), np.float32)
    mask = np.asarray(cv2.resize(thing.astype(np.float32), small, interpolation=cv2.INTER_LINEAR), np.float32)
    radius = max(1, round(_GUIDE_RADIUS * max(small) / size))
    if cut_out:
        grown = cv2.dilate(mask, np.ones((2 * round(_CUT_OUT_GROWTH * radius) + 1,) * 2, np.uint8))
        return enlarged(cv2.blur(grown, (2 * radius + 1,) * 2), region, box)
    coefficients = Guide(display_in_region(plate, region, small), radius, _GUIDE_EPSILON).coefficients(mask)
    matte = np.empty((box.h, box.w), np.float32)
    for band in bands(box):
        guide = display_in_region(plate, band, (band.w, band.h))
        model = enlarged(coefficients, region, band)
        matte[band.y - box.y : band.y - box.y + band.h] = step((model[..., :3] * guide).sum(axis=2) + model[..., 3], *_MATTE_STEP)
    return matte


def _is_cut_out(plate: PlateImage, region: Region) -> bool:
    if plate.alpha is None:
        return False
    alpha = plate.alpha[region.y : region.y + region.h, region.x : region.x + region.w]
    return is_cut_out(alpha, plate.peak)
