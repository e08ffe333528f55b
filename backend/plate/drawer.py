"""Owns what every renderer of a variant shares: the plate and its lock, storing what has changed, giving the plate back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import Region
from .image import Field, PlateImage, from_working, working_part
from .trace import Trace

EXACT_PX = 1 / 64
"""Less motion is none: the plate's own pixels are copied."""
MOVES_PX = 0.5

Mask = NDArray[np.bool_]
Rows = NDArray[np.floating[Any]]


class Drawer(ABC):
    """Renders instants of one variant on a plate. Safe to use from several threads at once."""

    def __init__(self, plate: PlateImage, region: Region, lock: Field | None) -> None:
        """`region` is where frames may differ from the plate, but for where `lock` (H, W) in [0, 1] keeps it."""
        self.plate, self.region, self.lock = plate, region, lock
        self._bounds = bounds_of(plate) if plate.is_float and plate.alpha is None else None

    @property
    @abstractmethod
    def reach(self) -> Region:
        """What is read of the plate."""

    @abstractmethod
    def draw(self, weights: Rows, result: PlateImage, *, over: bool = False) -> None:
        """Draw an instant, given its keys' weights (K,), on a copy of the plate, without the lock.

        `over` says that others have drawn on it.
        """

    @abstractmethod
    def traces(self, before: Rows, now: Rows, after: Rows) -> Iterator[Trace]:
        """What the frame with the keys' weights `now` shows, band by band, given those of the frames before and after."""

    def still(self) -> PlateImage:
        """A copy of the plate, to draw on."""
        plate = self.plate
        return replace(plate, bgr=plate.bgr.copy(), alpha=None if plate.alpha is None else plate.alpha.copy())

    def frame(self, weights: Rows) -> PlateImage:
        """The plate at an instant, given its keys' weights (K,)."""
        result = self.still()
        self.draw(weights, result)
        if self.lock is not None:
            apply_lock(self.lock, self.region, self.plate, result)
        return result


def apply_lock(lock: Field, box: Region, plate: PlateImage, result: PlateImage) -> None:
    """Give the plate back where a box of the result is locked, (H, W) in [0, 1]; in part where it is in part."""
    place = (slice(box.y, box.y + box.h), slice(box.x, box.x + box.w))
    weight = lock[place]
    partly = (weight > 0) & (weight < 1)
    if partly.any():
        new, old = working_part(result, box), working_part(plate, box)
        differs = (new != old).any(axis=2)
        paste(new + (old - new) * weight[..., None], partly & differs, place, plate, result)
    np.copyto(result.bgr[place], plate.bgr[place], where=(weight >= 1)[..., None])
    if result.alpha is not None and plate.alpha is not None:
        np.copyto(result.alpha[place], plate.alpha[place], where=weight >= 1)


def paste(pixels: Field, changed: Mask, place: tuple[slice, slice], like: PlateImage, result: PlateImage) -> None:
    """Store working pixels at a place of the result, where they have changed."""
    stored = from_working(pixels, like)
    np.copyto(result.bgr[place], stored.bgr, where=changed[..., None])
    if result.alpha is not None and stored.alpha is not None:
        np.copyto(result.alpha[place], stored.alpha, where=changed)


def bounds_of(plate: PlateImage) -> tuple[float, float]:
    """The range of a float plate's finite values, which interpolation must not leave."""
    finite = plate.bgr[np.isfinite(plate.bgr)]
    return min(0.0, float(finite.min())), float(finite.max())
