"""Owns rendering a frame: the moving layer at its place over what stands behind it, in the plate's own pixels.

With the backward flow f of the frame (its pixel p shows the still's p + f):

    out(p) = moving(p + r f) + (1 - matte(p + r f)) behind(p) + shading(p)

r is the region's ramp (0 at its border, 1 inside, 1 at borders that are the plate's own). Pixels where nothing moves are
copied, not computed: there, outside the region and under a full lock, the result is the plate to the byte.

Where other regions have moved the plate before, by d = before - plate, that change moves along:

    moving' = moving + [matte > 0] d        behind' = behind + [matte = 0] d
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from ..protocol.messages import Region
from .drawer import EXACT_PX, MOVES_PX, Drawer, Rows, paste
from .image import Field, PlateImage, to_working, working_part
from .layers import Layers, take_apart
from .motion import Motion, inverse_of, step
from .region import bands, enlarged
from .trace import Places, Trace

_ROUNDS = 6
_FEATHER = 0.08
_LEAST_SHADING = 1 / 1024


class Renderer(Drawer):
    """Renders a region that moves by a model's flow."""

    def __init__(
        self,
        plate: PlateImage,
        region: Region,
        motion: Motion,
        clean: PlateImage | None = None,
        lock: Field | None = None,
    ) -> None:
        """`clean` is the plate without what moves, of its size and kind; `lock` (H, W) in [0, 1] keeps the plate."""
        super().__init__(plate, region, lock)
        self.motion = motion
        self.layers: Layers = take_apart(plate, region, motion, clean, lock)
        self.scale = np.array([region.w, region.h], np.float32) / motion.size_px
        (width, height), side = plate.size_px, self.layers.shifts.shape[-1]
        self._ramp = _ramp(region.y, region.h, height, side)[:, None] * _ramp(region.x, region.w, width, side)

    @property
    def reach(self) -> Region:
        """See `Drawer`."""
        return self.layers.source

    def draw(self, weights: Rows, result: PlateImage, *, over: bool = False) -> None:
        """See `Drawer`."""
        if self.layers.box is not None:
            flow = self.flow(weights)
            layers = self._over(result) if over else self.layers
            for band in bands(self.layers.box):
                self._move(band, flow, layers, result)
        if self.motion.shading is not None:
            side = self.layers.shifts.shape[-1]
            coarse = np.tensordot(weights, self.motion.shading, 1).astype(np.float32)
            self._shade(np.stack([cv2.resize(plane, (side, side)) * self._ramp for plane in coarse]), result)

    def flow(self, weights: Rows) -> Field:
        """Backward flow (2, G, G) of an instant over the region, in plate px."""
        shifts = np.tensordot(weights, self.layers.shifts, 1).astype(np.float32)
        finer = np.float32(shifts.shape[-1] / self.motion.size_px)
        return inverse_of(shifts * finer) * (self.scale / finer)[:, None, None] * self._ramp

    def traces(self, before: Rows, now: Rows, after: Rows) -> Iterator[Trace]:
        """See `Drawer`."""
        if self.layers.box is None:
            return
        flows = [self.flow(weights) for weights in (before, now, after)]
        trust = np.tensordot(np.abs(now) / max(float(np.abs(now).sum()), 1e-9), self.motion.trust, 1).astype(np.float32)
        for band in bands(self.layers.box):
            x, y = self.flow_in(band, flows[1])
            columns = np.arange(band.x, band.x + band.w, dtype=np.float32)
            rows = np.arange(band.y, band.y + band.h, dtype=np.float32)[:, None]
            source = (columns + x, rows + y)
            there = [_place_in(self.region, flow, source, (columns + 0 * x, rows + 0 * y)) for flow in (flows[0], flows[2])]
            shown, still = self.matte_in(band, x, y), self.layers.matte[self.layers.at(band)]
            moves = np.hypot(x, y) > MOVES_PX
            yield Trace(band, shown, still, source, there[0], there[1], moves, enlarged(trust, self.region, band))

    def flow_in(self, band: Region, flow: Field) -> tuple[Field, Field]:
        """x and y (h, w) of a flow over the region, at a band of the plate's pixels."""
        x, y = (enlarged(plane, self.region, band) for plane in flow)
        return x, y

    def matte_in(self, band: Region, x: Field, y: Field) -> Field:
        """The moved matte (h, w) of a band."""
        return self._fetch(self.layers.matte, *self._places(band, x, y), cv2.INTER_LINEAR)

    def _places(self, band: Region, x: Field, y: Field) -> tuple[Field, Field]:
        source = self.layers.source
        columns = np.arange(band.x - source.x, band.x - source.x + band.w, dtype=np.float32)
        rows = np.arange(band.y - source.y, band.y - source.y + band.h, dtype=np.float32)
        return x + columns, y + rows[:, None]

    def _fetch(self, source: Field, x: Field, y: Field, method: int) -> Field:
        """Pixels of a layer. A thing that comes in from beyond the plate's border shows only what the still has of it."""
        border = cv2.BORDER_CONSTANT if self.layers.is_parted else cv2.BORDER_REFLECT_101
        return np.asarray(cv2.remap(source, x, y, method, borderMode=border, borderValue=0))

    def _over(self, result: PlateImage) -> Layers:
        """The layers with what other regions have changed of the plate."""
        layers = self.layers
        change = working_part(result, layers.source) - working_part(self.plate, layers.source)
        rides = layers.matte[..., None] > 0
        return replace(layers, moving=layers.moving + change * rides, behind=layers.behind + change * ~rides)

    def _move(self, band: Region, flow: Field, layers: Layers, result: PlateImage) -> None:
        x, y = self.flow_in(band, flow)
        moves = (np.abs(x) > EXACT_PX) | (np.abs(y) > EXACT_PX)
        if not moves.any():
            return
        here = layers.at(band)
        places = self._places(band, x, y)
        matte = self._fetch(layers.matte, *places, cv2.INTER_LINEAR)
        changed = moves & ((matte > 0) | (layers.matte[here] > 0))
        if not changed.any():
            return
        # Only the columns between the first and the last change are computed.
        columns = np.flatnonzero(changed.any(axis=0))
        part = slice(int(columns[0]), int(columns[-1]) + 1)
        at = (np.ascontiguousarray(places[0][:, part]), np.ascontiguousarray(places[1][:, part]))
        moved = self._fetch(layers.moving, *at, cv2.INTER_CUBIC).astype(np.float32)
        moved += (1 - matte[:, part, None]) * layers.behind[here][:, part]
        if self._bounds is not None:
            np.clip(moved, *self._bounds, out=moved)
        place = (slice(band.y, band.y + band.h), slice(band.x + part.start, band.x + part.stop))
        paste(moved, changed[:, part], place, self.plate, result)

    def _shade(self, shading: Field, result: PlateImage) -> None:
        """Add shading (3, G, G) to the region; on float plates, in proportion to the light that is there."""
        region = self.region
        for band in bands(region):
            added = np.dstack([enlarged(plane, region, band) for plane in shading])
            changed = np.abs(added).max(axis=2) > _LEAST_SHADING
            if not changed.any():
                continue
            place = (slice(band.y, band.y + band.h), slice(band.x, band.x + band.w))
            alpha = None if result.alpha is None else result.alpha[place]
            shown = to_working(PlateImage(result.bgr[place], alpha, result.premultiplied))
            weight = 1.0 if alpha is None else shown[..., 3:] / np.float32(result.peak)
            shown[..., :3] += added * (shown[..., :3] if result.is_float else weight * np.float32(result.peak))
            paste(shown, changed, place, self.plate, result)


def _place_in(region: Region, flow: Field, source: Places, guess: Places) -> Places:
    """Where the still's places `source` are in a frame with a backward flow: p = source - flow(p)."""
    x, y = guess
    across, down = flow.shape[2] / region.w, flow.shape[1] / region.h
    for _ in range(_ROUNDS):
        at_x = ((x + 0.5 - region.x) * across - 0.5).astype(np.float32)
        at_y = ((y + 0.5 - region.y) * down - 0.5).astype(np.float32)
        x, y = (
            origin - cv2.remap(plane, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for origin, plane in zip(source, flow, strict=True)
        )
    return x, y


def _ramp(start: int, length: int, limit: int, side: int) -> Field:
    """(side,) over a region's width or height: 0 at its border, 1 inside, 1 at borders that are the plate's own."""
    position = (np.arange(side, dtype=np.float32) + 0.5) / side
    before = position if start > 0 else np.ones(side, np.float32)
    after = 1 - position if start + length < limit else np.ones(side, np.float32)
    return step(np.minimum(before, after), 0.5 / side, _FEATHER)
