"""Owns what a cut-out says of the thing that is poked: by its alpha, the parts that the tails stand on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ipoke_values.names import CUT_OUT_ALPHA, CUT_OUT_SHARE, THING_LEAST

from .image import Field, Pixels, PlateImage
from .parts import parts_below

Tails = NDArray[np.float64]


def is_cut_out(alpha: Pixels, peak: float) -> bool:
    """Whether alpha (H, W) with full alpha `peak` leaves a good part of the picture transparent."""
    return bool((alpha <= CUT_OUT_ALPHA * peak).mean() > CUT_OUT_SHARE)


def says_what_the_thing_is(plate: PlateImage) -> bool:
    """Whether a plate's alpha tells a thing from the rest."""
    return plate.alpha is not None and is_cut_out(plate.alpha, plate.peak)


def alpha_of(plate: PlateImage) -> Field:
    """(H, W) in [0, 1] of a plate that has alpha."""
    assert plate.alpha is not None
    return np.clip(plate.alpha.astype(np.float32) * np.float32(1 / plate.peak), 0, 1)


def thing_of_alpha(plate: PlateImage, tails: Tails) -> Field | None:
    """(H, W) in [0, 1]: the parts of a cut-out's alpha that tails (N, 2), in fractions of the plate, stand on or nearest to.

    None for a plate without alpha, and for one that is hardly transparent anywhere.
    """
    if not says_what_the_thing_is(plate):
        return None
    alpha = alpha_of(plate)
    parts, found = parts_below(alpha, THING_LEAST, tails, reach_px=sum(alpha.shape))
    return parts if found.any() else None
