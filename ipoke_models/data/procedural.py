"""Procedural clips: a random scene rendered over time, with exact dense flow both ways.

Clip number `index` of seed `seed` is always the same clip, whichever process makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .motion import Array
from .pictures import Pictures
from .scenes import Scene, random_scene

NO_LAYER = -1


@dataclass(frozen=True)
class Clip:
    """A clip and its truth; T frames follow the start frame, flow is in pixels of S as (x, y).

    frames: (T + 1, S, S, 3) uint8 RGB, the first one is x0.
    backward: (T, S, S, 2), pixel p of frame t shows what was at p + backward[t, p] in x0.
    visible: (T, S, S) bool, whether that place could be seen in x0.
    forward: (T, S, S, 2), what is at p in x0 goes to p + forward[t, p].
    moving: (S, S) bool, the parts of x0 that belong to a moving layer.
    neighbour: (S, S) bool, the parts of x0 that belong to an object that stands still.
    """

    frames: NDArray[np.uint8]
    backward: Array
    visible: NDArray[np.bool_]
    forward: Array
    moving: NDArray[np.bool_]
    neighbour: NDArray[np.bool_]


def procedural_clip(seed: int, index: int, pictures: Pictures, size_px: int = 64, frames: int = 10) -> Clip:
    """Render clip `index` of the endless sequence that `seed` stands for."""
    scene = random_scene(np.random.default_rng([seed, index]), pictures, size_px, frames)
    return render(scene, size_px, frames)


def render(scene: Scene, size_px: int, frames: int) -> Clip:
    """Paint the scene at every time and read off the flow of what is in front."""
    rows, columns = np.mgrid[:size_px, :size_px].astype(np.float32)
    grid = np.stack([columns, rows], axis=-1)
    start, start_owner = _flatten(scene, [layer.texture for layer in scene.layers])
    forward = np.zeros((frames, size_px, size_px, 2), np.float32)
    origins = []
    for number, layer in enumerate(scene.layers):
        mine = start_owner == number
        forward[:, mine] = layer.motion.forward(grid[mine], frames) - grid[mine]
        origins.append(layer.motion.inverse(grid, frames))
    painted, backward, visible = [start], np.zeros_like(forward), np.zeros((frames, size_px, size_px), bool)
    for t in range(frames):
        textures = [_warp(layer.texture, origin[t]) for layer, origin in zip(scene.layers, origins, strict=True)]
        picture, owner = _flatten(scene, textures)
        painted.append(picture)
        for number, origin in enumerate(origins):
            mine = owner == number
            backward[t][mine] = (origin[t] - grid)[mine]
        visible[t] = _seen(start_owner, owner, grid + backward[t])
    moving = np.abs(forward).max(axis=(0, 3)) > 0.05
    still = [number for number, layer in enumerate(scene.layers) if not layer.motion.parts]
    frames_8_bit = np.round(np.stack(painted) * 255).astype(np.uint8)
    return Clip(frames_8_bit, backward, visible, forward, moving, np.isin(start_owner, still))


def _flatten(scene: Scene, textures: list[Array]) -> tuple[Array, NDArray[np.int32]]:
    picture = scene.background
    owner = np.full(picture.shape[:2], NO_LAYER, np.int32)
    for number, texture in enumerate(textures):
        alpha = texture[..., 3:]
        picture = texture[..., :3] + (1 - alpha) * picture
        owner[alpha[..., 0] > 0.5] = number
    return np.clip(picture, 0, 1), owner


def _warp(texture: Array, origin: Array) -> Array:
    return np.asarray(
        cv2.remap(texture, origin[..., 0].copy(), origin[..., 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT),
        np.float32,
    )


def _seen(start_owner: NDArray[np.int32], owner: NDArray[np.int32], origin: Array) -> NDArray[np.bool_]:
    size_px = len(owner)
    nearest = np.round(origin).astype(np.int64)
    inside = ((nearest >= 0) & (nearest < size_px)).all(-1)
    nearest = nearest.clip(0, size_px - 1)
    return np.asarray(inside & (start_owner[nearest[..., 1], nearest[..., 0]] == owner), bool)
