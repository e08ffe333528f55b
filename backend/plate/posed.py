"""Owns rendering a thing as a body: its own pixels on the deformed mesh, before what stands behind it.

With the place s(p) of the still that the mesh shows at p, on the nearest part of the body that covers p:

    out(p) = moving(s(p)) + (1 - matte(s(p))) behind(p)

Pixels where nothing moves are copied, not computed: there, and off the thing's old and new place, the plate stays to the byte.
Of parts that lie over each other, the one that has moved farther is in front.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..body import Body
from ..protocol.messages import Region
from .drawer import EXACT_PX, MOVES_PX, Drawer, Mask, Rows, paste
from .image import Field, PlateImage, working_part
from .parted import Parted, take_out
from .region import bands
from .trace import Places, Trace

Points = NDArray[np.float64]

_SUBPIXEL_BITS = 4
_NOWHERE = -1
_OVERSHOOT = 0.15  # of the motion, which a spline through the keys may add to it
_FLAT = 1e-6  # of a triangle's area at rest


@dataclass(frozen=True)
class Patches:
    """What of each triangle of a body is drawn: a polygon of it, in plate px at rest.

    Where parts of a thing share a place, each draws only the pixels that are its own.
    """

    rest_px: Points
    triangles: NDArray[np.intp]
    polygons: tuple[Points, ...]

    @classmethod
    def of(cls, body: Body, size_px: tuple[int, int]) -> Patches:
        """The patches of a body on a plate of this size."""
        mesh = body.mesh
        scale = np.array(size_px) / body.size_px
        return cls(mesh.vertices * scale, mesh.triangles, tuple(polygon * scale for polygon in mesh.patches()))

    def affine(self, pose_px: Points) -> tuple[Points, Points]:
        """(F, 2, 3) each: from a pose to rest, and from rest to the pose; NaN for triangles that the pose makes flat."""
        rest, posed = self.rest_px[self.triangles], pose_px[self.triangles]
        return _maps(posed, rest), _maps(rest, posed)

    def covered(self, box: Region) -> Mask:
        """(h, w) of a box: where the body draws anything at rest."""
        return self.painted(self.rest_px, box) != _NOWHERE

    def painted(self, pose_px: Points, box: Region) -> NDArray[np.int16]:
        """(h, w) of a box: the triangle that is seen at each pixel of the plate, -1 where there is none."""
        canvas = np.full((box.h, box.w), _NOWHERE, np.int16)
        back, forward = self.affine(pose_px)
        moved = pose_px - self.rest_px
        order = np.argsort(np.hypot(*moved[self.triangles].mean(axis=1).T), kind="stable")
        corner = np.array([box.x + 0.5, box.y + 0.5])
        for index in order:
            if not np.isfinite(back[index]).all():  # flat: it shows nothing
                continue
            places = self.polygons[index] @ forward[index, :, :2].T + forward[index, :, 2] - corner
            points = np.rint(places * 2**_SUBPIXEL_BITS).astype(np.int32)
            cv2.fillConvexPoly(canvas, points, int(index), cv2.LINE_8, _SUBPIXEL_BITS)
        return canvas


class PosedRenderer(Drawer):
    """Renders a thing that moves as a body."""

    def __init__(self, plate: PlateImage, parted: Parted, body: Body, keys: Points, lock: Field | None = None) -> None:
        """`parted` is the body's thing (see `part_body`), `keys` (K, V, 2) poses of the body in fractions of the plate."""
        patches = Patches.of(body, plate.size_px)
        super().__init__(plate, box_of(patches.rest_px, keys, plate.size_px), lock)
        self._patches, self._keys = patches, keys
        parted = parted.spread_over(self.region, plate)
        self._moving, self._matte, self._behind = parted.moving, parted.matte, parted.behind

    @property
    def reach(self) -> Region:
        """See `Drawer`."""
        return self.region

    def draw(self, weights: Rows, result: PlateImage, *, over: bool = False) -> None:
        """See `Drawer`."""
        behind = self._behind
        if over:
            change = working_part(result, self.region) - working_part(self.plate, self.region)
            behind = behind + change * (self._matte == 0)[..., None]
        pose_px = self._pose_px(weights)
        canvas = self._patches.painted(pose_px, self.region)
        back, _ = self._patches.affine(pose_px)
        for band in bands(self.region):
            rows = slice(band.y - self.region.y, band.y - self.region.y + band.h)
            x, y, covered = self._sources(band, canvas[rows], back)
            self._move(band, (x, y), covered, behind[rows], result)

    def _move(self, band: Region, at: Places, covered: Mask, behind: Field, result: PlateImage) -> None:
        rows = slice(band.y - self.region.y, band.y - self.region.y + band.h)
        columns, lines = np.arange(band.w, dtype=np.float32), np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
        shown = _fetch(self._matte, *at, cv2.INTER_LINEAR) * covered
        moves = ~covered | (np.abs(at[0] - columns) > EXACT_PX) | (np.abs(at[1] - lines) > EXACT_PX)
        changed = moves & ((shown > 0) | (self._matte[rows] > 0))
        if not changed.any():
            return
        found = np.flatnonzero(changed.any(axis=0))
        part = slice(int(found[0]), int(found[-1]) + 1)
        x, y = (np.ascontiguousarray(plane[:, part]) for plane in at)
        moved = _fetch(self._moving, x, y, cv2.INTER_CUBIC) * covered[:, part, None]
        moved += (1 - shown[:, part, None]) * behind[:, part]
        if self._bounds is not None:
            np.clip(moved, *self._bounds, out=moved)
        place = (slice(band.y, band.y + band.h), slice(band.x + part.start, band.x + part.stop))
        paste(moved, changed[:, part], place, self.plate, result)

    def traces(self, before: Rows, now: Rows, after: Rows) -> Iterator[Trace]:
        """See `Drawer`."""
        box, pose_px = self.region, self._pose_px(now)
        canvas = self._patches.painted(pose_px, box)
        back, _ = self._patches.affine(pose_px)
        onward = [self._patches.affine(self._pose_px(weights))[1].astype(np.float32) for weights in (before, after)]
        for band in bands(box):
            rows = slice(band.y - box.y, band.y - box.y + band.h)
            painted = canvas[rows]
            x, y, covered = self._sources(band, painted, back)
            shown = _fetch(self._matte, x, y, cv2.INTER_LINEAR) * covered
            source = (x + box.x, y + box.y)
            there = [_mapped(maps[np.where(covered, painted, 0)], *source) for maps in onward]
            columns = np.arange(band.x, band.x + band.w, dtype=np.float32)
            lines = np.arange(band.y, band.y + band.h, dtype=np.float32)[:, None]
            moves = ~covered | (np.hypot(source[0] - columns, source[1] - lines) > MOVES_PX)
            yield Trace(band, shown, self._matte[rows], source, there[0], there[1], moves, np.ones_like(shown))

    def _sources(self, band: Region, painted: NDArray[np.int16], back: Points) -> tuple[Field, Field, Mask]:
        """x and y (h, w) in the box's pixels of what a band shows, and where it shows anything."""
        covered = painted != _NOWHERE
        maps = back.astype(np.float32)[np.where(covered, painted, 0)]
        columns = np.arange(band.x, band.x + band.w, dtype=np.float32)
        x, y = _mapped(maps, columns, np.arange(band.y, band.y + band.h, dtype=np.float32)[:, None])
        return np.nan_to_num(x - self.region.x), np.nan_to_num(y - self.region.y), covered

    def _pose_px(self, weights: Rows) -> Points:
        return np.asarray(np.tensordot(weights, self._keys, 1) * self.plate.size_px)


def part_body(plate: PlateImage, thing: Field, body: Body, clean: PlateImage | None = None, lock: Field | None = None) -> Parted:
    """Take a thing (H, W) in [0, 1] out of its plate as far as its body shows it, in the smallest box; once for all variants."""
    patches = Patches.of(body, plate.size_px)
    box = box_of(patches.rest_px, body.rest[None], plate.size_px)
    return take_out(plate, thing, box, clean, lock, patches.covered(box))


def box_of(rest_px: Points, keys: Points, size_px: tuple[int, int]) -> Region:
    """Where frames may differ from the plate: the thing's old place, and all its new ones."""
    moved = keys * size_px - rest_px
    most = np.abs(moved).max(axis=(0, 1)) * _OVERSHOOT + 3
    places = np.concatenate([(moved + rest_px).reshape(-1, 2), rest_px])
    left, top = np.maximum(0, np.floor(places.min(axis=0) - most)).astype(int)
    right, bottom = np.minimum(size_px, np.ceil(places.max(axis=0) + most)).astype(int)
    return Region(int(left), int(top), max(4, int(right - left)), max(4, int(bottom - top)))


def _maps(source: Points, target: Points) -> Points:
    """(F, 2, 3): the affine maps that take triangles (F, 3, 2) to others."""
    sides, goals = (np.stack([places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]], axis=-1) for places in (source, target))
    area = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
    usual = np.abs(goals[:, 0, 0] * goals[:, 1, 1] - goals[:, 0, 1] * goals[:, 1, 0])
    area = np.where(np.abs(area) > _FLAT * usual, area, np.nan)
    adjugate = np.stack([sides[:, 1, 1], -sides[:, 0, 1], -sides[:, 1, 0], sides[:, 0, 0]], axis=-1).reshape(-1, 2, 2)
    linear = goals @ (adjugate / area[:, None, None])
    return np.concatenate([linear, (target[:, 0] - (linear @ source[:, 0, :, None])[..., 0])[..., None]], axis=-1)


def _mapped(maps: Field, x: Field, y: Field) -> Places:
    """Places in pixels, whose centres are at half numbers, under affine maps (h, w, 2, 3)."""
    across, down = (maps[..., axis, 0] * (x + 0.5) + maps[..., axis, 1] * (y + 0.5) + maps[..., axis, 2] - 0.5 for axis in (0, 1))
    return across, down


def _fetch(source: Field, x: Field, y: Field, method: int) -> Field:
    return np.asarray(cv2.remap(source, x, y, method, borderMode=cv2.BORDER_CONSTANT, borderValue=0), np.float32)
