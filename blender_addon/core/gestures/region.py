"""The box that an artist draws around what the model is to see: its handles, dragging them, its pixels. No bpy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..._vendor.client import Poke, Region
from ..errors import PokeError
from .arrows import GRAB_PX, distance_to_segment
from .plane import Vec2

LEAST_SIDE_PX = 64
WHOLE = 1e-4


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the plate, in fractions of its width and height from the top left."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def corners(self) -> tuple[Vec2, Vec2, Vec2, Vec2]:
        """Its corners, clockwise from the top left."""
        return (self.left, self.top), (self.right, self.top), (self.right, self.bottom), (self.left, self.bottom)


@dataclass(frozen=True, slots=True)
class Handle:
    """What of a box is dragged: `x` and `y` are -1, 0 or 1 for its left or top side, none, its right or bottom side.

    Without a side the whole box is moved.
    """

    x: int
    y: int


MOVE = Handle(0, 0)
HANDLES = tuple(Handle(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if (x, y) != (0, 0))


def handle_at(box: Box, handle: Handle) -> Vec2:
    """Return where a handle lies on the plate."""
    return (
        (box.left + box.right) / 2 + handle.x * (box.right - box.left) / 2,
        (box.top + box.bottom) / 2 + handle.y * (box.bottom - box.top) / 2,
    )


def grabbed(places: Sequence[Vec2], corners: Sequence[Vec2], mouse: Vec2, scale: float) -> Handle | None:
    """Return the handle under the mouse; `places` are those of `HANDLES` on the screen. The bare outline moves the box."""
    reach = GRAB_PX * scale
    for handle, place in zip(HANDLES, places, strict=True):
        if math.dist(place, mouse) <= reach:
            return handle
    sides = zip(corners, [*corners[1:], corners[0]], strict=True)
    return MOVE if any(distance_to_segment(mouse, a, b) <= reach / 2 for a, b in sides) else None


def dragged(box: Box, handle: Handle, shift: Vec2, size_px: tuple[int, int]) -> Box:
    """Return the box after a drag: on the plate, and no smaller than a model can use."""
    if handle == MOVE:
        dx = min(max(shift[0], -box.left), 1.0 - box.right)
        dy = min(max(shift[1], -box.top), 1.0 - box.bottom)
        return Box(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)
    left, right = _side(box.left, box.right, handle.x, shift[0], min(1.0, LEAST_SIDE_PX / size_px[0]))
    top, bottom = _side(box.top, box.bottom, handle.y, shift[1], min(1.0, LEAST_SIDE_PX / size_px[1]))
    return Box(left, top, right, bottom)


def to_region(box: Box, size_px: tuple[int, int]) -> Region:
    """Return the box in whole pixels of a plate."""
    x, w = _pixels(box.left, box.right, size_px[0])
    y, h = _pixels(box.top, box.bottom, size_px[1])
    return Region(x, y, w, h)


def to_box(region_px: Sequence[int], size_px: tuple[int, int]) -> Box:
    """Return x, y, width and height in pixels as a box."""
    x, y, w, h = region_px
    return Box(x / size_px[0], y / size_px[1], (x + w) / size_px[0], (y + h) / size_px[1])


def around(pokes: Iterable[Poke], size_px: tuple[int, int]) -> Box:
    """Return the largest square of the plate, as near to the pokes as it gets: where drawing a region starts."""
    side_px = min(size_px)
    ends = [end for poke in pokes for end in ((poke.x, poke.y), (poke.x + poke.dx, poke.y + poke.dy))] or [(0.5, 0.5)]
    spans = []
    for axis in (0, 1):
        share = side_px / size_px[axis]
        values = [end[axis] for end in ends]
        start = min(max((min(values) + max(values) - share) / 2, 0.0), 1.0 - share)
        spans.append((start, start + share))
    (left, right), (top, bottom) = spans
    return Box(left, top, right, bottom)


def check_pokes(box: Box, pokes: Iterable[Poke]) -> None:
    """Refuse a box that leaves out an end of an arrow; raises `PokeError`. Pins may hold what the model does not see."""
    for number, poke in enumerate(pokes, start=1):
        if poke.is_pin:
            continue
        for x, y in ((poke.x, poke.y), (poke.x + poke.dx, poke.y + poke.dy)):
            if not (box.left - WHOLE <= x <= box.right + WHOLE and box.top - WHOLE <= y <= box.bottom + WHOLE):
                raise PokeError(f"Arrow {number} reaches outside the region; enlarge the region or move the arrow.")


def _side(low: float, high: float, which: int, shift: float, least: float) -> tuple[float, float]:
    if which < 0:
        return min(max(low + shift, 0.0), max(high - least, 0.0)), high
    if which > 0:
        return low, max(min(high + shift, 1.0), min(low + least, 1.0))
    return low, high


def _pixels(low: float, high: float, length_px: int) -> tuple[int, int]:
    start = min(max(math.floor(low * length_px + WHOLE), 0), length_px - 1)
    end = min(max(math.ceil(high * length_px - WHOLE), start + 1), length_px)
    return start, end - start
