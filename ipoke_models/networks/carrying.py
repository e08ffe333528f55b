"""A still whose thing is carried to where its places go: a sketch, for those who look at the model's own frames.

What the artist gets is made of the plate's own pixels by the body (`backend/plate/`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_FINER = 2
"""Places laid down along each side of a pixel, so that what is stretched shows no holes."""
_LEAST_COVERAGE = 0.05


@torch.no_grad()
def carried(x0: Tensor, mask: Tensor, shift: Tensor) -> Tensor:
    """x0 (B, 3, S, S) with what the mask (B, 1, S, S) shows moved by `shift` (B, 2, s, s) px of S, before what lies around it."""
    size_px = x0.shape[-1]
    shift = shift.nan_to_num().clamp(-size_px, size_px)
    alpha, places = (mask > 0.5).to(x0.dtype), _within(shift, mask, size_px)
    layer = _laid_down(torch.cat((x0 * alpha, alpha), dim=1), places)
    cover = layer[:, 3:].clamp(max=1)
    return torch.lerp(_behind(x0, 1 - alpha), layer[:, :3] / layer[:, 3:].clamp_min(_LEAST_COVERAGE), cover)


def _within(shift: Tensor, mask: Tensor, size_px: int) -> Tensor:
    """The shift at each of S x S places, from what is said inside the mask alone: (B, 2, S, S) px."""
    inside = F.adaptive_avg_pool2d(mask, shift.shape[-1])
    both = F.interpolate(torch.cat((shift * inside, inside), dim=1), size=size_px, mode="bilinear", align_corners=False)
    return both[:, :2] / both[:, 2:].clamp_min(1e-6)


def _laid_down(values: Tensor, shift: Tensor) -> Tensor:
    """Values (B, C, S, S) laid down bilinearly where the shift (B, 2, S, S) px takes them."""
    batch, channels, size_px, _ = values.shape
    fine = _FINER * size_px
    values = F.interpolate(values, size=fine, mode="nearest").flatten(2) / _FINER**2
    axis = (torch.arange(fine, device=shift.device, dtype=shift.dtype) + 0.5) / _FINER - 0.5
    ends = F.interpolate(shift, size=fine, mode="bilinear", align_corners=False)
    x, y = (ends[:, 0] + axis).flatten(1), (ends[:, 1] + axis[:, None]).flatten(1)
    laid = values.new_zeros(batch, channels, size_px * size_px)
    for column, row in ((x.floor() + across, y.floor() + down) for across in (0, 1) for down in (0, 1)):
        share = (1 - (x - column).abs()) * (1 - (y - row).abs())
        share = share * ((column >= 0) & (column < size_px) & (row >= 0) & (row < size_px))
        place = row.clamp(0, size_px - 1).long() * size_px + column.clamp(0, size_px - 1).long()
        laid.scatter_add_(2, place[:, None].expand(-1, channels, -1), values * share[:, None])
    return laid.view(batch, channels, size_px, size_px)


def _behind(x0: Tensor, known: Tensor) -> Tensor:
    """x0 where it is known, (B, 1, S, S) in {0, 1}, else the mean of what is known around, the nearer the finer."""
    filled, missing, side = x0 * known, 1 - known, 1
    while side < x0.shape[-1]:
        side *= 2
        total, weight = (F.avg_pool2d(field, side) for field in (x0 * known, known))
        mean, there = (
            F.interpolate(field, size=x0.shape[-1], mode="nearest")
            for field in (total / weight.clamp_min(1e-6), (weight > 0).to(x0.dtype))
        )
        filled, missing = filled + missing * there * mean, missing * (1 - there)
    return filled
