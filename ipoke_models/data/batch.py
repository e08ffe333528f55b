"""A batch of clips as tensors, and what an autoencoder reads of it. Knows no files and no way of making clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AutoencoderConfig, MotionInput
from ..networks.autoencoder import flow_motion_input

FLOW_STRIDE = 2
"""The motion encoder's flow is kept at half of the working resolution."""


@dataclass(frozen=True)
class Batch:
    """A batch of clips as tensors.

    frames: (B, T+1, 3, S, S) in [-1, 1]; motion: (B, T, 2, S/2, S/2) forward flow from x0 in px of S;
    backward: (B, T, 2, S, S) px; visible: (B, T, 1, S, S) in {0, 1}; poke_flow: (B, 2, S, S) forward flow x0 -> x_T.
    foreground: (B, 1, S, S) in {0, 1}, what pokes keep to; None in stores that know no foreground.
    thing: (B, 1, S, S) in [0, 1], the object that moves; None in stores that don't know it.
    estimated: (B,) in {0, 1}, whose flow is an estimate, as that of footage is.
    """

    frames: Tensor
    motion: Tensor
    backward: Tensor
    visible: Tensor
    poke_flow: Tensor
    estimated: Tensor
    foreground: Tensor | None = None
    thing: Tensor | None = None


def motion_input(batch: Batch, config: AutoencoderConfig) -> Tensor:
    """What this autoencoder's encoder reads of a batch, (B, T+1, C, S, S)."""
    if config.motion_input is MotionInput.FRAMES:
        return batch.frames
    if config.motion_stride == FLOW_STRIDE:
        return flow_motion_input(batch.frames[:, 0], batch.motion, config.flow_scale_px)
    flows, side_px = batch.motion.flatten(0, 1), config.size_px // config.motion_stride
    if config.motion_stride < FLOW_STRIDE:
        flows = F.interpolate(flows, side_px, mode="bilinear", align_corners=False)
    else:
        flows = F.adaptive_avg_pool2d(flows, side_px)
    return flow_motion_input(batch.frames[:, 0], flows.view(*batch.motion.shape[:2], *flows.shape[1:]), config.flow_scale_px)


def join_batches(batches: Sequence[Batch]) -> Batch:
    """One batch of several, on the device of the first; a foreground or thing that only some know is everywhere in the others."""
    device = batches[0].frames.device
    for mask in ("foreground", "thing"):
        if any(getattr(batch, mask) is not None for batch in batches):
            batches = [
                replace(batch, **{mask: torch.ones_like(batch.poke_flow[:, :1])}) if getattr(batch, mask) is None else batch
                for batch in batches
            ]
    return Batch(*(_joined([getattr(batch, field.name) for batch in batches], device) for field in fields(Batch)))


def _joined(parts: Sequence[Tensor | None], device: torch.device) -> Any:
    there = [part.to(device) for part in parts if part is not None]
    return torch.cat(there) if there else None
