"""The poses of a mesh as a motion at pixels: where the thing's pixels go, and what later pixels show of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_body.mesh import NOWHERE as NO_TRIANGLE
from ipoke_body.mesh import Indices, Mesh, mesh_of

from .motion import NOWHERE, Array, Sampled
from .scenes import Patch

Number = TypeVar("Number", np.float32, np.intp)

_SLACK = 1e-4  # of a triangle, by which it reaches beyond its sides: no cracks between neighbours
_OPAQUE = 0.5
_SOUND = 0.35, 2.5  # of a triangle's area at rest; beyond that it is torn or folded
_LEAST_ALPHA = 1 / 16


@dataclass(frozen=True)
class Meshed:
    """A patch and the mesh over it. Vertices (V, 2) are places of the picture; `owner` (h, w) is the triangle of each pixel."""

    patch: Patch
    mesh: Mesh
    vertices: NDArray[np.float64]
    owner: Indices

    @classmethod
    def of(cls, patch: Patch, vertices: int) -> Meshed:
        """A mesh of roughly so many vertices over the largest piece of a patch; other pieces are left out of the patch."""
        mask = _largest_piece(patch.texture[..., 3] > _LEAST_ALPHA)
        mesh = mesh_of(mask, vertices, tries=1)
        rows, columns = ((np.arange(length) / mesh.pixel).astype(int) for length in mask.shape)
        owner = np.where(mask, mesh.owner[rows[:, None], columns], NO_TRIANGLE)
        kept = Patch(patch.texture * (owner != NO_TRIANGLE)[..., None], patch.corner)
        return cls(kept, mesh, mesh.vertices - 0.5 + patch.corner[::-1], owner)

    def middles(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The middle (F, 2) of each triangle's pixels, a place of the picture, and of which vertices it is made, (F, V)."""
        rows, columns = np.nonzero(self.owner != NO_TRIANGLE)
        owner, count = self.owner[rows, columns], len(self.mesh.triangles)
        pixels = np.bincount(owner, minlength=count)
        middles = np.stack([np.bincount(owner, at, count) / np.maximum(pixels, 1) for at in (columns, rows)], -1)
        centres = self.mesh.vertices[self.mesh.triangles].mean(1) - 0.5
        middles = np.where(pixels[:, None] > 0, middles, centres)
        made_of = np.zeros((count, len(self.vertices)))
        weights = self.mesh.barycentric(np.arange(count), middles + 0.5)
        np.put_along_axis(made_of, self.mesh.triangles, weights, axis=1)
        return middles + self.patch.corner[::-1], made_of

    def torn(self, poses: NDArray[np.float64]) -> float:
        """Largest share of the triangles that poses (T, V, 2) tear or fold at a time."""
        areas = _areas(poses[:, self.mesh.triangles]) / _areas(self.vertices[self.mesh.triangles])
        return float(((areas < _SOUND[0]) | (areas > _SOUND[1])).mean(axis=-1).max())

    def motion(self, poses: NDArray[np.float64], height: NDArray[np.float64], size_px: int) -> Sampled:
        """Poses (T, V, 2) as a motion in a picture of S px; where parts overlap, the triangle of greatest height (F,) is seen."""
        there = self._there(poses)
        order = np.argsort(height, kind="stable")
        low = np.clip(np.floor(poses.min((0, 1))), 0, size_px - 1).astype(int)
        high = np.clip(np.ceil(poses.max((0, 1))), 0, size_px - 1).astype(int)
        origins = np.full((len(poses), *(high - low + 1)[::-1], 2), NOWHERE, np.float32)
        time, row, column, origin = self._shown(poses, order, low, high)
        opaque = self._at(self.patch.texture[..., 3], origin, 0.0) > _OPAQUE
        # A part's soft rim must not hide what lies behind it: what is opaque is painted over it.
        for painted in (~opaque, opaque):
            origins[time[painted], row[painted], column[painted]] = origin[painted]
        corner, start = (int(low[0]), int(low[1])), (self.patch.corner[1], self.patch.corner[0])
        return Sampled(there, start, origins, corner)

    def _there(self, poses: NDArray[np.float64]) -> Array:
        rows, columns = np.nonzero(self.owner != NO_TRIANGLE)
        triangles = self.owner[rows, columns]
        weights = self.mesh.barycentric(triangles, np.stack([columns, rows], -1) + 0.5)
        moved = poses - self.vertices
        there = np.zeros((len(poses), *self.owner.shape, 2), np.float32)
        there[:, rows, columns] = (moved[:, self.mesh.triangles[triangles]] * weights[..., None]).sum(2)
        return there

    def _shown(
        self, poses: NDArray[np.float64], order: Indices, low: Indices, high: Indices
    ) -> tuple[Indices, Indices, Indices, NDArray[np.float64]]:
        """What triangles cover of the window between two corners, those that come first in order first: time, row and column
        in the window, and the place (N, 2) of the start frame."""
        corners = poses[:, self.mesh.triangles[order]]
        first = np.maximum(np.ceil(corners.min(2) - _SLACK), low).astype(int)
        wide, high_px = np.moveaxis(
            np.maximum(np.minimum(np.floor(corners.max(2) + _SLACK), high).astype(int) - first + 1, 0), -1, 0
        )
        counts = (wide * high_px).reshape(-1)
        which = np.repeat(np.arange(counts.size), counts)
        step = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        down, right = np.divmod(step, wide.reshape(-1)[which])
        place = first.reshape(-1, 2)[which] + np.stack([right, down], -1)
        weights = _barycentric(corners.reshape(-1, 3, 2), which, place)
        inside = (weights >= -_SLACK).all(-1)
        which, place, weights = which[inside], place[inside], weights[inside]
        time, triangle = np.divmod(which, len(order))
        triangle = order[triangle]
        origin = (self.vertices[self.mesh.triangles[triangle]] * weights[..., None]).sum(1)
        own = self._own(triangle, origin)
        return time[own], (place[own] - low)[:, 1], (place[own] - low)[:, 0], origin[own]

    def _own(self, triangles: Indices, origin: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether places are not those of another triangle that shares the triangle's place, as two fingers may."""
        corners = self.mesh.vertices[self.mesh.triangles].mean(1)
        _, shared = np.unique(np.round(corners, 3), axis=0, return_inverse=True)
        shared = shared.reshape(-1)
        found = self._at(self.owner, origin, NO_TRIANGLE)
        return np.asarray((found == NO_TRIANGLE) | (found == triangles) | (shared[found] != shared[triangles]))

    def _at(self, values: NDArray[Number], places: NDArray[np.float64], otherwise: float) -> NDArray[Number]:
        """Values (h, w) of the patch at the pixels nearest to places (N, 2) of the picture."""
        columns, rows = (np.rint(places).astype(int) - self.patch.corner[::-1]).T
        known = (columns >= 0) & (columns < values.shape[1]) & (rows >= 0) & (rows < values.shape[0])
        found = values[np.where(known, rows, 0), np.where(known, columns, 0)]
        return np.where(known, found, np.array(otherwise, values.dtype))


def _areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Twice the areas (...) of triangles of corners (..., 3, 2)."""
    (ax, ay), (bx, by) = (np.moveaxis(corners[..., n, :] - corners[..., 0, :], -1, 0) for n in (1, 2))
    return np.asarray(ax * by - ay * bx)


def _largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    _, labels, found, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(labels == 1 + int(found[1:, cv2.CC_STAT_AREA].argmax()))


def _barycentric(corners: NDArray[np.float64], which: Indices, places: Indices) -> NDArray[np.float64]:
    """Weights (N, 3) of places (N, 2) in triangles `which` (N,) of corners (K, 3, 2); those without area hold nothing."""
    a, across, along = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = across[:, 0] * along[:, 1] - across[:, 1] * along[:, 0]
    flat = np.abs(area) < 1e-9
    area = np.where(flat, 1, area)
    x, y = (places - a[which]).T
    second = (x * along[which, 1] - y * along[which, 0]) / area[which]
    third = (across[which, 0] * y - across[which, 1] * x) / area[which]
    weights = np.stack([1 - second - third, second, third], -1)
    weights[flat[which]] = -1
    return weights
