"""Owns rendering a thing as a body: its own pixels on the deformed mesh, before what stands behind it.

With the place s(p) of the still that the mesh shows at p, on the nearest part of the body that covers p:

    out(p) = moving(s(p)) + (1 - matte(s(p))) behind(p)

Pixels where nothing moves are copied, not computed: there, and off the thing's old and new place, the plate stays to the byte.
Of parts that lie over each other, the one that has moved farther is in front; through its edge the next one shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ipoke_body import Body

from ..protocol.messages import Region
from .drawer import EXACT_PX, MOVES_PX, Drawer, Mask, Rows, paste
from .image import Field, PlateImage, working_part
from .parted import Parted, take_out
from .patches import NOWHERE, Painted, Patches, Points, Triangles, mapped
from .region import bands
from .trace import Places, Trace

_OVERSHOOT = 0.15  # of the motion, which a spline through the keys may add to it
_SEAM_PX = 2.0  # of places of the still: neighbours agree so far beyond the side that they share


@dataclass(frozen=True)
class Sheet:
    """A layer of a band's `columns`: the triangles (h, w) that it shows, NOWHERE where it is not, with places and their matte.

    Places `x` and `y` (h, w) are where in the still, in the box's pixels.
    """

    columns: slice
    triangles: Triangles
    x: Field
    y: Field
    shown: Field

    @property
    def covered(self) -> Mask:
        """(h, w): where it is."""
        return self.triangles != NOWHERE

    def off(self, columns: Field, lines: Field) -> Field:
        """(h, w): how far places are from others in the box's pixels, along the axis where that is more."""
        return np.maximum(np.abs(self.x - columns), np.abs(self.y - lines))


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
        painted = self._patches.painted(self._pose_px(weights), self.region)
        for band in bands(self.region):
            self._move(band, self._sheets(band, painted), behind[self._rows(band)], result)

    def _move(self, band: Region, sheets: list[Sheet], behind: Field, result: PlateImage) -> None:
        still = self._matte[self._rows(band)]
        moves, light = self._moves(band, sheets)
        changed = moves & ((light < 1) | (still > 0))
        if not changed.any():
            return
        part = _span(changed)
        moved = light[:, part, None] * behind[:, part]
        light = np.ones_like(light)
        for sheet in sheets:
            columns = slice(max(part.start, sheet.columns.start), min(part.stop, sheet.columns.stop))
            if columns.start >= columns.stop:
                continue
            own = slice(columns.start - sheet.columns.start, columns.stop - sheet.columns.start)
            x, y = (np.ascontiguousarray(plane[:, own]) for plane in (sheet.x, sheet.y))
            through = light[:, columns] * sheet.covered[:, own]
            there = slice(columns.start - part.start, columns.stop - part.start)
            moved[:, there] += _fetch(self._moving, x, y, cv2.INTER_CUBIC) * through[..., None]
            light[:, columns] *= 1 - sheet.shown[:, own]
        if self._bounds is not None:
            np.clip(moved, *self._bounds, out=moved)
        place = (slice(band.y, band.y + band.h), slice(band.x + part.start, band.x + part.stop))
        paste(moved, changed[:, part], place, self.plate, result)

    def _moves(self, band: Region, sheets: list[Sheet]) -> tuple[Mask, Field]:
        """Where (h, w) a band shows another place of the still than its own, and how much of what stands behind."""
        columns, lines = self._places(band, sheets[0].columns, (self.region.x, self.region.y))
        moves = ~sheets[0].covered | (sheets[0].off(columns, lines) > EXACT_PX)
        light = 1 - sheets[0].shown
        for sheet in sheets[1:]:
            here, seen = sheet.columns, sheet.shown > 0
            off = sheet.off(columns[here], lines) > EXACT_PX
            moves[:, here] = np.where(seen, off | (moves[:, here] & (light[:, here] < 1)), moves[:, here])
            light[:, here] *= 1 - sheet.shown
        return moves, light

    def traces(self, before: Rows, now: Rows, after: Rows) -> Iterator[Trace]:
        """See `Drawer`."""
        box = self.region
        painted = self._patches.painted(self._pose_px(now), box)
        onward = [self._patches.affine(self._pose_px(weights))[1].astype(np.float32) for weights in (before, after)]
        for band in bands(box):
            seen, shown = _most_seen(self._sheets(band, painted))
            source = (seen.x + box.x, seen.y + box.y)
            there = [mapped(maps[np.where(seen.covered, seen.triangles, 0)], *source) for maps in onward]
            columns, lines = self._places(band, seen.columns)
            moves = ~seen.covered | (np.hypot(source[0] - columns, source[1] - lines) > MOVES_PX)
            yield Trace(band, shown, self._matte[self._rows(band)], source, there[0], there[1], moves, np.ones_like(shown))

    def _sheets(self, band: Region, painted: Painted) -> list[Sheet]:
        """What a band shows, from front to back: beneath the top only what is seen through what lies over it."""
        rows = self._rows(band)
        top = self._sheet(band, slice(0, band.w), painted.top[rows], painted.back)
        sheets, light = [top], 1 - top.shown
        x, y = (top.x.copy(), top.y.copy()) if painted.beneath else (top.x, top.y)
        for layer in painted.beneath:
            seen = (layer[rows] != NOWHERE) & (light > 0)
            if not seen.any():
                continue
            here = _span(seen)
            sheet = self._sheet(band, here, np.where(seen, layer[rows], NOWHERE)[:, here], painted.back)
            other = sheet.covered & (sheet.off(x[:, here], y[:, here]) > _SEAM_PX)
            sheet = replace(sheet, triangles=np.where(other, sheet.triangles, NOWHERE), shown=sheet.shown * other)
            np.copyto(x[:, here], sheet.x, where=other)
            np.copyto(y[:, here], sheet.y, where=other)
            light[:, here] *= 1 - sheet.shown
            sheets.append(sheet)
        return sheets

    def _sheet(self, band: Region, here: slice, triangles: Triangles, back: Points) -> Sheet:
        covered = triangles != NOWHERE
        maps = back.astype(np.float32)[np.where(covered, triangles, 0)]
        x, y = mapped(maps, *self._places(band, here))
        x, y = np.nan_to_num(x - self.region.x), np.nan_to_num(y - self.region.y)
        return Sheet(here, triangles, x, y, _fetch(self._matte, x, y, cv2.INTER_LINEAR) * covered)

    def _places(self, band: Region, columns: slice, corner: tuple[int, int] = (0, 0)) -> Places:
        """x (w,) and y (h, 1) of some columns of a band, in pixels from a corner of the plate."""
        x, y = band.x + columns.start - corner[0], band.y - corner[1]
        width = columns.stop - columns.start
        return np.arange(x, x + width, dtype=np.float32), np.arange(y, y + band.h, dtype=np.float32)[:, None]

    def _rows(self, band: Region) -> slice:
        return slice(band.y - self.region.y, band.y - self.region.y + band.h)

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


def _most_seen(sheets: list[Sheet]) -> tuple[Sheet, Field]:
    """A band as the layer that is seen most at each pixel shows it, and the matte (h, w) of all together."""
    most, light = sheets[0], 1 - sheets[0].shown
    if len(sheets) == 1:
        return most, most.shown
    share = most.shown.copy()
    triangles, x, y = most.triangles.copy(), most.x.copy(), most.y.copy()
    for sheet in sheets[1:]:
        here, own = sheet.columns, sheet.shown * light[:, sheet.columns]
        more = own > share[:, here]
        for plane, new in ((triangles, sheet.triangles), (x, sheet.x), (y, sheet.y), (share, own)):
            np.copyto(plane[:, here], new, where=more)
        light[:, here] *= 1 - sheet.shown
    return Sheet(most.columns, triangles, x, y, most.shown), 1 - light


def _span(found: Mask) -> slice:
    """The columns from the first to the last that is found anything in."""
    columns = np.flatnonzero(found.any(axis=0))
    return slice(int(columns[0]), int(columns[-1]) + 1)


def _fetch(source: Field, x: Field, y: Field, method: int) -> Field:
    return np.asarray(cv2.remap(source, x, y, method, borderMode=cv2.BORDER_CONSTANT, borderValue=0), np.float32)
