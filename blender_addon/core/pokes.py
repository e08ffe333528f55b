"""Owns what an arrow on the plate is and when it can be used. No bpy."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from .._vendor.protocol.messages import SHORTEST_POKE, Poke
from .errors import PokeError
from .plane import Vec2, clamped, inside


@dataclass(frozen=True, slots=True)
class Arrow:
    """A poke as the artist sees it: from tail to tip, in fractions of the plate."""

    tail: Vec2
    tip: Vec2

    @property
    def shift(self) -> Vec2:
        """How far the tip lies from the tail."""
        return self.tip[0] - self.tail[0], self.tip[1] - self.tail[1]


def checked(tail: Vec2, tip: Vec2) -> Arrow:
    """Return the arrow, or raise `PokeError` when no model could use it."""
    if not (inside(tail) and inside(tip)):
        raise PokeError("The arrow leaves the plate; keep tail and tip between 0 and 1.")
    arrow = Arrow(clamped(tail), clamped(tip))
    if max(map(abs, arrow.shift)) < SHORTEST_POKE:
        raise PokeError("The arrow has no length; drag its tip away from its tail.")
    return arrow


def to_poke(arrow: Arrow, strength: float) -> Poke:
    """Return the poke that travels to the backend; strength stretches the arrow, and the plate's edge stops it.

    Blender stores single precision, so the tip is rounded to it: a poke read from the .blend is the same to the bit.
    """
    x, y = _single(arrow.tail)
    dx, dy = arrow.shift
    tip = _single(clamped((x + strength * dx, y + strength * dy)))
    return Poke(x, y, tip[0] - x, tip[1] - y)


def _single(point: Vec2) -> Vec2:
    x, y = struct.unpack("2f", struct.pack("2f", *point))
    return x, y


def length_px(arrow: Arrow, size_px: tuple[int, int]) -> float:
    """Return the arrow's length in pixels of the plate."""
    return math.hypot(arrow.shift[0] * size_px[0], arrow.shift[1] * size_px[1])


def snapped(tail: Vec2, tip: Vec2, size_px: tuple[int, int], step_degrees: float = 15.0) -> Vec2:
    """Return the tip turned to the nearest multiple of `step_degrees`, as seen on the plate, keeping its distance."""
    dx, dy = (tip[0] - tail[0]) * size_px[0], (tip[1] - tail[1]) * size_px[1]
    step = math.radians(step_degrees)
    angle = round(math.atan2(dy, dx) / step) * step
    length = math.hypot(dx, dy)
    return tail[0] + length * math.cos(angle) / size_px[0], tail[1] + length * math.sin(angle) / size_px[1]
