"""Owns the rectangle of the plate that the model sees: choosing it, checking it, mapping pokes and pixels into it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import TIP_TOLERANCE, Poke, Region
from .errors import RegionError
from .image import Pixels, PlateImage

_MARGIN = 0.12
_BACKDROP = 0.5


def default_region(size_px: tuple[int, int], pokes: Sequence[Poke]) -> Region:
    """The plate's largest square, moved to the pokes; stretched to hold every tail and tip with a margin."""
    margin_px = _MARGIN * min(size_px)
    xs = [value for poke in pokes for value in (poke.x, poke.x + poke.dx)]
    ys = [value for poke in pokes for value in (poke.y, poke.y + poke.dy)]
    x, w = _span(xs, size_px[0], min(size_px), margin_px)
    y, h = _span(ys, size_px[1], min(size_px), margin_px)
    return Region(x, y, w, h)


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
    rows, columns = slice(region.y, region.y + region.h), slice(region.x, region.x + region.w)
    if plate.alpha is None:
        peak = 2.0**plate.depth_bits - 1
        bgr = _resized(plate.bgr[rows, columns], size_px) / peak
    else:
        small = _resized(plate.premultiplied[rows, columns], size_px) / 65535.0
        bgr = small[..., :3] + (1.0 - small[..., 3:]) * _BACKDROP
    rgb = bgr[..., ::-1].transpose(2, 0, 1) * 2.0 - 1.0
    return np.ascontiguousarray(rgb, dtype=np.float32)


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


def _resized(pixels: Pixels, size_px: int) -> NDArray[np.float32]:
    shrinks = min(pixels.shape[:2]) >= size_px
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size_px, size_px), interpolation=method), dtype=np.float32)
