"""Owns the rectangle of the plate that the model sees: choosing it, checking it, mapping pokes and pixels into it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import TIP_TOLERANCE, Poke, Region
from .errors import RegionError
from .image import Field, PlateImage, display_of, to_working
from .thing import thing_of_alpha

_MARGIN = 0.12
_BACKDROP = 0.5
_SUBJECT_SHARE = 0.7
_LEAST_SIDE_PX = 64
_BAND_ROWS = 256

Box = tuple[float, float, float, float]


def default_region(plate: PlateImage, pokes: Sequence[Poke], thing: Field | None = None) -> Region:
    """A square around the thing (H, W), else the cut-out that the pokes stand on, else the plate's largest around the pokes."""
    if thing is None:
        thing = thing_of_alpha(plate, np.array([[poke.x, poke.y] for poke in pokes]))
    return region_around(plate.size_px, pokes, None) if thing is None else region_of_thing(thing, pokes)


def region_of_thing(thing: Field, pokes: Sequence[Poke]) -> Region:
    """A square around a thing (H, W) and the pokes on it, so that a small thing on a large plate is seen as large."""
    height, width = thing.shape
    rows, columns = np.flatnonzero((thing > 0.5).any(axis=1)), np.flatnonzero((thing > 0.5).any(axis=0))
    if not len(rows):
        return region_around((width, height), pokes, None)
    box = columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height
    return region_around((width, height), pokes, box)


def region_around(size_px: tuple[int, int], pokes: Sequence[Poke], box: Box | None) -> Region:
    """A square around pokes and a box (left, top, right, bottom in fractions of the plate), or the largest square.

    It is stretched where it could not hold every tail and tip with a margin otherwise.
    """
    side_px = min(size_px)
    xs = [value for poke in pokes for value in (poke.x, poke.x + poke.dx)]
    ys = [value for poke in pokes for value in (poke.y, poke.y + poke.dy)]
    if box is not None:
        wide, high = [*xs, box[0], box[2]], [*ys, box[1], box[3]]
        extent_px = max(_extent(wide) * size_px[0], _extent(high) * size_px[1]) / _SUBJECT_SHARE
        if extent_px < side_px:
            xs, ys, side_px = wide, high, min(side_px, max(_LEAST_SIDE_PX, math.ceil(extent_px)))
    margin_px = _MARGIN * side_px
    x, w = _span(xs, size_px[0], side_px, margin_px)
    y, h = _span(ys, size_px[1], side_px, margin_px)
    return Region(x, y, w, h)


def shared_out(pokes: Sequence[Poke], regions: Sequence[Region], size_px: tuple[int, int]) -> list[tuple[Poke, ...]]:
    """The pokes of each region: a poke belongs to the first one that holds its tail. Raises RegionError."""
    owners = [_owner(poke, regions, size_px) for poke in pokes]
    if None in owners:
        raise RegionError(f"Poke {owners.index(None) + 1} starts in none of the regions; enlarge one or move the poke.")
    for index in range(len(regions)):
        if index not in owners:
            raise RegionError(f"Region {index + 1} holds no poke of its own; add one that starts in it, or leave it out.")
    return [tuple(poke for poke, owner in zip(pokes, owners, strict=True) if owner == index) for index in range(len(regions))]


def box_around(regions: Sequence[Region]) -> Region:
    """The smallest rectangle that holds all of them."""
    x, y = min(region.x for region in regions), min(region.y for region in regions)
    right, bottom = max(region.x + region.w for region in regions), max(region.y + region.h for region in regions)
    return Region(x, y, right - x, bottom - y)


def overlap(one: Region, other: Region) -> bool:
    """Whether two rectangles share a pixel."""
    across = one.x < other.x + other.w and other.x < one.x + one.w
    return across and one.y < other.y + other.h and other.y < one.y + one.h


def check_region(region: Region, size_px: tuple[int, int], pokes: Sequence[Poke]) -> None:
    """Refuse a region that leaves the plate or leaves out a poke; raises RegionError."""
    width, height = size_px
    if region.x + region.w > width or region.y + region.h > height:
        raise RegionError(f"The region reaches outside the plate of {width} x {height} px; move or shrink it.")
    for number, (x, y, dx, dy) in enumerate(pokes_in_region(pokes, region, size_px), start=1):
        ends = (x, y, x + dx, y + dy)
        if not all(-TIP_TOLERANCE <= end <= 1 + TIP_TOLERANCE for end in ends):
            raise RegionError(f"Poke {number} reaches outside the region; enlarge the region or move the poke.")


def pokes_in_region(pokes: Sequence[Poke], region: Region, size_px: tuple[int, int]) -> NDArray[np.float64]:
    """Pokes (N, 4) as x, y, dx, dy in fractions of the region's width and height."""
    plate = np.array([[poke.x, poke.y, poke.dx, poke.dy] for poke in pokes], dtype=np.float64)
    scale = np.array([size_px[0] / region.w, size_px[1] / region.h] * 2)
    offset = np.array([region.x / region.w, region.y / region.h, 0.0, 0.0])
    mapped: NDArray[np.float64] = plate * scale - offset
    return mapped


def scaled_region(region: Region, old_px: tuple[int, int], new_px: tuple[int, int]) -> Region:
    """The region on a smaller copy of its plate."""
    x, w = _scaled_span(region.x, region.w, new_px[0] / old_px[0], new_px[0])
    y, h = _scaled_span(region.y, region.h, new_px[1] / old_px[1], new_px[1])
    return Region(x, y, w, h)


def model_input(plate: PlateImage, region: Region, size_px: int) -> NDArray[np.float32]:
    """What the model sees: (3, S, S) RGB in [-1, 1]; transparent parts stand before a grey backdrop."""
    seen = display_in_region(plate, region, (size_px, size_px))
    rgb = seen[..., ::-1].transpose(2, 0, 1) * 2.0 - 1.0
    return np.ascontiguousarray(rgb, dtype=np.float32)


def mask_in_region(mask: Field, region: Region, size_px: int) -> Field:
    """A mask (H, W) in [0, 1] of the plate, as `model_input` shows the region: (S, S)."""
    part = mask[region.y : region.y + region.h, region.x : region.x + region.w]
    shrinks = min(region.w, region.h) >= size_px
    small = cv2.resize(part, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.ascontiguousarray(np.clip(small, 0, 1), dtype=np.float32)


def display_in_region(plate: PlateImage, region: Region, size_px: tuple[int, int]) -> Field:
    """The region at another size (W, H), as a screen shows it before a grey backdrop: BGR (H, W, 3) in [0, 1]."""
    rows, columns = slice(region.y, region.y + region.h), slice(region.x, region.x + region.w)
    alpha = None if plate.alpha is None else plate.alpha[rows, columns]
    part = PlateImage(plate.bgr[rows, columns], alpha, plate.premultiplied)
    shrinks = region.w >= size_px[0] and region.h >= size_px[1]
    small = cv2.resize(to_working(part), size_px, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    small = np.asarray(small * np.float32(1 / plate.peak), np.float32)
    colour = display_of(small[..., :3]) if plate.is_float else small[..., :3]
    if alpha is not None:
        colour = colour + (1.0 - np.clip(small[..., 3:], 0, 1)) * np.float32(_BACKDROP)
    return np.ascontiguousarray(np.clip(colour, 0, 1), dtype=np.float32)


def enlarged(plane: Field, region: Region, band: Region) -> Field:
    """A plane (or planes, last axis) over the whole region, at the plate's pixels of a band inside it: (h, w[, C])."""
    x_scale, y_scale = plane.shape[1] / region.w, plane.shape[0] / region.h
    x, y = band.x - region.x + 0.5, band.y - region.y + 0.5
    matrix = np.array([[x_scale, 0, x * x_scale - 0.5], [0, y_scale, y * y_scale - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, matrix, (band.w, band.h), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _owner(poke: Poke, regions: Sequence[Region], size_px: tuple[int, int]) -> int | None:
    x, y = poke.x * size_px[0], poke.y * size_px[1]
    holding = (i for i, seen in enumerate(regions) if seen.x <= x <= seen.x + seen.w and seen.y <= y <= seen.y + seen.h)
    return next(holding, None)


def bands(box: Region) -> list[Region]:
    """A box cut into bands of rows, so that what is computed at a time stays small."""
    return [Region(box.x, y, box.w, min(_BAND_ROWS, box.y + box.h - y)) for y in range(box.y, box.y + box.h, _BAND_ROWS)]


def _extent(values: list[float]) -> float:
    return max(values) - min(values)


def _span(values: list[float], length_px: int, side_px: int, margin_px: float) -> tuple[int, int]:
    low = max(0, math.floor(min(values) * length_px - margin_px))
    high = min(length_px, math.ceil(max(values) * length_px + margin_px))
    span = max(side_px, high - low)
    start = round((low + high - span) / 2)
    return min(max(0, start), length_px - span), span


def _scaled_span(start: int, length: int, scale: float, limit_px: int) -> tuple[int, int]:
    low = round(start * scale)
    high = min(limit_px, max(low + 4, round((start + length) * scale)))
    return max(0, min(low, high - 4)), high - max(0, min(low, high - 4))
