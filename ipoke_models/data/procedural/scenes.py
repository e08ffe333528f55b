"""What a procedural scene is: textured layers in painter's order before a background, each with its own analytic motion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .motion import Array, Chain, length

LEAST_MOVE, LEAST_AREA = 0.03, 0.01

Window = tuple[slice, slice]
"""Rows and columns of a picture."""


@dataclass(frozen=True)
class Patch:
    """Premultiplied RGBA (h, w, 4) in [0, 1] that lies in the start frame from pixel `corner` (row, column) on.

    It may reach beyond the picture, so that nothing ends at the picture's border when it moves inwards.
    """

    texture: Array
    corner: tuple[int, int] = (0, 0)

    def within(self, size_px: int) -> tuple[Window, Array]:
        """The part of the patch that lies in a picture of that size, and where."""
        rows, columns = (
            slice(*np.clip([start, start + side], 0, size_px))
            for start, side in zip(self.corner, self.texture.shape, strict=False)
        )
        (top, bottom), (left, right) = (
            np.maximum([kept.start - start, kept.stop - start], 0)
            for kept, start in zip((rows, columns), self.corner, strict=True)
        )
        return (rows, columns), self.texture[top:bottom, left:right]

    def perimeter(self) -> Array:
        """Points (N, 2) as (x, y) px around the patch, half a pixel outside and about two pixels apart."""
        top, left = self.corner
        rows = np.linspace(top - 0.5, top + len(self.texture) - 0.5, len(self.texture) // 2 + 2)
        columns = np.linspace(left - 0.5, left + self.texture.shape[1] - 0.5, self.texture.shape[1] // 2 + 2)
        sides = [np.stack(np.broadcast_arrays(x, rows), -1) for x in columns[[0, -1]]]
        ends = [np.stack(np.broadcast_arrays(columns, y), -1) for y in rows[[0, -1]]]
        return np.concatenate(sides + ends).astype(np.float32)


@dataclass(frozen=True)
class Layer:
    """One part of a scene: how it looks in the start frame, and how it moves; an empty chain stands still.

    `poked` says of a part that stands still that it belongs to the object that moves, and is no neighbour of it. A poke is on
    `touched` parts; where a scene has none, pokes follow motion alone.
    """

    patch: Patch
    motion: Chain = field(default=Chain())
    poked: bool = False
    touched: bool = False

    @property
    def still(self) -> bool:
        """Whether it never moves."""
        return not self.motion.parts

    @property
    def neighbour(self) -> bool:
        """Whether it is an object that stands still beside the one that moves, and no part of that."""
        return self.still and not self.poked


def lively(layers: Sequence[Layer], size_px: int, frames: int) -> bool:
    """Whether enough of these layers can be seen to have moved at the end: a hundredth of the picture by 3 % of its side.

    Where a poke is on some of them, a quarter of that must be theirs.
    """
    owner = np.full((size_px, size_px), -1, np.int32)
    for number, layer in enumerate(layers):
        window, texture = layer.patch.within(size_px)
        owner[window][texture[..., 3] > 0.5] = number
    moved = np.zeros(len(layers), np.int64)
    for number, layer in enumerate(layers):
        rows, columns = np.nonzero(owner == number)
        if layer.still or not len(rows):
            continue
        some = np.linspace(0, len(rows) - 1, 3).astype(int)
        places = np.stack([columns[some], rows[some]], -1).astype(np.float32)
        moves = length(layer.motion.forward(places, frames)[-1] - places) > LEAST_MOVE * size_px
        moved[number] = int(moves.mean() * len(rows))
    least, touched = LEAST_AREA * size_px**2, np.array([layer.touched for layer in layers], bool)
    return bool(moved.sum() > least and (moved[touched].sum() > least / 4 or not touched.any()))


@dataclass(frozen=True)
class Scene:
    """Background (S, S, 3) in [0, 1] and layers from back to front."""

    background: Array
    layers: tuple[Layer, ...]


def merged(patches: Iterable[Patch]) -> Patch:
    """Patches from back to front as one patch."""
    patches = list(patches)
    corners = np.array([patch.corner for patch in patches])
    ends = corners + [patch.texture.shape[:2] for patch in patches]
    (top, left), (bottom, right) = corners.min(0), ends.max(0)
    canvas = np.zeros((bottom - top, right - left, 4), np.float32)
    for patch in patches:
        row, column = patch.corner[0] - top, patch.corner[1] - left
        height, width = patch.texture.shape[:2]
        below = canvas[row : row + height, column : column + width]
        below *= 1 - patch.texture[..., 3:]
        below += patch.texture
    return Patch(canvas, (int(top), int(left)))
