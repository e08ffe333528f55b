"""What the clips of a row score as videos: FVD, and how fast they move. The first variant of each stands for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..metrics.distributions import (
    bin_width_px,
    earth_movers_distance,
    estimate_distance,
    estimate_drawn,
    frechet_distance,
    motion_histograms,
    video_features,
)
from ..metrics.estimates import Estimate, Values
from ..metrics.i3d import I3D
from ..metrics.measures import motion_between
from . import columns
from .columns import Column
from .contestants import TRUTH
from .examples import Example
from .scores import Scores


@dataclass
class _Collected:
    """Of one row, clip by clip."""

    features: list[Values] = field(default_factory=list)
    speeds: list[Values] = field(default_factory=list)
    accelerations: list[Values] = field(default_factory=list)


class VideoScores:
    """Gathers `count` clips of every row, the truth's first, and sums them up at the end."""

    def __init__(self, i3d: I3D | None, size_px: int, count: int) -> None:
        self._i3d, self._bin_px, self._count = i3d, bin_width_px(size_px), count
        self._rows: dict[str, _Collected] = {}

    def add(self, row: str, example: Example, clips: Tensor) -> Scores:
        """Take in a row's clips (V, T, 3, S, S) of one example; returns what they score by themselves. Enough is enough."""
        collected = self._rows.setdefault(row, _Collected())
        if len(collected.speeds) == self._count:
            return {}
        clip = torch.cat([example.clip[:1], clips[0]])
        speeds, accelerations, mean_speed = motion_histograms(clip)
        collected.speeds.append(speeds)
        collected.accelerations.append(accelerations)
        jump = float(np.linalg.norm(motion_between(clip[-1], clip[0]), axis=-1).mean())
        scores = {
            columns.MEAN_SPEED: np.array([mean_speed]),
            columns.SEAM: np.array([jump / mean_speed if mean_speed > 0 else np.nan]),
        }
        if self._i3d is not None:
            collected.features.append(video_features(self._i3d, clip[None])[0])
            if row != TRUTH:
                apart = collected.features[-1] - self._rows[TRUTH].features[-1]
                scores[columns.I3D_DISTANCE] = np.array([float(np.linalg.norm(apart))])
        return scores

    def summed_up(self, row: str) -> Iterator[tuple[Column, Estimate]]:
        """Distances between all clips of a row and their truths."""
        ours, truth = self._rows[row], self._rows[TRUTH]
        if row == TRUTH or len(truth.speeds) < 2:
            return
        if truth.features:
            yield columns.FVD, estimate_distance(np.stack(ours.features), np.stack(truth.features), frechet_distance)
        for column, mine, true in (
            (columns.SPEED, ours.speeds, truth.speeds),
            (columns.ACCELERATION, ours.accelerations, truth.accelerations),
        ):
            yield column, estimate_distance(np.stack(mine), np.stack(true), earth_movers_distance).scaled(self._bin_px)

    def fvd_beyond(self, row: str, other: str) -> Estimate:
        """How much larger a row's FVD is than another's; draws of the bootstrap show both of them the same clips."""
        ours, theirs, truth = (np.stack(self._rows[name].features) for name in (row, other, TRUTH))

        def difference(clips: NDArray[np.int64]) -> float:
            return frechet_distance(ours[clips], truth[clips]) - frechet_distance(theirs[clips], truth[clips])

        return estimate_drawn(difference, len(truth))
