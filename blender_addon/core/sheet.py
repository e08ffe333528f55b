"""Where many points of a plate are in the scene at once: a surface as arrays. No bpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from .plane import Surface

Points = Any  # numpy's array types are not there for a type checker inside Blender

FLAT = 1e-12  # area of a triangle of texture coordinates that says nothing
ALIKE = 1e-6  # of the surface's extent


class Sheet:
    """The surface of a plate. `corners` (F, 3, 3) are its triangles in the scene, `places` (F, 3, 2) these on the plate."""

    def __init__(self, surface: Surface) -> None:
        corners = np.array([triangle.corners for triangle in surface.triangles], np.float64).reshape(-1, 3, 3)
        places = np.array([triangle.uvs for triangle in surface.triangles], np.float64).reshape(-1, 3, 2)
        places[..., 1] = 1 - places[..., 1]
        sides = (places[:, 1:] - places[:, :1]).swapaxes(1, 2)
        good = np.abs(np.linalg.det(sides)) > FLAT
        self.corners, self.places = corners[good], places[good]
        self._inverse = np.linalg.inv(sides[good])
        if self._is_plane():
            self._inverse = self._inverse[:1]

    def at(self, points: Points) -> Points:
        """(P, 3): where points (P, 2) of the plate are; beside the surface, the nearest triangle is extended."""
        count = len(self._inverse)
        weights = np.einsum("fij,pfj->pfi", self._inverse, points[:, None] - self.places[None, :count, 0])
        first, second = weights[..., 0], weights[..., 1]
        outside = np.maximum(np.maximum(-first, -second), first + second - 1)
        which = outside.argmin(axis=1)
        weights = weights[np.arange(len(points)), which]
        a, b, c = (self.corners[which, corner] for corner in range(3))
        return a + weights[:, :1] * (b - a) + weights[:, 1:] * (c - a)

    def _is_plane(self) -> bool:
        """Whether the first triangle, extended, says where all of the surface is."""
        if not len(self.corners):
            return False
        a, b, c = self.corners[0]
        weights = np.einsum("ij,fkj->fki", self._inverse[0], self.places - self.places[0, 0])
        told = a + weights[..., :1] * (b - a) + weights[..., 1:] * (c - a)
        return bool(np.abs(told - self.corners).max() <= ALIKE * np.ptp(self.corners.reshape(-1, 3), axis=0).max())
