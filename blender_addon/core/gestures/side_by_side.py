"""Where a new plane stands free of those that stand there: a row that grows to one side. No bpy."""

from __future__ import annotations

from collections.abc import Iterable

GAP = 0.1
"""Between two planes, as Blender's own image planes keep it."""

Span = tuple[float, float]
"""Where something begins and ends along the row."""


def free_place(wanted: float, width: float, taken: Iterable[Span]) -> float:
    """Return the middle, at `wanted` or right of it, of a span of this width that meets none of those taken."""
    middle = wanted
    for first, last in sorted(taken):
        if first < middle + width / 2 and last > middle - width / 2:
            middle = last + GAP + width / 2
    return middle
