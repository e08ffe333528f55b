"""Measures on clips: fidelity, spread, and what moved; lengths in pixels of the working resolution."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..data.optical_flow import dis_flow, to_bytes

TRACK_RADIUS_PX = 1
_SSIM_WINDOW_PX = 7
_SSIM_K1, _SSIM_K2 = 0.01, 0.03
_RANGE = 2.0
"""Pictures lie in [-1, 1]."""


def motion_between(first: Tensor, second: Tensor) -> NDArray[np.float32]:
    """DIS flow from one picture (3, S, S) to another, (S, S, 2) px."""
    return dis_flow(to_bytes(first), to_bytes(second))


def motion_through(clip: Tensor) -> NDArray[np.float32]:
    """DIS flow from each frame of a clip (T+1, 3, S, S) to the next, (T, S, S, 2) px."""
    return np.stack([motion_between(*pair) for pair in zip(clip, clip[1:], strict=False)])


def tracked(clip: Tensor, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far the points at places (N, 2), as (row, column), of the first frame have moved by the last, (N, 2) px as (x, y).

    Followed by DIS from frame to frame of a clip (T+1, 3, S, S), each step the median of 3 x 3: straight from the still to the
    last frame DIS loses what moves farther than it is wide.
    """
    points = places.astype(np.float64)
    for flow in motion_through(clip):
        points += np.stack([_motion_at(flow, point)[::-1] for point in points])
    return (points - places)[:, ::-1]


def _motion_at(flow: NDArray[np.float32], point: NDArray[np.float64]) -> NDArray[np.float64]:
    row, column = np.clip(np.rint(point).astype(int), 0, len(flow) - 1)
    reach = TRACK_RADIUS_PX
    window = flow[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
    return np.median(window.reshape(-1, 2), axis=0).astype(np.float64)


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures in [-1, 1]."""
    return float(10 * torch.log10(_RANGE**2 / F.mse_loss(a, b).clamp_min(1e-10)))


def structural_similarity(a: Tensor, b: Tensor) -> Tensor:
    """SSIM (B,) of pictures (B, C, H, W) in [-1, 1], at most 1: the mean over channels and all whole windows.

    As scikit-image defines it by default: windows of 7 x 7, all weights alike, sample covariances.
    """

    def mean(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, _SSIM_WINDOW_PX, stride=1)

    count = _SSIM_WINDOW_PX**2
    mean_a, mean_b = mean(a), mean(b)
    unbiased = count / (count - 1)
    variance_a, variance_b = (unbiased * (mean(x * x) - m * m) for x, m in ((a, mean_a), (b, mean_b)))
    covariance = unbiased * (mean(a * b) - mean_a * mean_b)
    c1, c2 = (_SSIM_K1 * _RANGE) ** 2, (_SSIM_K2 * _RANGE) ** 2
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return (similarity / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))).mean(dim=(1, 2, 3))


def pairs(count: int) -> list[tuple[int, int]]:
    """All pairs of `count` variants; measures between them are symmetric, so each stands once."""
    return [(i, j) for i in range(count) for j in range(i)]
