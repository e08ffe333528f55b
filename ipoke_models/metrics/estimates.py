"""Numbers with their 95 % bootstrap interval. Clips are drawn, not variants: those of one clip are alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 1000
_RANGE = (0.025, 0.975)
Values = NDArray[np.float64]
Statistic = Callable[..., Values]


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its interval."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


def estimate(values: Values, statistic: Statistic = np.nanmean) -> Estimate | None:
    """A statistic of all values (clips, variants); NaN is what could not be measured, and None comes of nothing else."""
    values = values[~np.isnan(values).all(axis=1)]
    if not len(values):
        return None
    drawn = np.random.default_rng(0).integers(len(values), size=(ROUNDS, len(values)))
    low, high = np.quantile(statistic(values[drawn].reshape(ROUNDS, -1), axis=1), _RANGE)
    return Estimate(float(statistic(values)), float(low), float(high))
