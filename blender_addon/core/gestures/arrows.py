"""How arrows and pins look: from positions in pixels of the screen to coloured triangles. No bpy, no gpu.

Every shape gets a fringe one pixel wide that fades out, so edges stay crisp at any zoom without multisampling, and a
dark rim, so arrows read on light and on dark plates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from .gesture import Part
from .plane import Vec2

Colour = tuple[float, float, float, float]

SHAFT_PX = 4.0
HEAD_PX = 16.0
TAIL_PX = 5.0
PIN_PX = 7.0
HOLE_PX = 2.5
GROUND_PX = 5.0
HEAD_PART = 0.6
TAIL_PART = 0.2
RIM_PX = 2.0
FRAME_PX = 1.0
FRINGE_PX = 1.0
GRAB_PX = 10.0
CIRCLE_STEPS = 20
LIT = (0.25, 0.85, 1.0)
GROUND = (0.45, 0.95, 0.4)
RIM: Colour = (0.05, 0.05, 0.06, 0.95)


@dataclass(frozen=True, slots=True)
class Look:
    """Colour of an arrow, and how large it is drawn (1 on a plain screen, 2 on a high-density one); `lit` stands out."""

    colour: Colour
    scale: float = 1.0
    lit: Part | None = None

    def colour_of(self, part: Part) -> Colour:
        """The colour of a part, another one where that is under the mouse."""
        return (*LIT, self.colour[3]) if part is self.lit else self.colour


@dataclass(frozen=True, slots=True)
class ScreenArrow:
    """An arrow or a pin on the screen, in pixels from the bottom left."""

    tail: Vec2
    tip: Vec2
    look: Look
    is_pin: bool = False


@dataclass(slots=True)
class Mesh:
    """Triangles for a shader with smooth colours."""

    positions: list[Vec2] = field(default_factory=list)
    colours: list[Colour] = field(default_factory=list)
    triangles: list[tuple[int, int, int]] = field(default_factory=list)

    def convex(self, outline: list[Vec2], colour: Colour) -> None:
        """Add a convex shape (corners counterclockwise) whose edge fades out."""
        first = len(self.positions)
        count = len(outline)
        clear = (*colour[:3], 0.0)
        self.positions += outline + _grown(outline, FRINGE_PX)
        self.colours += [colour] * count + [clear] * count
        self.triangles += [(first, first + i, first + i + 1) for i in range(1, count - 1)]
        for i in range(count):
            a, b = first + i, first + (i + 1) % count
            self.triangles += [(a, a + count, b), (b, a + count, b + count)]


def faded(arrow: ScreenArrow, left: float) -> ScreenArrow:
    """Return an arrow of which so much is left, 1 for all of it."""
    red, green, blue, alpha = arrow.look.colour
    return replace(arrow, look=replace(arrow.look, colour=(red, green, blue, alpha * left)))


def render_data(arrows: list[ScreenArrow]) -> Mesh:
    """Return the triangles of all arrows, each arrow above the ones before it."""
    mesh = Mesh()
    add_arrows(mesh, arrows)
    return mesh


def add_arrows(mesh: Mesh, arrows: list[ScreenArrow]) -> None:
    """Add arrows and pins above what is there."""
    for arrow in arrows:
        if arrow.is_pin:
            _add_pin(mesh, arrow)
            continue
        shapes = _shapes(arrow)
        for _, shape in shapes:
            mesh.convex(_grown(shape, RIM_PX * arrow.look.scale), _rim(arrow.look.colour))
        for part, shape in shapes:
            mesh.convex(shape, arrow.look.colour_of(part))


def add_ground(mesh: Mesh, places: list[Vec2], look: Look) -> None:
    """Add the pins that hold a thing by themselves: diamonds, so that they can't be taken for pins that were set."""
    reach = GROUND_PX * look.scale
    for x, y in places:
        shape = [(x + reach, y), (x, y + reach), (x - reach, y), (x, y - reach)]
        mesh.convex(_grown(shape, RIM_PX * look.scale), _rim(look.colour))
        mesh.convex(shape, look.colour_of(Part.PIN))


def add_dot(mesh: Mesh, at: Vec2, look: Look) -> None:
    """Add the dot that an arrow without length would be."""
    add_arrows(mesh, [ScreenArrow(at, at, look)])


def add_frame(mesh: Mesh, corners: list[Vec2], colour: Colour) -> None:
    """Add a thin line around a shape, with a dark one beneath it."""
    for width_px, tone in ((FRAME_PX + 2 * RIM_PX, _rim(colour)), (FRAME_PX, colour)):
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
            nx, ny = _normal(a, b)
            dx, dy = nx * width_px / 2, ny * width_px / 2
            mesh.convex([(a[0] + dx, a[1] + dy), (b[0] + dx, b[1] + dy), (b[0] - dx, b[1] - dy), (a[0] - dx, a[1] - dy)], tone)


def add_bar(mesh: Mesh, corner: Vec2, width: float, height: float, share: float) -> None:
    """Add a bar of which a share is full, by its lower left corner."""
    for length, tone in ((width, RIM), (width * min(max(share, 0.0), 1.0), (*LIT, 1.0))):
        x, y = corner
        if length >= 1:
            mesh.convex([(x, y), (x + length, y), (x + length, y + height), (x, y + height)], tone)


def distance_to_segment(point: Vec2, a: Vec2, b: Vec2) -> float:
    """Return how far a point lies from the line between a and b."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    along = 0.0 if square == 0 else ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / square
    along = min(max(along, 0.0), 1.0)
    return math.hypot(point[0] - a[0] - along * dx, point[1] - a[1] - along * dy)


def _add_pin(mesh: Mesh, pin: ScreenArrow) -> None:
    """A round head with a hole in it: a drawing pin from above."""
    look = pin.look
    mesh.convex(_circle(pin.tail, (PIN_PX + RIM_PX) * look.scale), _rim(look.colour))
    mesh.convex(_circle(pin.tail, PIN_PX * look.scale), look.colour_of(Part.PIN))
    mesh.convex(_circle(pin.tail, HOLE_PX * look.scale), _rim(look.colour))


def _rim(colour: Colour) -> Colour:
    """The dark rim's colour, as opaque as what it is around."""
    return *RIM[:3], RIM[3] * colour[3]


def _shapes(arrow: ScreenArrow) -> list[tuple[Part, list[Vec2]]]:
    scale = arrow.look.scale
    length = math.dist(arrow.tail, arrow.tip)
    if length < 1.0:
        return [(Part.TAIL, _circle(arrow.tail, TAIL_PX * scale))]
    circle = _circle(arrow.tail, min(TAIL_PX * scale, TAIL_PART * length + 1.0))
    ux, uy = (arrow.tip[0] - arrow.tail[0]) / length, (arrow.tip[1] - arrow.tail[1]) / length
    head = min(HEAD_PX * scale, HEAD_PART * length)

    def at(along: float, across: float) -> Vec2:
        return arrow.tail[0] + along * ux - across * uy, arrow.tail[1] + along * uy + across * ux

    neck, half_shaft, half_head = length - head, SHAFT_PX * scale / 2, head / 2
    shaft = [at(0, -half_shaft), at(neck + 1, -half_shaft), at(neck + 1, half_shaft), at(0, half_shaft)]
    head_shape = [at(neck, -half_head), at(length, 0), at(neck, half_head)]
    return [(Part.SHAFT, shaft), (Part.TAIL, circle), (Part.TIP, head_shape)]


def _circle(centre: Vec2, radius: float) -> list[Vec2]:
    turns = (2 * math.pi * step / CIRCLE_STEPS for step in range(CIRCLE_STEPS))
    return [(centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn)) for turn in turns]


def _grown(outline: list[Vec2], by: float) -> list[Vec2]:
    """Push the edges of a counterclockwise convex shape outwards; sharp corners are cut at twice the distance."""
    grown = []
    for index, corner in enumerate(outline):
        before = _normal(outline[index - 1], corner)
        after = _normal(corner, outline[(index + 1) % len(outline)])
        mx, my = before[0] + after[0], before[1] + after[1]
        stretch = min(2.0 / max(mx * mx + my * my, 1e-9), 2.0)
        grown.append((corner[0] + by * mx * stretch, corner[1] + by * my * stretch))
    return grown


def _normal(a: Vec2, b: Vec2) -> Vec2:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy) or 1.0
    return dy / length, -dx / length
