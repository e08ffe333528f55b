"""Baselines that no network takes part in."""

from __future__ import annotations

import torch
from torch import Tensor

from ..networks.decoder import warp

RADIUS_SHARE = 1 / 8
"""Deviation of the Gaussian around each poke, as a share of the still's side."""


def sparse_warp(x0: Tensor, places: Tensor, shifts: Tensor, frames: int) -> Tensor:
    """Each poke drags its Gaussian neighbourhood along, evenly in time: (T, 3, S, S) from x0 (3, S, S).

    In the manner of Hao et al. (CVPR 2018), with a fixed warp instead of a learned one; where the neighbourhoods of several
    pokes overlap, their shifts are averaged. places: (N, 2) as (row, column); shifts: (N, 2) px as (x, y).
    """
    size_px = x0.shape[-1]
    axis = torch.arange(size_px, dtype=torch.float32)
    times = torch.arange(1, frames + 1).view(-1, 1, 1) / frames
    centres = places[None] + times * shifts.flip(-1)[None]
    squares = (axis.view(1, 1, -1, 1) - centres[..., 0, None, None]) ** 2 + (axis - centres[..., 1, None, None]) ** 2
    weights = torch.exp(-squares / (2 * (RADIUS_SHARE * size_px) ** 2))
    drag = torch.einsum("tnhw,nc->tchw", weights, shifts) / weights.sum(dim=1, keepdim=True).clamp_min(1)
    return warp(x0.expand(frames, -1, -1, -1), -times[..., None] * drag)
