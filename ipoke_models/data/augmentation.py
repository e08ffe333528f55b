"""Augmentation of clips: colour jitter and a small turn and shift, alike for all frames of a clip, as in the paper's release.

Two things differ from it: flow vectors turn with the picture (the release warped flow maps but left the vectors as they
were, so that a turned clip's pokes pointed the wrong way), and where the picture is continued by reflection the vectors are
reflected too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .batch import Batch

SHARE = 0.8
"""Probability of a change of colour, and of one of geometry."""
BRIGHTNESS, CONTRAST, SATURATION = 0.4, 0.5, 0.4
HUE = (-0.15, 0.30)
"""In turns of the colour circle."""
LARGEST_ANGLE = np.pi / 12
LARGEST_SHIFT = 0.05

_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])


@dataclass(frozen=True)
class Changes:
    """What happens to B clips: colour (B, 3, 3) and offset (B, 3) act on RGB in [-1, 1]; angle (B,) in radians, positive turning
    x towards y; shift (B, 2) as (x, y) in fractions of the side."""

    colour: Tensor
    offset: Tensor
    angle: Tensor
    shift: Tensor


def random_changes(rng: np.random.Generator, count: int, part: slice = slice(None)) -> Changes:
    """Draw what happens to `count` clips; that of those of `part`."""
    recoloured, moved = rng.random((2, count)) < SHARE
    matrix, offset = _colours(rng, count)
    matrix[~recoloured], offset[~recoloured] = np.eye(3), 0
    angle = rng.uniform(-LARGEST_ANGLE, LARGEST_ANGLE, count) * moved
    shift = rng.uniform(-LARGEST_SHIFT, LARGEST_SHIFT, (count, 2)) * moved[:, None]
    return Changes(*(torch.from_numpy(field[part].astype(np.float32)) for field in (matrix, offset, angle, shift)))


def change(batch: Batch, changes: Changes) -> Batch:
    """Apply the changes to clips and their flow."""
    grids: dict[int, Tensor] = {}

    def moved(field: Tensor, mode: str = "bilinear") -> Tensor:
        return _sample(field, grids.setdefault(field.shape[-1], _grid(changes, field.shape[-1])), mode)

    def moved_flow(field: Tensor) -> Tensor:
        grid = grids.setdefault(field.shape[-1], _grid(changes, field.shape[-1]))
        return _turn(_sample(field, grid, "bilinear"), grid, changes.angle)

    return replace(
        batch,
        frames=_recoloured(moved(batch.frames, "bicubic"), changes),
        motion=moved_flow(batch.motion),
        backward=moved_flow(batch.backward),
        visible=moved(batch.visible, "nearest"),
        poke_flow=moved_flow(batch.poke_flow),
        foreground=None if batch.foreground is None else moved(batch.foreground, "nearest"),
        thing=None if batch.thing is None else moved(batch.thing),
    )


def _colours(rng: np.random.Generator, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Brightness, contrast about mid grey, saturation and hue as affine maps of RGB in [-1, 1], (N, 3, 3) and (N, 3)."""
    brightness, contrast, saturation = (1 + rng.uniform(-most, most, count) for most in (BRIGHTNESS, CONTRAST, SATURATION))
    turn = 2 * np.pi * rng.uniform(*HUE, count)
    middle = np.tile(np.eye(3), (count, 1, 1))
    middle[:, 1, 1] = middle[:, 2, 2] = saturation * np.cos(turn)
    middle[:, 2, 1] = saturation * np.sin(turn)
    middle[:, 1, 2] = -middle[:, 2, 1]
    matrix = (brightness * contrast)[:, None, None] * (np.linalg.inv(_TO_YIQ) @ middle @ _TO_YIQ)
    # Brightness scales values in [0, 1]; in [-1, 1] that moves the middle.
    return matrix, np.repeat(((brightness - 1) * contrast)[:, None], 3, axis=1)


def _recoloured(frames: Tensor, changes: Changes) -> Tensor:
    mixed = changes.colour[:, None] @ frames.flatten(-2) + changes.offset[:, None, :, None]
    return mixed.clamp_(-1, 1).view_as(frames)


def _grid(changes: Changes, size_px: int) -> Tensor:
    """Where each place of the result comes from, (B, S, S, 2) with the picture in [-1, 1]."""
    cos, sin = torch.cos(changes.angle), torch.sin(changes.angle)
    back = torch.stack((torch.stack((cos, sin), -1), torch.stack((-sin, cos), -1)), -2)
    offset = -(back @ (2 * changes.shift)[..., None])
    return F.affine_grid(torch.cat((back, offset), -1), [len(back), 1, size_px, size_px], align_corners=False)


def _sample(field: Tensor, grid: Tensor, mode: str) -> Tensor:
    """(B, ..., C, S, S) read at the grid, continued by reflection."""
    flat = field.reshape(len(field), -1, *field.shape[-2:])
    return F.grid_sample(flat, grid, mode=mode, padding_mode="reflection", align_corners=False).view_as(field)


def _turn(flow: Tensor, grid: Tensor, angle: Tensor) -> Tensor:
    """Turn vectors (B, ..., 2, S, S) as their clips turn, after reflecting those that were read beyond the border."""
    one = (-1, *([1] * (flow.ndim - 4)), *flow.shape[-2:])
    x_sign, y_sign = (torch.where(grid[..., axis].abs() > 1, -1.0, 1.0).view(one) for axis in (0, 1))
    x, y = flow[..., 0, :, :] * x_sign, flow[..., 1, :, :] * y_sign
    cos, sin = (value.view(-1, *([1] * (flow.ndim - 2))) for value in (torch.cos(angle), torch.sin(angle)))
    return torch.stack((cos * x - sin * y, sin * x + cos * y), dim=-3)
