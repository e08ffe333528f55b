"""Owns how thick a thing is at each of its places, with numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_STEP = 1.25  # from one radius that is tried to the next


def thickness_of(mask: Mask) -> NDArray[np.float64]:
    """(H, W): width in pixels of the widest square or diamond that holds a pixel and lies in the mask; 0 off the mask.

    An opening by a growing element, which is a square and a diamond in turn so that it stays round.
    """
    thick = mask.astype(np.float64)
    eroded, done, radius = mask, 0, 1
    while eroded.any() and 2 * radius < max(mask.shape):
        while done < radius:
            eroded = _grown(eroded, done, outwards=False)
            done += 1
        opened = eroded
        for step in reversed(range(radius)):
            opened = _grown(opened, step, outwards=True)
        thick[opened] = 2 * radius + 1
        radius = max(radius + 1, int(radius * _STEP))
    return thick


def _grown(mask: Mask, step: int, *, outwards: bool) -> Mask:
    """The mask grown, or shrunk, by one pixel; what lies off the picture counts as the mask's own when it shrinks."""
    padded = np.pad(mask, 1, constant_values=not outwards)
    middle, result = slice(1, -1), mask.copy()
    views = [padded[:-2, middle], padded[2:, middle], padded[middle, :-2], padded[middle, 2:]]
    if step % 2:
        views += [padded[:-2, :-2], padded[:-2, 2:], padded[2:, :-2], padded[2:, 2:]]
    for view in views:
        result = result | view if outwards else result & view
    return result
