"""Owns the mesh of a body: a lattice of equilateral triangles over a thing's mask that shares vertices only along the thing.

Parts that lie in one triangle but are not connected inside it (two fingers, two leaves) get a copy of the triangle each. Copies
in neighbouring triangles share vertices where the mask goes on from one to the other: the virtual nodes of Molino, Bao and
Fedkiw, *A Virtual Node Algorithm for Changing Mesh Topology During Simulation*, SIGGRAPH 2004. numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .components import connected

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
Indices = NDArray[np.intp]

NOWHERE = -1
_ROW = np.sqrt(0.75)  # height of a row of triangles of side 1
_PIXELS_A_SIDE = 12.0  # of the working mask, in which a gap of one pixel still parts two fingers
_LEAST_PIXELS = 4  # of the working mask; a smaller speck beside other parts is left out
_TRIES = 5
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True)
class Mesh:
    """Vertices (V, 2) and triangles (F, 3); `owner` (h, w) is the triangle of each pixel of the thing, NOWHERE elsewhere.

    Places are in pixels of the mask (H, W) that was given, x right and y down; one pixel of `owner` is `pixel` of these.
    """

    vertices: Points
    triangles: Indices
    owner: Indices
    pixel: float

    @property
    def edges(self) -> Indices:
        """(E, 2): each edge once, its smaller vertex first."""
        pairs = self.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
        return np.unique(np.sort(pairs, axis=1), axis=0)

    def located(self, places: Points) -> tuple[Indices, Points]:
        """Triangles (N,) and barycentric weights (N, 3) of places (N, 2); a place off the thing is moved to its nearest part."""
        held = np.array(places, np.float64)
        columns, rows = np.clip(np.floor(held / self.pixel).astype(np.intp).T, 0, np.array(self.owner.shape[::-1])[:, None] - 1)
        off = self.owner[rows, columns] == NOWHERE
        off |= (np.abs((np.column_stack([columns, rows]) + 0.5) * self.pixel - held) > self.pixel / 2).any(axis=1)
        if off.any():
            rim = np.argwhere(_rim(self.owner != NOWHERE))[:, ::-1]
            centres = (rim + 0.5) * self.pixel
            nearest = ((centres[None] - held[off, None]) ** 2).sum(axis=2).argmin(axis=1)
            held[off], (columns[off], rows[off]) = centres[nearest], rim[nearest].T
        triangles = self.owner[rows, columns]
        return triangles, self.barycentric(triangles, held)

    @cached_property
    def patches(self) -> list[Points]:
        """What is drawn of each triangle: all of it, or where parts of the thing share a place, the patch of its own pixels."""
        corners = self.vertices[self.triangles]
        side = float(np.hypot(*(corners[0, 0] - corners[0, 1])))
        _, place, counts = np.unique(np.round(corners.mean(axis=1) / side, 3), axis=0, return_inverse=True, return_counts=True)
        alone = counts[place.reshape(-1)] == 1
        return [corners[index] if alone[index] else self.patch(index) for index in range(len(corners))]

    def patch(self, triangle: int) -> Points:
        """The corners (N, 2) of the smallest convex polygon around the pixels that are a triangle's own, in their order."""
        rows, columns = np.nonzero(self.owner == triangle)
        corners = [np.column_stack([columns + right, rows + down]) for right, down in ((0, 0), (1, 0), (0, 1), (1, 1))]
        return _hull(np.unique(np.concatenate(corners), axis=0)) * self.pixel

    def barycentric(self, triangles: Indices, places: Points) -> Points:
        """Weights (N, 3) of places (N, 2) in triangles (N,)."""
        a, b, c = (self.vertices[self.triangles[triangles, corner]] for corner in range(3))
        area = _cross(b - a, c - a)
        second, third = _cross(places - a, c - a) / area, _cross(b - a, places - a) / area
        return np.column_stack([1 - second - third, second, third])


def mesh_of(mask: Mask, vertices: int = 300, tries: int = _TRIES) -> Mesh:
    """A mesh of about so many vertices over a mask (H, W), the nearer the more tries; raises ValueError for an empty one."""
    if not mask.any():
        raise ValueError("the mask is empty")
    side_px = max(1.0, float(np.sqrt(mask.sum() / (_ROW * vertices))))
    mesh = _mesh(mask, side_px)
    for _ in range(tries):
        ratio = float(np.sqrt(len(mesh.vertices) / vertices))
        if 0.95 < ratio < 1.05 or (ratio < 1 and side_px == 1):
            break
        side_px = max(1.0, side_px * ratio)
        mesh = _mesh(mask, side_px)
    return mesh


def _mesh(mask: Mask, side_px: float) -> Mesh:
    pixel = max(1.0, side_px / _PIXELS_A_SIDE)
    small = _without_specks(_shrunk(mask, pixel))
    side = side_px / pixel
    cells = _cells(small.shape, side)
    first, second = _neighbours(small)
    same = (cells[first] == cells[second]).all(axis=1)
    labels = connected(small.size, first[same], second[same])
    on = np.flatnonzero(small)
    roots, fragment_of = np.unique(labels[on], return_inverse=True)
    fragments = np.full(small.size, NOWHERE)
    fragments[on] = fragment_of
    corners = _corners(cells[roots])
    joined = np.unique(np.column_stack([fragments[first[~same]], fragments[second[~same]]]), axis=0)
    nodes = _shared(corners, joined)
    kept, vertex_of = np.unique(nodes, return_inverse=True)
    triangles, triangle_of = np.unique(vertex_of.reshape(-1, 3), axis=0, return_inverse=True)
    owner = np.full(small.size, NOWHERE)
    owner[on] = triangle_of.reshape(-1)[fragment_of]
    lattice = corners.reshape(-1, 2)[kept]
    vertices = np.column_stack([lattice[:, 0] + lattice[:, 1] / 2, lattice[:, 1] * _ROW]) * side_px
    return Mesh(vertices, triangles, owner.reshape(small.shape), pixel)


def _shrunk(mask: Mask, pixel: float) -> Mask:
    """The mask with pixels of another size: one is on where a quarter of it is."""
    if pixel == 1:
        return mask
    rows, columns = ((np.arange(length) / pixel).astype(np.intp) for length in mask.shape)
    starts = [np.searchsorted(index, np.arange(index[-1] + 1)) for index in (rows, columns)]
    sums = np.add.reduceat(np.add.reduceat(mask.astype(np.int32), starts[0], axis=0), starts[1], axis=1)
    counts = np.outer(np.bincount(rows), np.bincount(columns))
    small: Mask = 4 * sums >= counts
    return small if small.any() else sums == sums.max()


def _rim(mask: Mask) -> Mask:
    """The pixels of the mask beside which, above or below which, one is off it."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def _without_specks(mask: Mask) -> Mask:
    labels = connected(mask.size, *_neighbours(mask))
    sizes = np.bincount(labels, minlength=mask.size)[labels].reshape(mask.shape)
    large = mask & (sizes >= _LEAST_PIXELS)
    return large if large.any() else mask


def _neighbours(mask: Mask) -> tuple[Indices, Indices]:
    """Flat indices of all pairs of pixels of the mask that touch, at a corner too."""
    index = np.arange(mask.size).reshape(mask.shape)
    firsts, seconds = [], []
    for down, right in _NEIGHBOURS:
        here = (slice(0, mask.shape[0] - down), slice(max(0, -right), mask.shape[1] - max(0, right)))
        there = (slice(down, None), slice(max(0, right), mask.shape[1] + min(0, right)))
        both = mask[here] & mask[there]
        firsts.append(index[here][both])
        seconds.append(index[there][both])
    return np.concatenate(firsts), np.concatenate(seconds)


def _cells(shape: tuple[int, ...], side: float) -> Indices:
    """(h w, 3): for each pixel the column and row of its lattice cell, and which of the cell's two triangles holds it."""
    rows, columns = np.indices(shape)
    down = (rows.reshape(-1) + 0.5) / (side * _ROW)
    along = (columns.reshape(-1) + 0.5) / side - down / 2
    i, j = np.floor(along), np.floor(down)
    return np.column_stack([i, j, (along - i) + (down - j) >= 1]).astype(np.intp)


def _corners(cells: Indices) -> Indices:
    """(N, 3, 2): lattice places of the corners of triangles, in one sense of rotation."""
    lower, upper = np.array([[0, 0], [1, 0], [0, 1]]), np.array([[1, 1], [0, 1], [1, 0]])
    return cells[:, None, :2] + np.where(cells[:, 2, None, None] == 1, upper, lower)


def _shared(corners: Indices, joined: Indices) -> Indices:
    """(N * 3,): for each corner of each fragment the first corner that is the same vertex."""
    equal = (corners[joined[:, 0], :, None] == corners[joined[:, 1], None, :]).all(axis=-1)
    pair, one, other = np.nonzero(equal)
    return connected(len(corners) * 3, joined[pair, 0] * 3 + one, joined[pair, 1] * 3 + other)


def _hull(points: Indices) -> Points:
    """The corners of the convex hull of sorted points (N, 2) (Andrew's monotone chain)."""

    def half(ordered: list[list[int]]) -> list[list[int]]:
        chain: list[list[int]] = []
        for point in ordered:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        return chain[:-1]

    ordered = points.tolist()
    return np.array(half(ordered) + half(ordered[::-1]), np.float64)


def _turn(a: list[int], b: list[int], c: list[int]) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _cross(a: Points, b: Points) -> Points:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
