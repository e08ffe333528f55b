"""Batches for training: clips drawn by (seed, step), half of them mirrored, those of augmented stores varied further."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..autoencoder import flow_motion_input
from ..config import AutoencoderConfig, MotionInput
from ..records import map_tensors
from .augmentation import change, random_changes
from .store import FLOW_STRIDE, Batch, ClipStore


def draw(store: ClipStore, rng: np.random.Generator, count: int, part: slice = slice(None)) -> Batch:
    """Random clips, each mirrored with probability one half; of `count` drawn, only those of `part` are read."""
    chosen, mirrored = store.choose(rng, count), rng.random(count) < 0.5
    changes = random_changes(rng, count, part) if store.augmented else None
    batch = store.batch(chosen[part])
    device = batch.frames.device
    batch = mirror(batch, torch.from_numpy(mirrored[part]).to(device))
    return batch if changes is None else change(batch, map_tensors(changes, lambda tensor: tensor.to(device)))


def mirror(batch: Batch, which: Tensor) -> Batch:
    """Flip the clips where `which` (B,) bool says so left to right, flow included."""
    return replace(
        batch,
        frames=_flip(batch.frames, which),
        visible=_flip(batch.visible, which),
        motion=_flip_flow(batch.motion, which),
        backward=_flip_flow(batch.backward, which),
        poke_flow=_flip_flow(batch.poke_flow, which),
        foreground=None if batch.foreground is None else _flip(batch.foreground, which),
    )


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


def _flip(field: Tensor, which: Tensor) -> Tensor:
    return torch.where(which.view(-1, *([1] * (field.ndim - 1))), field.flip(-1), field)


def _flip_flow(field: Tensor, which: Tensor) -> Tensor:
    mirrored = field.flip(-1).clone()
    mirrored[..., 0, :, :] *= -1
    return torch.where(which.view(-1, *([1] * (field.ndim - 1))), mirrored, field)
