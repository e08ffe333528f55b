"""Owns a body as others take it: triangles that move, the thing's own picture on them, and the plate without the thing.

What is drawn of a body is what its renderer draws: where parts share a place, each part's triangles are cut to its own pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..body import Body
from ..body.mesh import Indices
from ..protocol.messages import Region
from .image import Field, PlateImage, display_of, linear_of, working_part
from .parted import plate_behind, take_out
from .posed import Patches, Points

_ROOM = 0.6
"""Of the thing's size: how much around it is looked at to fill the plate behind it."""
_LEAST_ALPHA = 1 / 65536


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


def pictures_of(
    plate: PlateImage, thing: Field, body: Body, clean: PlateImage | None, lock: Field | None
) -> tuple[PlateImage, PlateImage]:
    """The thing's own picture with its matte as alpha, and the plate without the thing; both as the plate is stored.

    With P the plate, B what stands behind and m the matte, in linear light and premultiplied, as other programs composite, the
    thing's picture is P - (1 - m) B: laid over B at rest it is P again.
    """
    box = _room_around(body, plate.size_px)
    parted = take_out(plate, thing, box, clean, lock, Patches.of(body, plate.size_px).covered(box))
    background = plate_behind(plate, parted)
    picture, behind = (_linear(working_part(image, box), image) for image in (plate, background))
    matte = parted.matte if plate.is_float else _shown_matte(picture, behind, parted.matte, plate.peak)
    moving = (picture - (1 - matte[..., None]) * behind) * (matte > 0)[..., None]
    return _cut_out(moving, box, plate), background


def _shown_matte(picture: Field, behind: Field, matte: Field, peak: float) -> Field:
    """The matte, and more where no colour between 0 and 1 would make the picture again with it; in whole steps of the plate's."""
    darker, lighter = np.maximum(behind - picture, 0), np.maximum(picture - behind, 0)
    need = np.maximum(darker / np.maximum(behind, _LEAST_ALPHA), lighter / np.maximum(1 - behind, _LEAST_ALPHA)).max(axis=2)
    return np.where(matte > 0, np.ceil(np.clip(np.maximum(matte, need), 0, 1) * np.float32(peak)) / np.float32(peak), 0)


def _room_around(body: Body, size_px: tuple[int, int]) -> Region:
    low, high = body.rest.min(axis=0), body.rest.max(axis=0)
    room = _ROOM * (high - low)
    left, top = np.floor(np.clip(low - room, 0, 1) * size_px).astype(int)
    right, bottom = np.ceil(np.clip(high + room, 0, 1) * size_px).astype(int)
    return Region(int(left), int(top), int(right - left), int(bottom - top))


def _cut_out(moving: Field, box: Region, plate: PlateImage) -> PlateImage:
    """An image of the plate's size with these pixels (h, w, 4) of linear light in a box, and nothing elsewhere."""
    width, height = plate.size_px
    alpha = np.clip(moving[..., 3], 0, 1)
    colour = moving[..., :3]
    if not plate.is_float:
        colour = display_of(colour / np.maximum(alpha[..., None], _LEAST_ALPHA)) * (alpha[..., None] >= _LEAST_ALPHA)
    place = (slice(box.y, box.y + box.h), slice(box.x, box.x + box.w))
    bgr, cover = np.zeros((height, width, 3), plate.bgr.dtype), np.zeros((height, width), plate.bgr.dtype)
    bgr[place], cover[place] = _stored(colour, plate), _stored(alpha, plate)
    return replace(plate, bgr=bgr, alpha=cover, premultiplied=plate.is_float)


def _stored(values: Field, plate: PlateImage) -> NDArray[np.generic]:
    return (values if plate.is_float else np.rint(values * plate.peak)).astype(plate.bgr.dtype)


def _linear(working: Field, plate: PlateImage) -> Field:
    """Working pixels of a plate as (h, w, 4) premultiplied linear light with alpha in [0, 1]."""
    scaled = working * np.float32(1 / plate.peak)
    alpha = scaled[..., 3:] if plate.alpha is not None else np.ones_like(scaled[..., :1])
    colour = scaled[..., :3]
    if not plate.is_float:
        straight = np.clip(colour / np.maximum(alpha, _LEAST_ALPHA), 0, 1)
        colour = linear_of(straight) * alpha
    return np.concatenate([colour, alpha], axis=2)


def _fan(corners: int) -> Indices:
    """Triangles of a convex polygon with so many corners."""
    inner = np.arange(1, corners - 1)
    return np.column_stack([np.zeros_like(inner), inner, inner + 1])
