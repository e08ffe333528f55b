"""Finding the thing on a plate: of alpha, of a clean plate's difference, of a network's coarse mask. Masks are (H, W) in [0, 1].

All but the first work on a picture of the plate, (H, W, 3) BGR of 8 bits, and follow its edges by the guided filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import Region
from .guided import guided_coefficients
from .image import Field, PlateImage, shrunk_px
from .motion import step
from .parts import Points, parts_below
from .region import bands, display_in_region, enlarged
from .thing import THING_LEAST, is_cut_out

Picture = NDArray[np.uint8]

_CLICK_REACH = 0.02
"""How far a click may lie beside the thing, over the plate's long side."""
_FINER = 4
"""Pixels in which a pixel of a coarse mask is looked at, where the picture has so many."""
_RADIUS_PX = 4
_EPSILON = 2e-4
_MATTE_STEP = (0.2, 0.8)
_DIFFERENCE_SIDE_PX = 1024
_DIFFERENT = (0.02, 0.06)
"""Parts of white between which a difference from a clean plate fades in: five to fifteen steps of 8 bits."""
_SPECK_PX = 3


@dataclass(frozen=True)
class Patch:
    """A coarse mask (S, S) in [0, 1] over a square, whose `left`, `top` and side are fractions of the plate's width.

    The square may reach beyond the plate. `score` is the expected intersection over union with the true mask.
    """

    values: Field
    left: float
    top: float
    side: float
    score: float


def picture_of(plate: PlateImage, size_px: tuple[int, int]) -> Picture:
    """The plate as a screen shows it, BGR (H, W, 3) of 8 bits, at a size no larger than its own."""
    if plate.bgr.dtype == np.uint8 and plate.alpha is None:
        return plate.bgr if size_px == plate.size_px else np.asarray(cv2.resize(plate.bgr, size_px, interpolation=cv2.INTER_AREA))
    whole = Region(0, 0, *plate.size_px)
    if size_px != plate.size_px:
        return _bytes(display_in_region(plate, whole, size_px))
    return np.concatenate([_bytes(display_in_region(plate, band, (band.w, band.h))) for band in bands(whole)])


def thing_of_alpha(plate: PlateImage, places: Points, size_px: tuple[int, int]) -> Field | None:
    """The parts of a cut-out's alpha that clicks (N, 2) stand on; None where one stands on none."""
    assert plate.alpha is not None
    alpha = np.clip(plate.alpha.astype(np.float32) * np.float32(1 / plate.peak), 0, 1)
    parts = parts_below(alpha, THING_LEAST, places, _CLICK_REACH * max(alpha.shape))
    return None if parts is None else resized(parts, size_px)


def says_what_the_thing_is(plate: PlateImage) -> bool:
    """Whether a plate's alpha tells a thing from the rest."""
    return plate.alpha is not None and is_cut_out(plate.alpha, plate.peak)


def thing_of_clean_plate(plate: PlateImage, clean: PlateImage, places: Points, picture: Picture) -> Field | None:
    """What differs from a clean plate of the same size where clicks (N, 2) stand; None where one stands on what is the same."""
    height, width = picture.shape[:2]
    small = shrunk_px((width, height), _DIFFERENCE_SIDE_PX)
    with_thing, without = picture_of(plate, small), picture_of(clean, small)
    difference = cv2.absdiff(with_thing, without).max(axis=2).astype(np.float32) / np.float32(255)
    mask = step(cv2.medianBlur(difference, _SPECK_PX), *_DIFFERENT)
    parts = parts_below(mask, 0.5, places, _CLICK_REACH * max(small))
    return None if parts is None else _along_edges(parts, Region(0, 0, width, height), picture)


def thing_of_patch(patch: Patch, places: Points, picture: Picture) -> Field:
    """A coarse mask brought to the edges of the picture, without the parts that no click (N, 2) stands on if one does."""
    height, width = picture.shape[:2]
    left, top, side = patch.left * width, patch.top * width, patch.side * width
    x, y = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    seen = Region(x, y, min(width, int(np.ceil(left + side))) - x, min(height, int(np.ceil(top + side))) - y)
    small_scale = min(1.0, _FINER * len(patch.values) / side)
    small = max(1, round(seen.w * small_scale)), max(1, round(seen.h * small_scale))
    scale = len(patch.values) / side
    matrix = np.array(
        [
            [scale * seen.w / small[0], 0, (x + 0.5 * seen.w / small[0] - left) * scale - 0.5],
            [0, scale * seen.h / small[1], (y + 0.5 * seen.h / small[1] - top) * scale - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    mask = np.asarray(cv2.warpAffine(patch.values, matrix, small, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)
    inside = (places * (width, height) - (seen.x, seen.y)) / (seen.w, seen.h)
    inside = inside[((inside >= 0) & (inside < 1)).all(axis=1)]
    parts = parts_below(mask, 0.5, inside, 0) if len(inside) else None
    found = np.zeros((height, width), np.float32)
    found[seen.y : seen.y + seen.h, seen.x : seen.x + seen.w] = _along_edges(mask if parts is None else parts, seen, picture)
    return found


def resized(mask: Field, size_px: tuple[int, int]) -> Field:
    """A mask at a smaller size, or itself."""
    if mask.shape[::-1] == size_px:
        return mask
    return np.asarray(cv2.resize(mask, size_px, interpolation=cv2.INTER_AREA), np.float32)


def _along_edges(mask: Field, seen: Region, picture: Picture) -> Field:
    """A small mask over a part of a picture, at that part's pixels (h, w) and along its edges."""
    part = picture[seen.y : seen.y + seen.h, seen.x : seen.x + seen.w]
    guide = cv2.resize(part, mask.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    coefficients = guided_coefficients(mask, guide, _RADIUS_PX, _EPSILON)
    matte = np.empty(part.shape[:2], np.float32)
    whole = Region(0, 0, seen.w, seen.h)
    for band in bands(whole):
        rows = slice(band.y, band.y + band.h)
        model = enlarged(coefficients, whole, band)
        model[..., :3] *= part[rows] * np.float32(1 / 255)
        matte[rows] = step(model.sum(axis=2), *_MATTE_STEP)
    return matte


def _bytes(shown: Field) -> Picture:
    return np.rint(shown * 255).astype(np.uint8)
