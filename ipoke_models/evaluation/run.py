"""Runs the contestants over the clips and sums up what they score."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.store import ClipStore
from ..metrics.estimates import Estimate, estimate
from ..metrics.i3d import I3D
from ..metrics.lpips import Lpips
from . import columns
from .columns import Column
from .contestants import TRUTH, WARP, Contestants
from .examples import Example, examples
from .progress import tracked
from .report import Report
from .scores import Likeness, Scores, control
from .video_scores import VideoScores


@dataclass(frozen=True)
class Metrics:
    """What to measure with beside what needs no network; motion and, with I3D, FVD of the first `videos` clips."""

    lpips: Lpips | None = None
    i3d: I3D | None = None
    videos: int = 0
    left_out: tuple[str, ...] = ()
    """A sentence for each metric that is missing."""


@torch.inference_mode()
def evaluate(contestants: Contestants, store: ClipStore, count: int, seed: int, metrics: Metrics) -> Report:
    """Measure all rows on the first `count` clips of a store that can be poked."""
    started, clips = time.monotonic(), 0
    sheet = _Sheet(metrics, store.info.size_px)
    for clips, example in enumerate(tracked(examples(store, count, seed), min(count, len(store)), "clip"), start=1):
        sheet.add(TRUTH, example, example.clip[None, 1:])
        for row, made in contestants.clips(example, seed + clips - 1).items():
            sheet.add(row, example, made)
    for column, ahead in ((columns.LPIPS, columns.AHEAD_LPIPS), (columns.I3D_DISTANCE, columns.AHEAD_I3D)):
        sheet.compare(column, WARP, ahead)
    return Report(sheet.rows(), clips, min(clips, metrics.videos), metrics.left_out, time.monotonic() - started)


class _Sheet:
    """Collects scores, by row and column, clip by clip."""

    def __init__(self, metrics: Metrics, size_px: int) -> None:
        self._metrics = metrics
        self._videos = VideoScores(metrics.i3d, size_px, metrics.videos)
        self._likeness: Likeness | None = None
        self._scores: dict[str, list[Scores]] = {}

    def add(self, row: str, example: Example, clips: Tensor) -> None:
        """Score a row's clips (V, T, 3, S, S) of an example, whose truth comes before the others."""
        scores = control(example, clips)
        if row == TRUTH:
            self._likeness = Likeness(example, self._metrics.lpips)
        elif self._likeness is not None:
            scores |= self._likeness.scores(clips)
        scores |= self._videos.add(row, example, clips)
        self._scores.setdefault(row, []).append(scores)

    def compare(self, column: Column, baseline: str, ahead: Column) -> None:
        """Fill the column `ahead` with where a row's mean lies below that of the baseline, clip by clip."""
        for row, scored in self._scores.items():
            for scores, others in zip(scored, self._scores[baseline], strict=True):
                if row != baseline and column in scores:
                    scores[ahead] = np.array([100.0 * (scores[column].mean() < others[column].mean())])

    def rows(self) -> dict[str, dict[Column, Estimate]]:
        """The rows summed up, the truth last."""
        names = [name for name in self._scores if name != TRUTH] + [TRUTH]
        return {name: dict(self._summed_up(name)) for name in names if name in self._scores}

    def _summed_up(self, row: str) -> Iterator[tuple[Column, Estimate]]:
        scored = self._scores[row]
        for column in scored[0]:
            values = np.stack([scores[column] for scores in scored if column in scores])
            if (cell := estimate(values, column.statistic)) is not None:
                yield column, cell
        yield from self._videos.summed_up(row)
