"""Which part of a plate a small picture shows, so that what moves is large in it. No bpy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .plane import Vec2
from .region import Box

MARGIN = 0.12
"""Of the part's longer side, on each side of what moves."""
LEAST = 0.2
"""Of the plate's longer side: no part is smaller."""
SEEN = 0.5


def reach_of(mask: NDArray[np.float32]) -> Box | None:
    """Return what a mask (H, W) in [0, 1] covers, the first row at the top; None where that is nothing."""
    rows, columns = (np.flatnonzero((mask > SEEN).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    height, width = mask.shape
    return Box(columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)


def part_of(size_px: tuple[int, int], thing: Box | None, places: Iterable[Vec2]) -> Box:
    """Return the square part of a plate, or as square as fits, that shows a thing and the places where it goes."""
    corners = [*places, *(() if thing is None else ((thing.left, thing.top), (thing.right, thing.bottom)))]
    if not corners:
        return Box(0.0, 0.0, 1.0, 1.0)
    width, height = size_px
    (left, right), (top, bottom) = ((min(c[axis] for c in corners), max(c[axis] for c in corners)) for axis in (0, 1))
    side_px = max((right - left) * width, (bottom - top) * height) * (1 + 2 * MARGIN)
    side_px = max(side_px, LEAST * max(width, height))
    x, y = _span((left + right) / 2, side_px / width), _span((top + bottom) / 2, side_px / height)
    return Box(x[0], y[0], x[1], y[1])


def _span(middle: float, length: float) -> Vec2:
    """A span of a length around a middle that is pushed inside of [0, 1]."""
    if length >= 1.0:
        return 0.0, 1.0
    first = min(max(middle - length / 2, 0.0), 1.0 - length)
    return first, first + length
