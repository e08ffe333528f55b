"""Owns what of a body is drawn in a pose: its triangles as patches of the still, and which of them lie over which."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_body import Body

from ..protocol.messages import Region
from .drawer import Mask
from .image import Field
from .trace import Places

Points = NDArray[np.float64]
Triangles = NDArray[np.int16]
Indices = NDArray[np.intp]

NOWHERE = -1
_SUBPIXEL_BITS = 4
_FLAT = 1e-6  # of a triangle's area at rest
_OVERLAP_PX = 1.0  # neighbours share their border's pixels; what reaches farther into another lies over it
_DEEPEST = 4  # layers beneath the top that are told apart


@dataclass(frozen=True)
class Painted:
    """Which triangle is seen at each pixel (h, w) of a box, NOWHERE where there is none.

    Where parts of a body lie over others, `beneath` are those that `top` covers, from front to back; a triangle of `top` may be
    there again. `back` (F, 2, 3) are the maps from the pose to rest.
    """

    top: Triangles
    beneath: tuple[Triangles, ...]
    back: Points


@dataclass(frozen=True)
class Patches:
    """What of each triangle of a body is drawn: a polygon of it, in plate px at rest.

    Where parts of a thing share a place, each draws only the pixels that are its own.
    """

    rest_px: Points
    triangles: Indices
    polygons: tuple[Points, ...]

    @classmethod
    def of(cls, body: Body, size_px: tuple[int, int]) -> Patches:
        """The patches of a body on a plate of this size."""
        mesh = body.mesh
        scale = np.array(size_px) / body.size_px
        return cls(mesh.vertices * scale, mesh.triangles, tuple(polygon * scale for polygon in mesh.patches))

    def affine(self, pose_px: Points) -> tuple[Points, Points]:
        """(F, 2, 3) each: from a pose to rest, and from rest to the pose; NaN for triangles that the pose makes flat."""
        rest, posed = self.rest_px[self.triangles], pose_px[self.triangles]
        return _maps(posed, rest), _maps(rest, posed)

    def covered(self, box: Region) -> Mask:
        """(h, w) of a box: where the body draws anything at rest."""
        return self.painted(self.rest_px, box).top != NOWHERE

    def painted(self, pose_px: Points, box: Region) -> Painted:
        """Which triangles of a pose are seen in a box, the one that has moved farther in front."""
        back, forward = self.affine(pose_px)
        moved = pose_px - self.rest_px
        order = np.argsort(np.hypot(*moved[self.triangles].mean(axis=1).T), kind="stable")
        order = order[np.isfinite(back[order]).all(axis=(1, 2))]  # a flat one shows nothing
        depth = _depths(pose_px[self.triangles[order]])
        layers = [order, *(order[depth == layer] for layer in range(1, depth.max(initial=0) + 1))]
        outlines = self._outlines(forward, box)
        top, *beneath = (_drawn(layer, outlines, box) for layer in layers)
        return Painted(top, tuple(beneath), back)

    def _outlines(self, forward: Points, box: Region) -> list[NDArray[np.int32]]:
        """What is drawn of each triangle under its map from rest, in parts of a pixel from a box's corner."""
        counts = np.array([len(polygon) for polygon in self.polygons])
        maps = np.nan_to_num(forward)[np.repeat(np.arange(len(counts)), counts)]
        places = np.einsum("cij,cj->ci", maps[..., :2], np.concatenate(self.polygons)) + maps[..., 2]
        points = np.rint((places - (box.x + 0.5, box.y + 0.5)) * 2**_SUBPIXEL_BITS).astype(np.int32)
        return np.split(points, np.cumsum(counts)[:-1])


def _depths(corners: Points) -> Indices:
    """(N,): how many triangles (N, 3, 2), ordered from back to front, lie over each other down to each; 0 where none does."""
    depth = np.zeros(len(corners), np.intp)
    behind, front = _overlapping(corners)
    order = np.argsort(behind, kind="stable")
    starts = np.searchsorted(behind[order], np.arange(len(corners) + 1))
    for index, (first, end) in reversed(list(enumerate(pairwise(starts.tolist())))):
        if first < end:
            depth[index] = min(_DEEPEST, 1 + int(depth[front[order[first:end]]].max()))
    return depth


def _drawn(order: Indices, outlines: list[NDArray[np.int32]], box: Region) -> Triangles:
    canvas = np.full((box.h, box.w), NOWHERE, np.int16)
    for index in order.tolist():
        cv2.fillConvexPoly(canvas, outlines[index], index, cv2.LINE_8, _SUBPIXEL_BITS)
    return canvas


def _overlapping(corners: Points) -> tuple[Indices, Indices]:
    """The pairs, earlier and later, of triangles (N, 3, 2) that no line along a side of one of them parts."""
    one, other = _boxes_meet(corners)
    sides = np.roll(corners, -1, axis=1) - corners
    normals = np.stack([-sides[..., 1], sides[..., 0]], axis=-1) / np.maximum(np.hypot(*sides.T).T, 1e-12)[..., None]
    normals = np.concatenate([normals[one], normals[other]], axis=1)
    ours, theirs = (np.einsum("pka,pca->pkc", normals, corners[pair]) for pair in (one, other))
    shared = np.minimum(ours.max(axis=2), theirs.max(axis=2)) - np.maximum(ours.min(axis=2), theirs.min(axis=2))
    meet = (shared > _OVERLAP_PX).all(axis=1)
    return one[meet], other[meet]


def _boxes_meet(corners: Points) -> tuple[Indices, Indices]:
    """The pairs, earlier and later, of triangles (N, 3, 2) whose boxes reach into each other.

    Only those that begin to the left of where another ends are compared with it, since a frame waits for it.
    """
    low, high = corners.min(axis=1) + _OVERLAP_PX, corners.max(axis=1)
    order = np.argsort(low[:, 0], kind="stable")
    follows = np.arange(1, len(order) + 1)
    counts = np.maximum(np.searchsorted(low[order, 0], high[order, 0]) - follows, 0)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    left, right = np.repeat(order, counts), order[np.repeat(follows, counts) + step]
    meet = (low[left] < high[right]).all(axis=1) & (low[right, 1] < high[left, 1])
    pair = np.stack([left[meet], right[meet]])
    return pair.min(axis=0), pair.max(axis=0)


def mapped(maps: Field, x: Field, y: Field) -> Places:
    """Places in pixels, whose centres are at half numbers, under affine maps (h, w, 2, 3)."""
    across, down = (maps[..., axis, 0] * (x + 0.5) + maps[..., axis, 1] * (y + 0.5) + maps[..., axis, 2] - 0.5 for axis in (0, 1))
    return across, down


def _maps(source: Points, target: Points) -> Points:
    """(F, 2, 3): the affine maps that take triangles (F, 3, 2) to others."""
    sides, goals = (np.stack([places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]], axis=-1) for places in (source, target))
    area = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
    usual = np.abs(goals[:, 0, 0] * goals[:, 1, 1] - goals[:, 0, 1] * goals[:, 1, 0])
    area = np.where(np.abs(area) > _FLAT * usual, area, np.nan)
    adjugate = np.stack([sides[:, 1, 1], -sides[:, 0, 1], -sides[:, 1, 0], sides[:, 0, 0]], axis=-1).reshape(-1, 2, 2)
    linear = goals @ (adjugate / area[:, None, None])
    return np.concatenate([linear, (target[:, 0] - (linear @ source[:, 0, :, None])[..., 0])[..., None]], axis=-1)
