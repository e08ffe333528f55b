"""Measures of control, spread and fidelity on one clip; lengths in pixels of the working resolution."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..data.optical_flow import dis_flow, to_bytes
from ..decoder import warp

TRACK_RADIUS_PX = 1
BACKGROUND_MARGIN_PX = 4


def tracked_motion(x0: Tensor, frame: Tensor, place: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """DIS flow from x0 to a frame, (S, S, 2) px, and the motion (2,) of the point at (row, column): median of 3 x 3."""
    flow = dis_flow(to_bytes(x0), to_bytes(frame))
    row, column = place
    window = flow[
        max(0, row - TRACK_RADIUS_PX) : row + TRACK_RADIUS_PX + 1, max(0, column - TRACK_RADIUS_PX) : column + TRACK_RADIUS_PX + 1
    ]
    return flow, np.median(window.reshape(-1, 2), axis=0).astype(np.float32)


def background_of(poke_flow: Tensor) -> NDArray[np.bool_]:
    """Pixels (S, S) of x0 that stand still in the true clip, a few pixels away from all that moves."""
    moving = (poke_flow.norm(dim=0) > 0.05).numpy().astype(np.uint8)
    kernel = np.ones((2 * BACKGROUND_MARGIN_PX + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(moving, kernel) == 0)


def sparse_warp(x0: Tensor, place: tuple[int, int], shift: Tensor, frames: int, radius_px: float = 8.0) -> Tensor:
    """Baseline: each poke drags its Gaussian neighbourhood, growing linearly in time. (T, 3, S, S).

    After Hao et al. 2018, where the warp of a sparse arrow is fixed instead of learned.
    """
    size_px = x0.shape[-1]
    rows, columns = torch.meshgrid(torch.arange(size_px), torch.arange(size_px), indexing="ij")
    tip_row, tip_column = place[0] + shift[1], place[1] + shift[0]
    weight = torch.exp(-((rows - tip_row) ** 2 + (columns - tip_column) ** 2) / (2 * radius_px**2))
    times = torch.arange(1, frames + 1).view(-1, 1, 1, 1) / frames
    return warp(x0.expand(frames, -1, -1, -1), -times * weight * shift.view(1, 2, 1, 1))


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures in [-1, 1]."""
    return float(10 * torch.log10(4 / F.mse_loss(a, b).clamp_min(1e-10)))


def variant_spread(clips: Tensor) -> float:
    """Mean absolute difference between variants (n, T, 3, S, S) over all pairs, in 8-bit levels."""
    pairs = [(clips[i] - clips[j]).abs().mean() for i in range(len(clips)) for j in range(i)]
    return float(torch.stack(pairs).mean()) * 127.5


def bootstrap_median(values: NDArray[np.float64], rounds: int = 1000) -> tuple[float, float, float]:
    """Median and its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(values, (rounds, len(values))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(np.median(values)), float(low), float(high)
