"""Brush strokes on a mask: what is under the brush is added or taken away, exactly."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from ..protocol.messages import Stroke
from .image import Field

_ROOM_PX = 2


def paint(mask: Field, strokes: Iterable[Stroke]) -> None:
    """Paint strokes on a mask (H, W) in [0, 1], in their order; clicks without a radius paint nothing."""
    for stroke in strokes:
        if stroke.radius > 0:
            _paint_one(mask, stroke)


def _paint_one(mask: Field, stroke: Stroke) -> None:
    height, width = mask.shape
    radius_px = stroke.radius * max(width, height)
    points = [*stroke.points, stroke.points[-1]]  # OpenCV draws no line of one point
    pixels = np.minimum(np.floor(np.array(points) * (width, height)), (width - 1, height - 1)).astype(np.int32)
    room = int(np.ceil(radius_px)) + _ROOM_PX
    left, top = np.maximum(pixels.min(axis=0) - room, 0)
    right, bottom = np.minimum(pixels.max(axis=0) + room + 1, (width, height))
    off_line = np.ones((bottom - top, right - left), np.uint8)
    cv2.polylines(off_line, [pixels - np.array([left, top], np.int32)], isClosed=False, color=0)
    distance_px = cv2.distanceTransform(off_line, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    covered = np.clip(radius_px + 0.5 - distance_px, 0, 1).astype(np.float32)
    place = mask[top:bottom, left:right]
    if stroke.adds:
        np.maximum(place, covered, out=place)
    else:
        np.minimum(place, 1 - covered, out=place)
