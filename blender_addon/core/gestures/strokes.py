"""How the way of a brush becomes a stroke of few points. No bpy."""

from __future__ import annotations

from collections.abc import Sequence

from .arrows import distance_to_segment
from .plane import Vec2

TOLERANCE = 1e-3
"""How far, in fractions of the plate, a stroke may run beside the way of the brush."""


def thinned(points: Sequence[Vec2], most: int) -> tuple[Vec2, ...]:
    """The way by the points that it bends at (Ramer 1972; Douglas and Peucker 1973), `most` at the most."""
    way = [point for index, point in enumerate(points) if index == 0 or point != points[index - 1]]
    tolerance = TOLERANCE
    while True:
        kept = _bends(way, tolerance)
        if len(kept) <= most:
            return tuple(way[index] for index in kept)
        tolerance *= 2


def _bends(points: Sequence[Vec2], tolerance: float) -> list[int]:
    kept, spans = {0, len(points) - 1}, [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        inner = range(first + 1, last)
        index = max(inner, key=lambda k: distance_to_segment(points[k], points[first], points[last]), default=None)
        if index is not None and distance_to_segment(points[index], points[first], points[last]) > tolerance:
            kept.add(index)
            spans += [(first, index), (index, last)]
    return sorted(kept)
