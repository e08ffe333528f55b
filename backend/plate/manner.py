"""How a body gives way in a variant, beyond where the model moves it: read from the variant's residual kinematics.

A poke has many outcomes, and a model that moves a patch around the tail says little of what the rest does: whether the thing
slides or stands firm, bends near the arrow or far from it, turns one way or the other. So each of these is a number of the draw
itself, a mean over the residual r that is N(0, 1) as r is N(0, I). Whatever holds of r then holds of it: the same seed gives the
same, a variant near another is alike, kinematics carry it to another still, and mirrored ones mirror it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST = 2.0  # standard deviations


@dataclass(frozen=True)
class Manner:
    """Three numbers, each N(0, 1) but for its tails over all variants.

    firm: how firmly the thing stands, where it does not leave the picture. stiff: how much stiffer it is near the arrows than far
    from them. turn: how far it turns about them, clockwise.
    """

    firm: float = 0.0
    stiff: float = 0.0
    turn: float = 0.0

    @classmethod
    def of(cls, residual: NDArray[np.float32] | None) -> Manner:
        """The manner of a residual (C, 8, 8) that is N(0, I) over variants; the usual one without it."""
        if residual is None:
            return cls()
        channels, rows, columns = np.indices(residual.shape)
        lines = 1 - 2 * (rows % 2)  # what all places share is the clip's, not the draw's
        sides = np.where(columns < residual.shape[2] / 2, -1, 1)
        firm, stiff = (_mean(residual, lines * (channels % 2 == parity)) for parity in (0, 1))
        return cls(firm, stiff, _mean(residual, lines * sides))


def _mean(residual: NDArray[np.float32], pattern: NDArray[np.intp]) -> float:
    return float(np.clip((residual * pattern).sum() / np.sqrt(np.abs(pattern).sum()), -_MOST, _MOST))
