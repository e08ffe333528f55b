"""What an arrow or a pin on the plate is and when it can be used. No bpy."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import Enum

from ..._vendor.protocol.messages import SHORTEST_POKE, Poke
from ..errors import PokeError
from .plane import Vec2, clamped, inside

LONGEST_SHARE = 0.5
"""Of the region's shorter side: in 99 of 100 training clips of garden-64 nothing moves further (32.1 of 64 px)."""
LEAST_STRENGTH, MOST_STRENGTH = 0.1, 2.0
"""How far a strength may stretch an arrow, and a replay all of them."""
COPY_SHIFT = 0.03


class Axis(Enum):
    """In which of the plate's directions arrows are reflected."""

    X = "X"
    Y = "Y"


@dataclass(frozen=True, slots=True)
class Arrow:
    """A poke as the artist sees it: from tail to tip, in fractions of the plate. One that ends where it begins is a pin."""

    tail: Vec2
    tip: Vec2

    @property
    def shift(self) -> Vec2:
        """How far the tip lies from the tail."""
        return self.tip[0] - self.tail[0], self.tip[1] - self.tail[1]

    @property
    def is_pin(self) -> bool:
        """Whether it holds its place."""
        return self.tail == self.tip


def checked(tail: Vec2, tip: Vec2) -> Arrow:
    """Return the arrow, or raise `PokeError` when no model could use it."""
    if not (inside(tail) and inside(tip)):
        raise PokeError("The arrow leaves the plate; keep tail and tip between 0 and 1.")
    arrow = Arrow(clamped(tail), clamped(tip))
    if not arrow.is_pin and max(map(abs, arrow.shift)) < SHORTEST_POKE:
        raise PokeError("The arrow has no length; drag its tip away from its tail.")
    return arrow


def to_poke(arrow: Arrow, strength: float) -> Poke:
    """Return the poke that travels to the backend; strength stretches the arrow, and the plate's edge stops it.

    Blender stores single precision, so the tip is rounded to it: a poke read from the .blend is the same to the bit.
    """
    x, y = single(arrow.tail)
    dx, dy = arrow.shift
    tip = single(clamped((x + strength * dx, y + strength * dy)))
    return Poke(x, y, tip[0] - x, tip[1] - y)


def single(point: Vec2) -> Vec2:
    """Return a point as Blender stores it, in single precision."""
    x, y = struct.unpack("2f", struct.pack("2f", *point))
    return x, y


def length_px(arrow: Arrow, size_px: tuple[int, int]) -> float:
    """Return the arrow's length in pixels of the plate."""
    return math.hypot(arrow.shift[0] * size_px[0], arrow.shift[1] * size_px[1])


def longest_px(region_px: tuple[int, int]) -> float:
    """Return how long an arrow may be, in pixels of the plate, where the model sees a region of this size."""
    return LONGEST_SHARE * min(region_px)


def shortened(tail: Vec2, tip: Vec2, size_px: tuple[int, int], most_px: float) -> Vec2:
    """Return the tip, drawn in towards the tail where the arrow is longer than `most_px`."""
    length = length_px(Arrow(tail, tip), size_px)
    if length <= most_px:
        return tip
    part = most_px / length
    return tail[0] + part * (tip[0] - tail[0]), tail[1] + part * (tip[1] - tail[1])


def mirrored(arrow: Arrow, axis: Axis) -> Arrow:
    """Return the arrow reflected in the plate's vertical (X) or horizontal (Y) middle line."""
    if axis is Axis.X:
        return Arrow((1.0 - arrow.tail[0], arrow.tail[1]), (1.0 - arrow.tip[0], arrow.tip[1]))
    return Arrow((arrow.tail[0], 1.0 - arrow.tail[1]), (arrow.tip[0], 1.0 - arrow.tip[1]))


def slid(arrow: Arrow, shift: Vec2) -> Arrow:
    """Return the whole arrow moved, stopping where its first end meets the plate's edge."""
    dx = min(max(shift[0], -min(arrow.tail[0], arrow.tip[0])), 1.0 - max(arrow.tail[0], arrow.tip[0]))
    dy = min(max(shift[1], -min(arrow.tail[1], arrow.tip[1])), 1.0 - max(arrow.tail[1], arrow.tip[1]))
    return Arrow((arrow.tail[0] + dx, arrow.tail[1] + dy), (arrow.tip[0] + dx, arrow.tip[1] + dy))


def beside(arrow: Arrow) -> Arrow:
    """Return a copy of the arrow that lies a little aside, where there is room."""
    x = -COPY_SHIFT if max(arrow.tail[0], arrow.tip[0]) + COPY_SHIFT > 1.0 else COPY_SHIFT
    y = -COPY_SHIFT if max(arrow.tail[1], arrow.tip[1]) + COPY_SHIFT > 1.0 else COPY_SHIFT
    return slid(arrow, (x, y))


def snapped(tail: Vec2, tip: Vec2, size_px: tuple[int, int], step_degrees: float = 15.0) -> Vec2:
    """Return the tip turned to the nearest multiple of `step_degrees`, as seen on the plate, keeping its distance."""
    dx, dy = (tip[0] - tail[0]) * size_px[0], (tip[1] - tail[1]) * size_px[1]
    step = math.radians(step_degrees)
    angle = round(math.atan2(dy, dx) / step) * step
    length = math.hypot(dx, dy)
    return tail[0] + length * math.cos(angle) / size_px[0], tail[1] + length * math.sin(angle) / size_px[1]
