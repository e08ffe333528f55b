"""Renders whole batches of procedural scenes in torch, on the device that trains: frames, and exact flow both ways.

Layers are painted in painter's order, those of the same depth of all scenes at once, each in a window of the picture that it
never leaves. All parameters and textures go to the device before the first layer is painted; nothing waits for it after that.
It agrees with the renderer in `procedural/clips.py` but for rounding (OpenCV interpolates at 32nds of a pixel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..batch import FLOW_STRIDE, Batch
from .clips import NO_LAYER, window_of
from .scenes import Layer, Scene
from .torch_motion import Motion, signature, stack

SMALLEST_WINDOW_PX = 8


@dataclass(frozen=True)
class RenderedBatch:
    """A batch as training reads it, and where x0 shows objects that stand still, (B, S, S) bool."""

    batch: Batch
    neighbour: Tensor


@dataclass(frozen=True)
class _Group:
    """N layers of one depth, one kind of motion and one size of window, W px.

    scenes (N,), rows (N, W), columns (N, W): where in the batch; textures (N, 4, h, w) lie from corners (N, 2) as (x, y) on.
    """

    scenes: Tensor
    rows: Tensor
    columns: Tensor
    textures: Tensor
    corners: Tensor
    depth: int
    motion: Motion

    def grid(self) -> Tensor:
        """Positions (N, W * W, 1, 2) of the window's pixels."""
        height, width = self.rows.shape[1], self.columns.shape[1]
        x = self.columns[:, None, :].expand(-1, height, -1)
        y = self.rows[:, :, None].expand(-1, -1, width)
        return torch.stack([x, y], dim=-1).flatten(1, 2)[:, :, None].float()

    def square(self, values: Tensor) -> Tensor:
        """Values (N, W * W, ...) of the window's pixels as (N, W, W, ...)."""
        return values.reshape(len(values), self.rows.shape[1], self.columns.shape[1], *values.shape[2:])

    def where(self) -> tuple[Tensor, Tensor, Tensor]:
        """Index of the window's pixels in fields (B, S, S, ...)."""
        return self.scenes[:, None, None], self.rows[:, :, None], self.columns[:, None, :]


@torch.no_grad()
def render_batch(scenes: Sequence[Scene], size_px: int, frames: int, device: torch.device) -> RenderedBatch:
    """Render B scenes at once."""
    groups = _groups(scenes, size_px, frames, device)
    background = torch.from_numpy(np.stack([scene.background for scene in scenes])).to(device)
    still, touched, things = _of_layers(scenes)
    times = frames + 1
    picture = background[:, :, :, None].repeat(1, 1, 1, times, 1)
    owner = torch.full(picture.shape[:4], NO_LAYER, dtype=torch.int64, device=device)
    backward = torch.zeros(*picture.shape[:4], 2, device=device)
    for group in groups:
        _paint(group, picture, owner, backward)
    start = owner[:, :, :, 0]
    forward = torch.zeros_like(backward[:, :, :, 1:])
    for group in groups:
        if group.motion.steps:
            _read_forward(group, start, forward)
    batch = Batch(
        ((picture.clamp(0, 1) * 255).round() / 127.5 - 1).permute(0, 3, 4, 1, 2).contiguous(),
        F.avg_pool2d(forward.permute(0, 3, 4, 1, 2).flatten(0, 1), FLOW_STRIDE).view(
            len(scenes), frames, 2, size_px // FLOW_STRIDE, -1
        ),
        backward[:, :, :, 1:].permute(0, 3, 4, 1, 2).contiguous(),
        _seen(start, owner[:, :, :, 1:], backward[:, :, :, 1:]).permute(0, 3, 1, 2)[:, :, None].float(),
        forward[:, :, :, -1].permute(0, 3, 1, 2).contiguous(),
        torch.zeros(len(scenes), device=device),
        _shown(touched, start)[:, None].float() if touched.any() else None,
        _shown(things, start)[:, None].float(),
    )
    return RenderedBatch(batch, _shown(still, start))


def _paint(group: _Group, picture: Tensor, owner: Tensor, backward: Tensor) -> None:
    times = picture.shape[3]
    grid = group.grid()
    later = group.motion.inverse(grid).expand(-1, -1, times - 1, -1)
    origin = torch.cat([grid, later], dim=2)
    texture = group.square(_sample(group.textures, origin - group.corners[:, None, None]))
    alpha, where = texture[..., 3:], group.where()
    front = alpha[..., 0] > 0.5
    picture[where] = texture[..., :3] + (1 - alpha) * picture[where]
    owner[where] = torch.where(front, group.depth, owner[where])
    flow = group.square(origin - grid)
    backward[where] = torch.where(front[..., None], flow, backward[where])


def _sample(textures: Tensor, places: Tensor) -> Tensor:
    """Textures (N, 4, h, w) read at places (N, P, T, 2) px, transparent outside: (N, P, T, 4)."""
    extent = torch.tensor([textures.shape[3] - 1, textures.shape[2] - 1], dtype=torch.float32, device=textures.device)
    read = F.grid_sample(textures, 2 * places / extent - 1, mode="bilinear", padding_mode="zeros", align_corners=True)
    return read.permute(0, 2, 3, 1)


def _read_forward(group: _Group, start: Tensor, forward: Tensor) -> None:
    grid, where = group.grid(), group.where()
    flow = group.square(group.motion.forward(grid) - grid)
    mine = (start[where] == group.depth)[..., None, None]
    forward[where] = torch.where(mine, flow, forward[where])


def _seen(start: Tensor, owner: Tensor, backward: Tensor) -> Tensor:
    """Whether what a pixel shows at a time could be seen in x0: (B, S, S, T)."""
    size_px = start.shape[1]
    rows, columns = torch.meshgrid(*(torch.arange(size_px, device=start.device),) * 2, indexing="ij")
    x, y = ((place[..., None] + move).round().long() for place, move in zip((columns, rows), backward.unbind(-1), strict=True))
    inside = (x >= 0) & (x < size_px) & (y >= 0) & (y < size_px)
    nearest = y.clamp(0, size_px - 1) * size_px + x.clamp(0, size_px - 1)
    return inside & (start.flatten(1).gather(1, nearest.flatten(1)).view_as(owner) == owner)


def _of_layers(scenes: Sequence[Scene]) -> tuple[Tensor, Tensor, Tensor]:
    """Which layers are objects that stand still, which a poke is on, and which are the object that moves, (B, L + 1) each; the
    entry after the last layer is False."""
    most = max(len(scene.layers) for scene in scenes)
    still, touched, things = torch.zeros(3, len(scenes), most + 1, dtype=torch.bool)
    for number, scene in enumerate(scenes):
        for depth, layer in enumerate(scene.layers):
            still[number, depth], things[number, depth] = layer.neighbour, not layer.neighbour
            touched[number, depth] = layer.touched
    return still, touched, things


def _shown(layers: Tensor, owner: Tensor) -> Tensor:
    """Where x0, whose pixels belong to the layers `owner` (B, S, S), shows one of these layers (B, L + 1): (B, S, S) bool."""
    # Layers count from 0; the background's -1 finds the last entry, which is False.
    return layers.to(owner.device).gather(1, owner.flatten(1) % layers.shape[1]).view_as(owner)


def _groups(scenes: Sequence[Scene], size_px: int, frames: int, device: torch.device) -> list[_Group]:
    """All layers that can be seen, in painter's order."""
    sorted_out: dict[tuple[int, tuple[str, ...], int], list[tuple[int, Layer, tuple[int, int]]]] = {}
    for number, scene in enumerate(scenes):
        for depth, layer in enumerate(scene.layers):
            corner, side = _square(layer, size_px, frames)
            if side:
                sorted_out.setdefault((depth, signature(layer.motion), side), []).append((number, layer, corner))
    return [
        _group(sorted_out[key], key[0], key[2], device) for key in sorted(sorted_out, key=lambda key: (key[0], key[2], key[1]))
    ]


def _square(layer: Layer, size_px: int, frames: int) -> tuple[tuple[int, int], int]:
    """Corner (row, column) and side of a square window that holds a layer at all times; its side is S / 2^n, or 0."""
    windows = [layer.patch.within(size_px)[0]] + ([] if layer.still else [window_of(layer, size_px, frames)])
    shown = [window for window in windows if all(part.stop > part.start for part in window)]
    if not shown:
        return (0, 0), 0
    low = [min(window[axis].start for window in shown) for axis in (0, 1)]
    high = [max(window[axis].stop for window in shown) for axis in (0, 1)]
    side = size_px
    while side % 2 == 0 and side // 2 >= max(SMALLEST_WINDOW_PX, *(np.subtract(high, low))):
        side //= 2
    return (min(low[0], size_px - side), min(low[1], size_px - side)), side


def _group(members: list[tuple[int, Layer, tuple[int, int]]], depth: int, side: int, device: torch.device) -> _Group:
    layers = [layer for _, layer, _ in members]
    corners = torch.tensor([corner for _, _, corner in members])
    steps = torch.arange(side)
    height, width = (max(2, *(layer.patch.texture.shape[axis] for layer in layers)) for axis in (0, 1))
    textures = np.zeros((len(layers), height, width, 4), np.float32)
    for texture, layer in zip(textures, layers, strict=True):
        own = layer.patch.texture
        texture[: own.shape[0], : own.shape[1]] = own
    return _Group(
        torch.tensor([number for number, _, _ in members]).to(device),
        (corners[:, :1] + steps).to(device),
        (corners[:, 1:] + steps).to(device),
        torch.from_numpy(textures).to(device).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([layer.patch.corner[::-1] for layer in layers], dtype=torch.float32).to(device),
        depth,
        stack([layer.motion for layer in layers], device),
    )
