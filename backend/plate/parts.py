"""The connected parts of a mask that clicks stand on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import Field

_SOFT_EDGE_PX = 2
"""Pixels around a part whose mask is below the threshold, and which belong to it."""

_FIRST_REACH_PX = 32

Points = NDArray[np.float64]


def parts_below(mask: Field, least: float, places: Points, reach_px: float) -> tuple[Field, NDArray[np.bool_]]:
    """The parts of a mask (H, W) above `least` that places (N, 2), in fractions of it, stand on or are `reach_px` from.

    Also says of each place whether it stands on one.
    """
    _, parts = cv2.connectedComponents((mask > least).astype(np.uint8))
    found = np.array([_part_near(parts, place, reach_px) for place in places * mask.shape[::-1]], np.intp)
    wanted = np.zeros(int(parts.max()) + 1, bool)
    wanted[found[found > 0]] = True
    kept = wanted[parts]
    near = cv2.dilate(kept.astype(np.uint8), np.ones((2 * _SOFT_EDGE_PX + 1,) * 2, np.uint8)) > 0
    return np.where(kept | (near & (parts == 0)), mask, np.float32(0)), found > 0


def _part_near(parts: NDArray[np.int32], place_px: Points, reach_px: float) -> int:
    """Number of the part at a place or nearest to it; 0 where there is none within reach."""
    height, width = parts.shape
    x, y = (min(int(at), length - 1) for at, length in zip(place_px, (width, height), strict=True))
    if parts[y, x] or reach_px < 1:
        return int(parts[y, x])
    reach, farthest = _FIRST_REACH_PX, int(reach_px)
    while True:  # what is near is found without a look at all of a large plate
        reach = min(reach, farthest)
        top, left = max(0, y - reach), max(0, x - reach)
        window = parts[top : y + reach + 1, left : x + reach + 1]
        rows, columns = np.nonzero(window)
        distances = np.hypot(rows + top - y, columns + left - x)
        if len(distances) and distances.min() <= (reach_px if reach == farthest else reach):
            nearest = distances.argmin()
            return int(window[rows[nearest], columns[nearest]])
        if reach == farthest:
            return 0
        reach *= 2
