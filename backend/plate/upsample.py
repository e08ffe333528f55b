"""Owns bringing the model's small planes to the region's size, a band of rows at a time so that memory stays small."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import Region

Field = NDArray[np.float32]

_BAND_ROWS = 256
_FEATHER = 0.08


class Upsampler:
    """Linear upsampling from (S, S) to a region of a plate, and the region's matte."""

    def __init__(self, region: Region, plate_size_px: tuple[int, int], size_px: int) -> None:
        self._region = region
        self._size_px = size_px
        self._matte_x = _ramp(region.x, region.w, plate_size_px[0])
        self._matte_y = _ramp(region.y, region.h, plate_size_px[1])[:, None]
        position = np.clip((np.arange(region.h) + 0.5) * (size_px / region.h) - 0.5, 0, size_px - 1)
        self._above = np.minimum(position.astype(np.intp), size_px - 2)
        self._weight = (position - self._above).astype(np.float32)[:, None]

    def bands(self) -> Iterator[slice]:
        """Bands of the region's rows, from its top."""
        for start in range(0, self._region.h, _BAND_ROWS):
            yield slice(start, min(self._region.h, start + _BAND_ROWS))

    def widen(self, plane: Field) -> Field:
        """(S, S) -> (S, W): the horizontal half of the work, done once a frame."""
        wide: Field = cv2.resize(plane, (self._region.w, self._size_px), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        return wide

    def rows(self, wide: Field, band: slice) -> Field:
        """(S, W) -> a band (rows, W) at the region's size."""
        above, weight = self._above[band], self._weight[band]
        return wide[above] * (1 - weight) + wide[above + 1] * weight

    def matte(self, band: slice) -> Field:
        """A band of the matte: 0 at the region's borders, 1 inside, 1 at borders that are the plate's own."""
        return self._matte_y[band] * self._matte_x


def _ramp(start: int, length: int, limit: int) -> Field:
    feather_px = max(2.0, _FEATHER * length)
    position = np.arange(length, dtype=np.float32) + 0.5
    before = position if start > 0 else np.full(length, feather_px, np.float32)
    after = length - position if start + length < limit else np.full(length, feather_px, np.float32)
    return step(np.minimum(before, after), 0.0, feather_px)


def step(value: Field, low: float, high: float) -> Field:
    """0 up to `low`, 1 from `high`, smooth between."""
    x = np.clip((value - low) / (high - low), 0, 1).astype(np.float32)
    smooth: Field = x * x * (3 - 2 * x)
    return smooth
