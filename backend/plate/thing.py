"""Owns what a cut-out says of the thing that is poked: by its alpha, the parts that the tails stand on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import Field, Pixels, PlateImage

THING_LEAST = 0.05
"""Of a mask of a thing; where it is less, nothing moves."""

_CUT_OUT_SHARE, _TRANSPARENT = 0.05, 0.02  # the share of a cut-out that is transparent, and how little alpha that is

Tails = NDArray[np.float64]


def is_cut_out(alpha: Pixels, peak: float) -> bool:
    """Whether alpha (H, W) with full alpha `peak` leaves a good part of the picture transparent."""
    return bool((alpha <= _TRANSPARENT * peak).mean() > _CUT_OUT_SHARE)


def thing_of_alpha(plate: PlateImage, tails: Tails) -> Field | None:
    """(H, W) in [0, 1]: the parts of a cut-out's alpha that tails (N, 2), in fractions of the plate, stand on or nearest to.

    None for a plate without alpha, and for one that is hardly transparent anywhere.
    """
    if plate.alpha is None or not is_cut_out(plate.alpha, plate.peak):
        return None
    alpha = np.clip(plate.alpha.astype(np.float32) * np.float32(1 / plate.peak), 0, 1)
    _, parts = cv2.connectedComponents((alpha > THING_LEAST).astype(np.uint8))
    rows, columns = np.nonzero(parts)
    if not len(rows):
        return None
    nearest = [np.hypot(columns + 0.5 - x, rows + 0.5 - y).argmin() for x, y in tails * alpha.shape[::-1]]
    below = parts[rows[nearest], columns[nearest]]
    # Soft edges below the threshold belong to the part that they touch.
    near = cv2.dilate(np.isin(parts, below).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return np.where(near & ((parts == 0) | np.isin(parts, below)), alpha, np.float32(0))
