"""Owns what all variants of a job are rendered with: the plate, its region, and what the artist gave to it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..protocol.messages import Region
from .image import Field, PlateImage, displayed, shrink
from .motion import Motion
from .region import scaled_region
from .render import Renderer
from .thing import Tails


@dataclass(frozen=True)
class Stage:
    """A plate, its region, the pokes' tails (N, 2) in fractions of it, a clean plate, and a lock (H, W) in [0, 1]."""

    plate: PlateImage
    region: Region
    tails: Tails
    clean: PlateImage | None
    lock: Field | None

    def shrunk(self, long_side_px: int) -> Stage:
        """The same at a smaller size."""
        plate = shrink(self.plate, long_side_px)
        lock = self.lock
        if lock is not None and plate is not self.plate:
            lock = np.asarray(cv2.resize(lock, plate.size_px, interpolation=cv2.INTER_AREA), np.float32)
        region = scaled_region(self.region, self.plate.size_px, plate.size_px)
        return Stage(plate, region, self.tails, None if self.clean is None else shrink(self.clean, long_side_px), lock)

    def renderer(self, motion: Motion) -> Renderer:
        """A renderer of one variant."""
        return Renderer(self.plate, self.region, motion, self.tails, self.clean, self.lock)


def lock_of(mask: PlateImage) -> Field:
    """The lock (H, W) in [0, 1] that an image paints: its alpha where that says something, else its brightness."""
    if mask.alpha is not None and (mask.alpha < mask.peak).any():
        return np.clip(mask.alpha.astype(np.float32) / np.float32(mask.peak), 0, 1)
    return np.asarray(displayed(PlateImage(mask.bgr, None)).max(axis=2), np.float32)
