"""What one clip scores in each column: control, likeness to the truth, and diversity among variants."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..metrics.estimates import Values
from ..metrics.lpips import Features, Lpips
from ..metrics.measures import motion_between, pairs, psnr, structural_similarity, tracked
from . import columns
from .columns import Column
from .examples import Example

LEAST_NEIGHBOUR_PX = 20
"""Pixels that an object standing still must show, away from all that moves, for a leak onto it to be measured."""
Scores = dict[Column, Values]
"""A value (V,) for each variant, or (1,) for all of them; NaN where there is nothing to measure."""


def control(example: Example, clips: Tensor) -> Scores:
    """Does what is poked go where the arrow points, and does the rest stay? Of clips (V, T, 3, S, S).

    The poked places are tracked by DIS from frame to frame; what should stand still is compared with the still.
    """
    scored = [_control(example, torch.cat((example.x0[None], clip))) for clip in clips]
    return {column: np.array([scores[column] for scores in scored]) for column in scored[0]}


def _control(example: Example, clip: Tensor) -> dict[Column, float]:
    motions = tracked(clip, example.places)
    lengths = np.linalg.norm(example.shifts, axis=1)
    errors_px = np.linalg.norm(motions - example.shifts, axis=1)
    amplitude = np.linalg.norm(motion_between(clip[0], clip[-1]), axis=-1)
    seen = example.neighbour.sum() >= LEAST_NEIGHBOUR_PX
    return {
        columns.TIP_PERCENT: 100 * float((errors_px / lengths).mean()),
        columns.TIP_PX: float(errors_px.mean()),
        columns.RIGHT_WAY: 100 * float(((motions * example.shifts).sum(axis=1) > 0).mean()),
        columns.DRIFT: float(amplitude[example.background].mean()) if example.background.any() else np.nan,
        columns.LEAK: 100 * float(amplitude[example.neighbour].mean() / lengths.mean()) if seen else np.nan,
    }


class Likeness:
    """Compares the clips of one example with its truth, and its variants with each other."""

    def __init__(self, example: Example, lpips: Lpips | None) -> None:
        self._truth, self._lpips = example.clip[1:], lpips
        self._features = lpips.features(self._truth) if lpips else None

    @torch.inference_mode()
    def scores(self, clips: Tensor) -> Scores:
        """Of clips (V, T, 3, S, S): means over frames."""
        frames, truth = clips.flatten(0, 1), self._truth.repeat(len(clips), 1, 1, 1)
        ssim = structural_similarity(frames, truth).view(len(clips), -1).mean(dim=1)
        found = {
            columns.SSIM: ssim.double().numpy(),
            columns.PSNR: np.array([np.mean([psnr(*pair) for pair in zip(clip, self._truth, strict=True)]) for clip in clips]),
        }
        variants = [self._lpips.features(clip) for clip in clips] if self._lpips else []
        if self._lpips and self._features:
            found[columns.LPIPS] = np.array([_mean(self._lpips, features, self._features) for features in variants])
        return found | (self._diversity(clips, variants) if len(clips) > 1 else {})

    def _diversity(self, clips: Tensor, variants: list[Features]) -> Scores:
        differences = [clips[i] - clips[j] for i, j in pairs(len(clips))]
        found = {
            columns.DIVERSITY_MSE: np.array([np.mean([float(difference.square().mean()) for difference in differences])]),
            columns.DIVERSITY_LEVELS: np.array([127.5 * np.mean([float(difference.abs().mean()) for difference in differences])]),
        }
        if self._lpips:
            distances = [_mean(self._lpips, variants[i], variants[j]) for i, j in pairs(len(clips))]
            found[columns.DIVERSITY_LPIPS] = np.array([np.mean(distances)])
        return found


def _mean(lpips: Lpips, first: Features, second: Features) -> float:
    return float(lpips.between(first, second).mean())
