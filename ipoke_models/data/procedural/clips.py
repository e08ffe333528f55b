"""Procedural clips: a random scene rendered over time, with exact dense flow both ways.

Clip number `index` of seed `seed` of a recipe is always the same clip, whichever process makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pictures import Pictures
from .motion import Array
from .recipes import GARDEN, scene_of
from .scenes import Layer, Patch, Scene, Window

NO_LAYER = -1
WINDOW_MARGIN_PX = 2


@dataclass(frozen=True)
class Clip:
    """A clip and its truth; T frames follow the start frame, flow is in pixels of S as (x, y).

    frames: (T + 1, S, S, 3) uint8 RGB, the first one is x0.
    backward: (T, S, S, 2), pixel p of frame t shows what was at p + backward[t, p] in x0.
    visible: (T, S, S) bool, whether that place could be seen in x0.
    forward: (T, S, S, 2), what is at p in x0 goes to p + forward[t, p].
    moving: (S, S) bool, the parts of x0 that belong to a moving layer.
    neighbour: (S, S) bool, the parts of x0 that belong to an object that stands still.
    foreground: (S, S) bool, the parts of x0 that pokes keep to; None where they follow motion alone.
    thing: (S, S) bool, where x0 shows the object that moves, with its parts that stay; None where that is not known.
    """

    frames: NDArray[np.uint8]
    backward: Array
    visible: NDArray[np.bool_]
    forward: Array
    moving: NDArray[np.bool_]
    neighbour: NDArray[np.bool_]
    foreground: NDArray[np.bool_] | None = None
    thing: NDArray[np.bool_] | None = None


def procedural_clip(seed: int, index: int, pictures: Pictures, size_px: int = 64, frames: int = 10, recipe: str = GARDEN) -> Clip:
    """Render clip `index` of the endless sequence that `seed` stands for."""
    return render(scene_of(recipe, seed, index, pictures, size_px, frames), size_px, frames)


def render(scene: Scene, size_px: int, frames: int) -> Clip:
    """Paint the scene at every time and read off the flow of what is in front."""
    rows, columns = np.mgrid[:size_px, :size_px].astype(np.float32)
    grid = np.stack([columns, rows], axis=-1)
    start, later = _Canvas(scene.background, 1), _Canvas(scene.background, frames)
    forward, backward = np.zeros((2, frames, size_px, size_px, 2), np.float32)
    for number, layer in enumerate(scene.layers):
        place, texture = layer.patch.within(size_px)
        start.lay(number, place, texture[None])
        if layer.still:
            backward[:, *place][later.lay(number, place, texture[None])] = 0
            continue
        window = window_of(layer, size_px, frames)
        origin = layer.motion.inverse(grid[window], frames)
        mine = later.lay(number, window, np.stack([_warp(layer.patch, origin[t]) for t in range(frames)]))
        backward[:, *window][mine] = (origin - grid[window])[mine]
    for number, layer in enumerate(scene.layers):
        mine = start.owner[0] == number
        if not layer.still and mine.any():
            forward[:, mine] = layer.motion.forward(grid[mine], frames) - grid[mine]
    visible = np.stack([_seen(start.owner[0], later.owner[t], grid + backward[t]) for t in range(frames)])
    moving = np.maximum(*np.abs(forward).max(axis=0).transpose(2, 0, 1)) > 0.05
    neighbours = [number for number, layer in enumerate(scene.layers) if layer.neighbour]
    things = [number for number, layer in enumerate(scene.layers) if not layer.neighbour]
    pictures = np.clip(np.concatenate([start.picture, later.picture]), 0, 1)
    frames_8_bit = np.round(pictures * 255).astype(np.uint8)
    touched = [number for number, layer in enumerate(scene.layers) if layer.touched]
    foreground = np.isin(start.owner[0], touched) if touched else None
    neighbour, thing = (np.isin(start.owner[0], numbers) for numbers in (neighbours, things))
    return Clip(frames_8_bit, backward, visible, forward, moving, neighbour, foreground, thing)


class _Canvas:
    """Pictures (T, S, S, 3) that grow layer by layer, and which layer is in front, (T, S, S)."""

    def __init__(self, background: Array, frames: int) -> None:
        self.picture = np.repeat(background[None], frames, axis=0)
        self.owner = np.full(self.picture.shape[:3], NO_LAYER, np.int32)

    def lay(self, number: int, window: Window, textures: Array) -> NDArray[np.bool_]:
        """Put textures (T or 1, h, w, 4) on top in a window; returns where they are in front, (T, h, w)."""
        alpha = textures[..., 3:]
        below = self.picture[:, *window]
        below[...] = textures[..., :3] + (1 - alpha) * below
        mine = np.broadcast_to(alpha[..., 0] > 0.5, below.shape[:3])
        self.owner[:, *window][mine] = number
        return mine


def window_of(layer: Layer, size_px: int, frames: int) -> Window:
    """What a layer may cover of the picture at any later time: deformations keep its inside within its outline."""
    if layer.patch.texture.shape[:2] == (size_px, size_px):
        return slice(0, size_px), slice(0, size_px)
    outline = layer.motion.outline(layer.patch.perimeter(), frames).reshape(-1, 2)
    low = np.clip(np.floor(outline.min(0)) - WINDOW_MARGIN_PX, 0, size_px).astype(int)
    high = np.clip(np.ceil(outline.max(0)) + WINDOW_MARGIN_PX + 1, 0, size_px).astype(int)
    return slice(low[1], max(low[1], high[1])), slice(low[0], max(low[0], high[0]))


def _warp(patch: Patch, origin: Array) -> Array:
    if origin.size == 0:
        return np.zeros((*origin.shape[:2], 4), np.float32)
    columns, rows = origin[..., 0] - np.float32(patch.corner[1]), origin[..., 1] - np.float32(patch.corner[0])
    return np.asarray(cv2.remap(patch.texture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)


def _seen(start_owner: NDArray[np.int32], owner: NDArray[np.int32], origin: Array) -> NDArray[np.bool_]:
    size_px = len(owner)
    nearest = np.round(origin).astype(np.int64)
    columns, rows = nearest[..., 0], nearest[..., 1]
    inside = (columns >= 0) & (columns < size_px) & (rows >= 0) & (rows < size_px)
    return np.asarray(inside & (start_owner[rows.clip(0, size_px - 1), columns.clip(0, size_px - 1)] == owner), bool)
