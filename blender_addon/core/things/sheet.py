"""Where many points of a plate are at once: a surface as arrays. No bpy."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..gestures.plane import Surface

Points = Any  # numpy's array types are not there for a type checker inside Blender

FLAT = 1e-12  # area of a triangle of texture coordinates that says nothing
ALIKE = 1e-6  # of the surface's extent


class Sheet:
    """Triangles of a surface, those that show something of the plate.

    `corners` (F, 3, 3) are where they are, `places` (F, 3, 2) what they show: fractions of the plate, or texture coordinates.
    `inverse` (F, 2, 2) turns a way on the plate into shares of a triangle's two sides.
    """

    def __init__(self, corners: Points, places: Points) -> None:
        sides = (places[:, 1:] - places[:, :1]).swapaxes(1, 2)
        good = np.abs(np.linalg.det(sides)) > FLAT
        self.corners, self.places = corners[good], places[good]
        self.inverse = np.linalg.inv(sides[good])

    @classmethod
    def of(cls, surface: Surface) -> Sheet:
        """The surface of a plate in the scene, by fractions of the plate."""
        corners = np.array([triangle.corners for triangle in surface.triangles], np.float64).reshape(-1, 3, 3)
        places = np.array([triangle.uvs for triangle in surface.triangles], np.float64).reshape(-1, 3, 2)
        places[..., 1] = 1 - places[..., 1]
        return cls(corners, places)

    def at(self, points: Points) -> Points:
        """(P, 3): where points (P, 2) of the plate are; beside the surface, the nearest triangle is extended."""
        return self.on(*self.nearest(points, 1 if self._is_plane else len(self.inverse)))

    def nearest(self, points: Points, count: int | None = None) -> tuple[Points, Points]:
        """Which triangle each of the points (P, 2) is on or nearest to, of all or the first few, and its shares (P, 2) there."""
        inverse = self.inverse[:count]
        weights = np.einsum("fij,pfj->pfi", inverse, points[:, None] - self.places[None, :count, 0])
        first, second = weights[..., 0], weights[..., 1]
        outside = np.maximum(np.maximum(-first, -second), first + second - 1)
        which = outside.argmin(axis=1)
        return which, weights[np.arange(len(points)), which]

    def on(self, which: Points, weights: Points) -> Points:
        """(P, 3): where shares (P, 2) of these triangles (P,) are."""
        a, b, c = (self.corners[which, corner] for corner in range(3))
        return a + weights[:, :1] * (b - a) + weights[:, 1:] * (c - a)

    @cached_property
    def _is_plane(self) -> bool:
        """Whether the first triangle, extended, says where all of the surface is."""
        if not len(self.corners):
            return False
        a, b, c = self.corners[0]
        weights = np.einsum("ij,fkj->fki", self.inverse[0], self.places - self.places[0, 0])
        extended = a + weights[..., :1] * (b - a) + weights[..., 1:] * (c - a)
        return bool(np.abs(extended - self.corners).max() <= ALIKE * np.ptp(self.corners.reshape(-1, 3), axis=0).max())
