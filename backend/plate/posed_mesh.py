"""Owns a body as others take it: triangles that move, the thing's own picture on them, and the plate without the thing.

What is drawn of a body is what its renderer draws: where parts share a place, each part's triangles are cut to its own pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ipoke_body import Body
from ipoke_body.mesh import Indices

from ..protocol.messages import Region
from .image import PlateImage
from .parted import Parted, plate_behind, thing_alone
from .patches import Patches, Points


@dataclass(frozen=True)
class PosedMesh:
    """Triangles (F, 3), and for each vertex the body's vertices (V, 3) that carry it with their weights (V, 3)."""

    triangles: Indices
    carriers: Indices
    weights: Points

    @classmethod
    def of(cls, body: Body) -> PosedMesh:
        """The mesh of what is drawn of a body."""
        patches = Patches.of(body, body.size_px)
        triangles, carriers, weights = [], [], []
        own = np.arange(len(body.mesh.vertices))
        count = len(own)
        for index, (corners, polygon) in enumerate(zip(patches.triangles, patches.polygons, strict=True)):
            if np.array_equal(polygon, patches.rest_px[corners]):
                triangles.append(corners[None])
                continue
            triangles.append(count + _fan(len(polygon)))
            carriers.append(np.tile(corners, (len(polygon), 1)))
            weights.append(body.mesh.barycentric(np.full(len(polygon), index), polygon))
            count += len(polygon)
        whole = np.repeat(own[:, None], 3, axis=1)
        used, renumbered = np.unique(np.concatenate(triangles), return_inverse=True)
        return cls(
            renumbered.reshape(-1, 3),
            np.concatenate([whole, *carriers])[used],
            np.concatenate([np.tile([1.0, 0.0, 0.0], (len(own), 1)), *weights])[used],
        )

    def carried(self, poses: Points) -> Points:
        """Poses (T, V, 2) of this mesh for poses of its body."""
        return np.asarray((poses[:, self.carriers] * self.weights[..., None]).sum(axis=2))


def pictures_of(plate: PlateImage, parted: Parted) -> tuple[PlateImage, PlateImage]:
    """The thing's own picture with its matte as alpha, and the plate without the thing; both of the plate's size and depth."""
    return _laid_out(thing_alone(plate, parted), parted.box, plate), plate_behind(plate, parted)


def _laid_out(alone: PlateImage, box: Region, plate: PlateImage) -> PlateImage:
    """A picture of a box, with straight alpha, on a clear one of the plate's size; light is premultiplied then, as in EXR."""
    width, height = plate.size_px
    assert alone.alpha is not None
    bgr, alpha = np.zeros((height, width, 3), alone.bgr.dtype), np.zeros((height, width), alone.bgr.dtype)
    place = (slice(box.y, box.y + box.h), slice(box.x, box.x + box.w))
    bgr[place], alpha[place] = alone.bgr * alone.alpha[..., None] if plate.is_float else alone.bgr, alone.alpha
    return replace(alone, bgr=bgr, alpha=alpha, premultiplied=plate.is_float)


def _fan(corners: int) -> Indices:
    """Triangles of a convex polygon with so many corners."""
    inner = np.arange(1, corners - 1)
    return np.column_stack([np.zeros_like(inner), inner, inner + 1])
