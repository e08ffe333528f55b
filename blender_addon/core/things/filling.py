"""What is shown behind a thing while it is played with: the picture around it, drawn smoothly into its place. No bpy.

Of the picture's halves, quarters and so on, each keeps the mean of what is known; what is unknown is taken from the next smaller
one, and smoothed a little (push and pull: Gortler, Grzeszczuk, Szeliski and Cohen, *The Lumigraph*, SIGGRAPH 1996).
"""

from __future__ import annotations

from typing import Any

import numpy as np

Pixels = Any  # numpy's array types are not there for a type checker inside Blender


SMOOTHED = 2


def filled(picture: Pixels, known: Pixels) -> Pixels:
    """The picture (H, W, C) float32, filled in where `known` (H, W) in [0, 1] is below 1; black where nothing is known."""
    height, width, _ = picture.shape
    share = known[..., None]
    if min(height, width) == 1 or (known >= 1).all():
        mean = (picture * share).sum(axis=(0, 1)) / max(float(known.sum()), 1e-6)
        return picture * share + mean * (1 - share)
    smaller, weight = _halved(picture * share), _halved(share)
    mean = smaller / np.maximum(weight, 1e-6)
    below = filled(mean, np.minimum(4 * weight[..., 0], 1))
    result = picture * share + _doubled(below)[:height, :width] * (1 - share)
    for _ in range(SMOOTHED):
        beside = np.pad(result, ((1, 1), (1, 1), (0, 0)), mode="edge")
        mean = (beside[:-2, 1:-1] + beside[2:, 1:-1] + beside[1:-1, :-2] + beside[1:-1, 2:]) / 4
        result = result * share + mean * (1 - share)
    return result


def _halved(picture: Pixels) -> Pixels:
    """The means of squares of two by two pixels; what is off the picture counts as nothing."""
    height, width, channels = picture.shape
    padded = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)))
    return padded.reshape((height + 1) // 2, 2, (width + 1) // 2, 2, channels).mean(axis=(1, 3), dtype=np.float32)


def _doubled(picture: Pixels) -> Pixels:
    """Twice the size, with smooth steps."""
    for axis in (0, 1):
        here = picture if axis == 0 else picture.swapaxes(0, 1)
        before, after = (np.concatenate(pair) for pair in ((here[:1], here[:-1]), (here[1:], here[-1:])))
        wide = np.empty((2 * len(here), *here.shape[1:]), np.float32)
        wide[0::2], wide[1::2] = 0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after
        picture = wide if axis == 0 else wide.swapaxes(0, 1)
    return picture
