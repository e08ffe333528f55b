"""Clicks as an artist would set them: a first one anywhere on the thing, then where the mask so far is most wrong."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from .network import NEGATIVE, POSITIVE

Click = tuple[float, float, float]
"""x, y in fractions of the square, and the sign."""
Mask = NDArray[np.bool_]

NO_CLICK: Click = (0.5, 0.5, 0.0)
_SURE = 0.6
_DEEP = 0.6
"""In training a further click may lie anywhere in the error that is as deep as this share of its deepest place."""


def first_click(rng: np.random.Generator, thing: NDArray[np.float32]) -> tuple[int, int]:
    """A random pixel x, y of a thing (H, W) in [0, 1], where it is hardly mixed with what is behind it."""
    rows, columns = np.nonzero(thing > min(_SURE, 0.9 * float(thing.max())))
    index = rng.integers(len(rows))
    return int(columns[index]), int(rows[index])


def next_click(wanted: Mask, found: Mask, rng: np.random.Generator | None = None) -> Click:
    """The middle of the largest error of a mask (H, W); with `rng`, a place near it. No click where the masks agree."""
    missing, excess = (_depth(error) for error in (wanted & ~found, found & ~wanted))
    depth, sign = (missing, POSITIVE) if missing.max() >= excess.max() else (excess, NEGATIVE)
    deepest = float(depth.max())
    if deepest == 0:
        return NO_CLICK
    if rng is None:
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    else:
        rows, columns = np.nonzero(depth >= _DEEP * deepest)
        index = rng.integers(len(rows))
        row, column = rows[index], columns[index]
    return (float(column) + 0.5) / depth.shape[1], (float(row) + 0.5) / depth.shape[0], sign


def iou(wanted: Mask, found: Mask) -> float:
    """Intersection over union; 1 of two empty masks."""
    union = int((wanted | found).sum())
    return int((wanted & found).sum()) / union if union else 1.0


def under_clicks(mask: Mask, places: Iterable[tuple[int, int]]) -> Mask:
    """What a mask (H, W) holds under places x, y of clicks that add; all of it where none of them is on it."""
    under = parts_under(mask, places)
    return under if under.any() else mask


def parts_under(mask: Mask, places: Iterable[tuple[int, int]]) -> Mask:
    """The connected parts of a mask (H, W) that places x, y are on."""
    count, parts = cv2.connectedComponents(mask.astype(np.uint8))
    kept = np.zeros(count, bool)
    for x, y in places:
        kept[parts[y, x]] = True
    kept[0] = False
    return np.asarray(kept[parts])


def _depth(error: Mask) -> NDArray[np.float32]:
    """Distance to the nearest pixel that is right, or outside the picture."""
    return np.asarray(cv2.distanceTransform(np.pad(error, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1], np.float32)
