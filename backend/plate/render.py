"""Owns moving the plate's own pixels: the model says how things move at its small size, the plate gives the detail.

With a backward flow f (frame pixel p takes plate pixel p + f) and a visibility v, both at the model's size:

    out(p) = (1 - w) plate(p + m f) + w colour(p)       w = m * fill(v)

m is the region's matte (0 at its border, 1 inside), so the motion fades out instead of tearing. Pixels with no motion
and no fill are copied, not computed: outside the region, and where the flow is under a fifth of a model pixel, the
result is the plate to the byte. A model without flow changes the plate's colours by the low-frequency difference of its
frames.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import Region
from .image import Pixels, PlateImage, from_premultiplied
from .upsample import Field, Upsampler, step

STILL_PX = 0.2
_EXACT_PX = 1 / 64
_HIDDEN = (0.3, 0.7)
_DIFFERENT = (0.03, 0.12)
_BACKDROP_DISTANCE = (0.04, 0.16)
_COLOUR_STEP = (0.012, 0.03)

Mask = NDArray[np.bool_]


class Renderer:
    """Renders frames of one plate and region. `x0` (3, S, S) in [-1, 1] is what the model saw of the region."""

    def __init__(self, plate: PlateImage, region: Region, x0: Field) -> None:
        size_px = x0.shape[-1]
        self._plate = plate
        self._region = region
        self._x0 = _to_unit(x0)
        self._scale = (region.w / size_px, region.h / size_px)
        self._upsampler = Upsampler(region, plate.size_px, size_px)
        self._columns = np.arange(region.x, region.x + region.w, dtype=np.float32)

    def render(self, frame: Field, flow: Field | None, visibility: Field | None) -> PlateImage:
        """The plate at the time of a model frame (3, S, S); flow (2, S, S) in model pixels, visibility (S, S)."""
        colour = _to_unit(frame)
        if flow is None:
            return self._recolour(colour)
        return self._warp(colour, flow, visibility)

    def _warp(self, colour: Field, flow: Field, visibility: Field | None) -> PlateImage:
        up = self._upsampler
        moves = step(np.hypot(flow[0], flow[1]), STILL_PX, 2 * STILL_PX)
        wide_x, wide_y = (up.widen(flow[axis] * moves * np.float32(self._scale[axis])) for axis in (0, 1))
        wide_fill = up.widen(self._fill(colour, flow, visibility))
        wide_paint = [up.widen(plane) for plane in self._paint(colour)]
        result = self._copy()
        for band in up.bands():
            matte = up.matte(band)
            x, y, fill = (up.rows(wide, band) * matte for wide in (wide_x, wide_y, wide_fill))
            changed = (np.abs(x) > _EXACT_PX) | (np.abs(y) > _EXACT_PX) | (fill > 0)
            if changed.any():
                moved = self._fetch(band, x, y)
                if fill.any():
                    _mix(moved, fill, [up.rows(wide, band) for wide in wide_paint])
                self._paste(moved, band, changed, result)
        return result

    def _fill(self, colour: Field, flow: Field, visibility: Field | None) -> Field:
        # Hidden parts take the model's colour, but only where warping would show something else.
        if visibility is None:
            return np.zeros(colour.shape[:2], np.float32)
        rows, columns = np.indices(colour.shape[:2], dtype=np.float32)
        warped = _remap(np.ascontiguousarray(self._x0), columns + flow[0], rows + flow[1])
        different = step(np.abs(warped - colour).max(axis=2), *_DIFFERENT)
        return step(1.0 - visibility, *_HIDDEN) * different

    def _paint(self, colour: Field) -> list[Field]:
        """Planes that fill hidden parts, in the form of the pixels that are moved."""
        planes = [np.ascontiguousarray(colour[..., channel]) for channel in range(3)]
        if self._plate.alpha is None:
            return planes
        # The model saw a grey backdrop behind the cut-out: where it paints that again, there is nothing.
        opacity = step(np.abs(colour - 0.5).max(axis=2), *_BACKDROP_DISTANCE)
        return [*(plane * opacity for plane in planes), opacity]

    def _fetch(self, band: slice, x: Field, y: Field) -> Pixels:
        source = self._plate.bgr if self._plate.alpha is None else self._plate.premultiplied
        rows = np.arange(self._region.y + band.start, self._region.y + band.stop, dtype=np.float32)
        return _remap(source, x + self._columns, y + rows[:, None])

    def _paste(self, moved: Pixels, band: slice, changed: Mask, result: PlateImage) -> None:
        place = self._place(band)
        if result.alpha is None:
            np.copyto(result.bgr[place], moved, where=changed[..., None])
        else:
            straight = from_premultiplied(moved, self._plate.depth_bits)
            assert straight.alpha is not None
            np.copyto(result.bgr[place], straight.bgr, where=changed[..., None])
            np.copyto(result.alpha[place], straight.alpha, where=changed)

    def _recolour(self, colour: Field) -> PlateImage:
        up = self._upsampler
        difference = colour - self._x0
        difference = difference * step(np.abs(difference).max(axis=2), *_COLOUR_STEP)[..., None]
        wide = [up.widen(np.ascontiguousarray(difference[..., channel])) for channel in range(3)]
        result = self._copy()
        peak = np.float32(np.iinfo(result.bgr.dtype).max)
        for band in up.bands():
            place, matte = self._place(band), up.matte(band)
            for channel in range(3):
                target = result.bgr[place][..., channel]
                target[:] = np.clip(np.rint(target + up.rows(wide[channel], band) * matte * peak), 0, peak)
        return result

    def _place(self, band: slice) -> tuple[slice, slice]:
        region = self._region
        return slice(region.y + band.start, region.y + band.stop), slice(region.x, region.x + region.w)

    def _copy(self) -> PlateImage:
        alpha = self._plate.alpha
        return PlateImage(self._plate.bgr.copy(), None if alpha is None else alpha.copy())


def _mix(moved: Pixels, fill: Field, paint: list[Field]) -> None:
    """Blend planes in [0, 1] over the moved pixels, in place."""
    columns = np.flatnonzero(fill.any(axis=0))
    part = slice(int(columns[0]), int(columns[-1]) + 1)
    weight = fill[:, part]
    peak = np.float32(np.iinfo(moved.dtype).max)
    for channel, plane in enumerate(paint):
        target = moved[:, part, channel]
        target[:] = np.rint(target * (1 - weight) + np.clip(plane[:, part], 0, 1) * (peak * weight))


def _to_unit(frame: Field) -> Field:
    """RGB (3, S, S) in [-1, 1] to BGR (S, S, 3) in [0, 1]."""
    unit: Field = np.clip((frame[::-1].transpose(1, 2, 0) + 1.0) * 0.5, 0, 1).astype(np.float32)
    return unit


def _remap(source: Pixels, x: Field, y: Field) -> Pixels:
    return cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
