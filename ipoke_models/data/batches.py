"""Batches for training: clips drawn by (seed, step), half of them mirrored, those of augmented stores varied further."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..records import map_tensors
from .augmentation import change, random_changes
from .batch import Batch
from .store import ClipStore


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
        thing=None if batch.thing is None else _flip(batch.thing, which),
    )


def _flip(field: Tensor, which: Tensor) -> Tensor:
    return torch.where(which.view(-1, *([1] * (field.ndim - 1))), field.flip(-1), field)


def _flip_flow(field: Tensor, which: Tensor) -> Tensor:
    mirrored = field.flip(-1).clone()
    mirrored[..., 0, :, :] *= -1
    return torch.where(which.view(-1, *([1] * (field.ndim - 1))), mirrored, field)
