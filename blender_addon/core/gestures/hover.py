"""What lies under the mouse: which part of which arrow, or the ground. No bpy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum, auto

from .arrows import GRAB_PX, GROUND_PX, ScreenArrow, distance_to_segment
from .gesture import Part
from .plane import Vec2


class Ground(Enum):
    """What holds a thing by itself, as one: its pins are lit and freed together."""

    PINS = auto()


def grabbed(arrows: list[ScreenArrow], mouse: Vec2) -> tuple[int, Part] | None:
    """Return index and part of the arrow under the mouse; later arrows lie above earlier ones, ends above shafts."""
    for index in reversed(range(len(arrows))):
        reach = GRAB_PX * arrows[index].look.scale
        if math.dist(arrows[index].tip, mouse) <= reach:
            return index, Part.PIN if arrows[index].is_pin else Part.TIP
        if math.dist(arrows[index].tail, mouse) <= reach:
            return index, Part.TAIL
    for index in reversed(range(len(arrows))):
        reach = GRAB_PX * arrows[index].look.scale / 2
        if distance_to_segment(mouse, arrows[index].tail, arrows[index].tip) <= reach:
            return index, Part.SHAFT
    return None


def on_ground(places: Iterable[Vec2], mouse: Vec2, scale: float) -> bool:
    """Tell whether the mouse is on a pin of the ground, which are at these places of the screen."""
    return any(math.dist(place, mouse) <= GROUND_PX * scale for place in places)
