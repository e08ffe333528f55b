"""Owns the body of a thing: its mesh at rest, what holds it, and the poses that arrows, pins and targets give it.

Places and poses are in fractions of the plate: x right, y down. numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .mesh import NOWHERE, Mesh, mesh_of
from .solver import Edges, Factor, Solver
from .thickness import thickness_of

Points = NDArray[np.float64]

VERTICES = 300
ROUNDS = 20
_SOFTEST, _STIFFEST = 0.25, 4.0  # of the stiffness at the thing's usual thickness
_GROUND = 0.05  # of the thing's height: what stands lower is held where the thing leaves the picture nowhere
_HANGS = 0.25  # of the thing's height: what is pulled below that alone hangs
_FREE = 2.5  # edges from an arrow's tail within which the ground lets go


class BodyError(ValueError):
    """No body can be made of this; the text is a sentence with the fix."""


@dataclass(frozen=True)
class Body:
    """An elastic body over a thing. `size_px` is width and height of the mask that it was made of."""

    mesh: Mesh
    edges: Edges
    size_px: tuple[int, int]

    @classmethod
    def of(cls, mask: NDArray[np.bool_], vertices: int = VERTICES) -> Body:
        """The body of a mask (H, W) of the plate's shape, of about so many vertices; raises BodyError for an empty mask."""
        if not mask.any():
            raise BodyError("The thing's mask is empty; mark the thing with a stroke.")
        mesh = mesh_of(mask, vertices)
        return cls(mesh, Edges.of(mesh.triangles, _stiffness(mesh)), (mask.shape[1], mask.shape[0]))

    @property
    def rest(self) -> Points:
        """The vertices (V, 2) at rest."""
        return np.asarray(self.mesh.vertices / self.size_px)

    @property
    def edge_px(self) -> float:
        """Length of an edge at rest, in pixels of the mask."""
        a, b = self.mesh.vertices[self.mesh.triangles[0, :2]]
        return float(np.hypot(*(a - b)))

    @property
    def leaves_picture(self) -> bool:
        """Whether the thing goes on beyond the picture, so that its body must not come away from the border."""
        return bool(self._border.any())

    def distances(self, places: Points) -> NDArray[np.float64]:
        """(N, V): how far the vertices are from places (N, 2) along the thing, in pixels of the mask; infinite where parted."""
        triangles, _ = self.mesh.located(places * self.size_px)
        vertices, edges = self.mesh.vertices, self.edges
        length = np.hypot(*(vertices[edges.one] - vertices[edges.other]).T)
        found = np.full((len(places), len(vertices)), np.inf)
        for row, place, triangle in zip(found, places * self.size_px, triangles, strict=True):
            corners = self.mesh.triangles[triangle]
            row[corners] = np.hypot(*(vertices[corners] - place).T)
        while True:
            nearer = np.minimum(found, np.minimum.reduceat(found[:, edges.other] + length, edges.starts, axis=1))
            if np.array_equal(nearer, found):
                return found
            found = nearer

    def stiffened(self, factor: NDArray[np.float64]) -> Body:
        """The same body with edges so many times as stiff; the factor (V,) stands for each vertex."""
        at_edges = np.sqrt(factor[self.edges.one] * factor[self.edges.other])
        return replace(self, edges=replace(self.edges, weight=self.edges.weight * at_edges))

    def ground(self, tails: Points) -> Points:
        """Places (G, 2) that are held by themselves: where the thing leaves the picture, else the lowest part that it stands on.

        What is pulled at its lowest part alone, a lamp, hangs: its highest part is held. No place is near the tails (N, 2) of
        arrows, which would tear at it.
        """
        mesh = self.mesh
        held = self._border if self.leaves_picture else self._end(tails)
        triangles = np.unique(mesh.owner[held])
        places = mesh.vertices[mesh.triangles[triangles]].mean(axis=1)
        away = np.hypot(*(places[:, None] - (tails * self.size_px)[None]).T).min(axis=0, initial=np.inf)
        return np.asarray(places[away > _FREE * self.edge_px] / self.size_px)

    @property
    def _border(self) -> NDArray[np.bool_]:
        """The thing's pixels (h, w) at the picture's border."""
        on = self.mesh.owner != NOWHERE
        on[1:-1, 1:-1] = False
        return on

    def _end(self, tails: Points) -> NDArray[np.bool_]:
        """The thing's pixels (h, w) that it stands on or hangs from."""
        on = self.mesh.owner != NOWHERE
        rows = np.flatnonzero(on.any(axis=1))
        depth = (np.arange(len(on)) - rows[0]) / max(1, rows[-1] - rows[0])
        heights = tails[:, 1] * self.size_px[1] / self.mesh.pixel
        hangs = len(tails) > 0 and (heights - rows[0] > (1 - _HANGS) * (rows[-1] - rows[0])).all()
        return np.asarray(on & (depth <= _GROUND if hangs else depth >= 1 - _GROUND)[:, None])

    def held(self, places: Points, target_weight: NDArray[np.float64] | None = None) -> HeldBody:
        """The body with handles at places (H, 2), at rest; a place off the thing holds its nearest part. Raises BodyError.

        `target_weight` (V,) says how strongly each vertex is drawn to its target, beside edges of weight 1.
        """
        if not len(places) or not np.isfinite(places).all():
            raise BodyError("Nothing moves or holds the thing; draw an arrow on it.")
        handles = self.weights(places)
        factor = self._undrawn if target_weight is None else Factor.of(self.mesh.vertices, self.edges, target_weight)
        return HeldBody(self, Solver(factor, handles), handles @ self.mesh.vertices)

    @cached_property
    def _undrawn(self) -> Factor:
        """The factor without targets, kept so that handles cost little while they are dragged from place to place."""
        return Factor.of(self.mesh.vertices, self.edges, np.zeros(len(self.mesh.vertices)))

    def weights(self, places: Points) -> NDArray[np.float64]:
        """(N, V): of which vertices places (N, 2) are made, and how much of each."""
        triangles, weights = self.mesh.located(np.asarray(places, np.float64) * self.size_px)
        rows = np.zeros((len(places), len(self.mesh.vertices)))
        for row, triangle, weight in zip(rows, triangles, weights, strict=True):
            row[self.mesh.triangles[triangle]] = weight
        return rows


@dataclass(frozen=True)
class HeldBody:
    """A body with handles, which may be moved again and again: what is costly was computed. `places_px` (H, 2) are at rest."""

    body: Body
    solver: Solver
    places_px: Points

    def poses(self, shifts: Points, targets: Points | None = None, start: Points | None = None, rounds: int = ROUNDS) -> Points:
        """Poses (T, N, V, 2) of N clips, the handles moved by exactly `shifts` (T, N, H, 2) from where they rest; 0 for a pin.

        `targets` (T, N, V, 2) draw the vertices. `start` (N, V, 2) is the pose before the first instant, at rest without it.
        """
        scale = np.array(self.body.size_px, np.float64)
        drawn = None if targets is None else targets * scale
        begun = None if start is None else start * scale
        return np.asarray(self.solver.poses(self.places_px + shifts * scale, drawn, rounds, begun) / scale)


def _stiffness(mesh: Mesh) -> NDArray[np.float64]:
    """(F,): how stiff each triangle is. Thick parts are stiffer: a stem carries a head, the tip of a leaf bends."""
    on = mesh.owner != NOWHERE
    counts = np.bincount(mesh.owner[on], minlength=len(mesh.triangles))
    thickness = np.bincount(mesh.owner[on], thickness_of(on)[on], minlength=len(mesh.triangles)) / np.maximum(counts, 1)
    usual = float(np.median(thickness))
    return np.asarray(np.clip(thickness / usual, _SOFTEST, _STIFFEST))
