"""What a model that sees the thing is shown of a clip: the mask of what moves, and pins where it holds."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import DecoderConfig
from ..sampling.pokes import paint_pokes
from .batch import FLOW_STRIDE, Batch

PINNED_SHARE = 0.35
"""Of the clips; the others say nothing of where they hold."""
MOST_PINS = 3
STILL_PX = 0.25
"""A pin is drawn where the thing goes no farther than this in the whole clip."""
_INSIDE = 0.75
_NOWHERE = -(2**16)


def mask_of(batch: Batch) -> Tensor:
    """The mask of the thing, (B, 1, S, S) in [0, 1]; everywhere where a store knows of none."""
    return torch.ones_like(batch.poke_flow[:, :1]) if batch.thing is None else batch.thing


def shown_thing(batch: Batch, rng: np.random.Generator, count: int, part: slice, window_px: int) -> Tensor:
    """Mask and pins of the thing, (B, 2, S, S); the clips of `part` of the `count` that pins are drawn for."""
    mask = mask_of(batch)
    places = mask.shape[-1] // FLOW_STRIDE
    numbers = torch.from_numpy(np.where(rng.random(count) < PINNED_SHARE, rng.integers(1, MOST_PINS + 1, count), 0)[part])
    order = torch.from_numpy(rng.random((count, places**2), dtype=np.float32)[part])
    numbers, order = numbers.to(mask.device), order.to(mask.device)
    holds = (batch.motion.norm(dim=2).amax(dim=1) < STILL_PX) & (F.avg_pool2d(mask, FLOW_STRIDE)[:, 0] > _INSIDE)
    chosen, where = torch.where(holds.flatten(1), order, -1.0).topk(MOST_PINS, dim=1)
    unused = (chosen < 0) | (torch.arange(MOST_PINS, device=mask.device) >= numbers[:, None])
    tails = torch.stack((where // places, where % places), dim=-1) * FLOW_STRIDE
    pins = paint_pokes(
        tails.masked_fill(unused[..., None], _NOWHERE), torch.ones_like(tails, dtype=mask.dtype), mask.shape[-1], window_px
    )
    return torch.cat((mask, pins[:, :1]), dim=1)


def shift_of(batch: Batch) -> tuple[Tensor, Tensor]:
    """How far the places of the thing go, (B, T, 2, S/2, S/2) px of S, and how much of each is the thing's, (B, 1, 1, S/2, S/2).

    The stores' flow is a mean over places of which those beside the thing stand still.
    """
    cover = F.avg_pool2d(mask_of(batch), FLOW_STRIDE)[:, None]
    return batch.motion / cover.clamp_min(0.25), torch.where(cover >= 0.5, cover, 0.0)


def seen_still(batch: Batch, decoder: DecoderConfig) -> Tensor:
    """What the decoder sees of the stills, (B, 3 or 4, S, S)."""
    return seen_with(batch.frames[:, 0], mask_of(batch) if decoder.sees_thing else None)


def seen_with(x0: Tensor, thing: Tensor | None) -> Tensor:
    """x0 (B, 3, S, S), and after it the mask where there is a thing, whose first channel that is."""
    return x0 if thing is None else torch.cat((x0, thing[:, :1]), dim=1)
