"""Finding the thing on a plate: of alpha, of a clean plate's difference, of a network's coarse mask. Masks are (H, W) in [0, 1].

All but the first work on a picture of the plate, (H, W, 3) BGR of 8 bits, and follow its edges by the guided filter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_values.names import CLICK_REACH, THING_LEAST

from ..protocol.messages import Region, Stroke
from .errors import PlateError
from .guided_filter import Guide
from .image import Field, PlateImage, shrunk_mask, shrunk_px
from .motion import step
from .parts import Points, parts_below
from .region import bands, display_in_region, enlarged
from .thing import alpha_of

Picture = NDArray[np.uint8]

"""How far a click may lie beside the thing, over the plate's long side."""
_FINER, _MOST_PX = 4, 448
"""Pixels in which a pixel of a coarse mask is looked at, where the picture has so many; and most of them along its square."""
_RADIUS_PX = 6
_EPSILON = 2e-4
_MATTE_STEP = (0.2, 0.8)
_DIFFERENCE_SIDE_PX = 1024
_DIFFERENT = (0.02, 0.06)
"""Parts of white between which a difference from a clean plate fades in: five to fifteen steps of 8 bits."""
_SPECK_PX = 3
_SURE = 0.5
_SURELY_NONE = 0.02
_TILE_PX = 128


@dataclass(frozen=True)
class Places:
    """Where strokes point, in fractions of the plate: `clicks` (N, 2) are to be on the thing, `dabs` (M, 2) paint and may be."""

    clicks: Points
    dabs: Points

    @classmethod
    def of(cls, strokes: Sequence[Stroke]) -> Places:
        """Of the strokes that add."""
        rows = [
            [point for stroke in strokes if stroke.adds and (stroke.radius > 0) == paints for point in stroke.points]
            for paints in (False, True)
        ]
        clicks, dabs = (np.array(row, np.float64).reshape(-1, 2) for row in rows)
        return cls(clicks, dabs)

    @property
    def every(self) -> Points:
        """Clicks, then dabs."""
        return np.concatenate([self.clicks, self.dabs])

    def parts(self, mask: Field, least: float, reach_px: float) -> Field | None:
        """The parts of a mask (H, W) that they stand on; None where a click stands on none."""
        kept, hit = parts_below(mask, least, self.every, reach_px)
        return kept if hit[: len(self.clicks)].all() else None


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


def parts_of_alpha(plate: PlateImage, places: Places, size_px: tuple[int, int]) -> Field | None:
    """The parts of a cut-out's alpha that strokes stand on; None where a click stands on none."""
    alpha = alpha_of(plate)
    parts = places.parts(alpha, THING_LEAST, CLICK_REACH * max(alpha.shape))
    return None if parts is None else shrunk_mask(parts, size_px)


def thing_of_clean_plate(plate: PlateImage, clean: PlateImage, places: Places, picture: Picture) -> Field | None:
    """What differs from a clean plate of the same size where strokes stand; None where a click stands on what is the same."""
    height, width = picture.shape[:2]
    small = shrunk_px((width, height), _DIFFERENCE_SIDE_PX)
    with_thing, without = picture_of(plate, small), picture_of(clean, small)
    difference = cv2.absdiff(with_thing, without).max(axis=2).astype(np.float32) / np.float32(255)
    mask = step(cv2.medianBlur(difference, _SPECK_PX), *_DIFFERENT)
    parts = places.parts(mask, _SURE, CLICK_REACH * max(small))
    return None if parts is None else EdgeFollower(picture).along(parts, Region(0, 0, width, height))


def check_size(mask: Field, plate: PlateImage) -> None:
    """Refuse an artist's mask (H, W) of another size than the plate. Raises PlateError."""
    if mask.shape[::-1] != plate.size_px:
        raise PlateError("The thing's mask has another size than the plate; paint it at the plate's size.")


def check_says_something(mask: Field) -> None:
    """Refuse an artist's mask (H, W) of nothing, and one of everything. Raises PlateError."""
    if not (mask > THING_LEAST).any():
        raise PlateError("The thing's mask is black everywhere; paint the thing white.")
    if fills_picture(mask):
        raise PlateError("The thing's mask is white everywhere; paint what is not the thing black.")


def fills_picture(mask: Field) -> bool:
    """Whether a mask (H, W) leaves nothing that is not the thing."""
    return bool((mask > 1 - THING_LEAST).all())


class EdgeFollower:
    """Brings coarse masks to the edges of one picture."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._guides: dict[tuple[Region, tuple[int, int]], Guide] = {}

    def of_patch(self, patch: Patch, places: Places, *, alone: bool) -> Field:
        """A patch as a mask of the whole picture; `alone`, without the parts on which no stroke stands, if one is stood on."""
        height, width = self._picture.shape[:2]
        left, top, side = patch.left * width, patch.top * width, patch.side * width
        x, y = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
        seen = Region(x, y, min(width, int(np.ceil(left + side))) - x, min(height, int(np.ceil(top + side))) - y)
        mask = _seen_part(patch.values, (left, top, side), seen)
        if alone:
            inside = (places.every * (width, height) - (seen.x, seen.y)) / (seen.w, seen.h)
            inside = inside[((inside >= 0) & (inside < 1)).all(axis=1)]
            parts, hit = parts_below(mask, _SURE, inside, 0)
            mask = parts if hit.any() else mask
        found = np.zeros((height, width), np.float32)
        found[seen.y : seen.y + seen.h, seen.x : seen.x + seen.w] = self.along(mask, seen)
        return found

    def along(self, mask: Field, seen: Region) -> Field:
        """A small mask over a part of the picture, at that part's pixels (h, w) and along its edges."""
        part = self._picture[seen.y : seen.y + seen.h, seen.x : seen.x + seen.w]
        coefficients = self._guide(seen, (mask.shape[1], mask.shape[0])).coefficients(mask)
        reach = np.ones((4 * _RADIUS_PX + 1,) * 2, np.uint8)  # the filter looks twice as far as its radius to each side
        most, least = cv2.dilate(mask, reach), cv2.erode(mask, reach)
        matte = np.zeros(part.shape[:2], np.float32)
        whole = Region(0, 0, seen.w, seen.h)
        for tile in _tiles(whole):
            place = (slice(tile.y, tile.y + tile.h), slice(tile.x, tile.x + tile.w))
            near = _scaled(tile, mask.shape[1] / seen.w, mask.shape[0] / seen.h)
            if most[near].max() < _SURELY_NONE:
                continue
            if least[near].min() > 1 - _SURELY_NONE:
                matte[place] = 1
                continue
            *a, b = cv2.split(enlarged(coefficients, whole, tile))
            colours = cv2.split(part[place].astype(np.float32))
            follows = (a[0] * colours[0] + a[1] * colours[1] + a[2] * colours[2]) * np.float32(1 / 255) + b
            matte[place] = step(follows, *_MATTE_STEP)
        return matte

    def _guide(self, seen: Region, size_px: tuple[int, int]) -> Guide:
        if (seen, size_px) not in self._guides:
            part = self._picture[seen.y : seen.y + seen.h, seen.x : seen.x + seen.w]
            small = cv2.resize(part, size_px, interpolation=cv2.INTER_AREA).astype(np.float32) * np.float32(1 / 255)
            self._guides[seen, size_px] = Guide(small, _RADIUS_PX, _EPSILON)
        return self._guides[seen, size_px]


def _seen_part(values: Field, square: tuple[float, float, float], seen: Region) -> Field:
    """Of a coarse mask (S, S) over a square (left, top, side) what a region sees, at the pixels in which edges are looked for."""
    left, top, side = square
    scale = len(values) / side
    pixels = min(_FINER * len(values), max(_MOST_PX, len(values)))
    small = [max(1, round(length * min(1.0, pixels / side))) for length in (seen.w, seen.h)]
    steps = seen.w / small[0], seen.h / small[1]
    matrix = np.array(
        [
            [scale * steps[0], 0, (seen.x + 0.5 * steps[0] - left) * scale - 0.5],
            [0, scale * steps[1], (seen.y + 0.5 * steps[1] - top) * scale - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(values, matrix, small, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _tiles(whole: Region) -> Iterator[Region]:
    for y in range(0, whole.h, _TILE_PX):
        for x in range(0, whole.w, _TILE_PX):
            yield Region(x, y, min(_TILE_PX, whole.w - x), min(_TILE_PX, whole.h - y))


def _scaled(tile: Region, across: float, down: float) -> tuple[slice, slice]:
    """Rows and columns of a smaller picture that a tile of a larger one takes its values from."""
    rows, columns = (
        slice(max(0, int(start * scale) - 1), int(np.ceil((start + length) * scale)) + 1)
        for start, length, scale in ((tile.y, tile.h, down), (tile.x, tile.w, across))
    )
    return rows, columns


def _bytes(shown: Field) -> Picture:
    return np.rint(shown * 255).astype(np.uint8)
