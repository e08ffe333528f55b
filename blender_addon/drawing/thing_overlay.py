"""What is drawn of the thing over the 3D view: its outline, what a click would take, the brush, and a hint."""

from __future__ import annotations

import math

import bpy

from ..core.gestures.arrows import Colour, Mesh, add_frame
from ..core.gestures.plane import Vec2
from ..core.things.thing import KnownThing
from ..scene import plates
from ..scene.properties import IPOKE_PG_plate
from ..session import finding, pointer, puppets, things
from . import outline
from .view import PlateView

BRUSH: dict[bool, Colour] = {True: (0.25, 0.85, 1.0, 1.0), False: (1.0, 0.42, 0.3, 1.0)}
BRUSH_STEPS = 48
HINT = "D and a drag adds to the thing, Shift D takes away"
LEVELS_HINT = "D and a drag adds to the thing, Shift D takes away, [ ] takes less or more"
"""Where more than one thing was found, within one another."""


def draw(context: bpy.types.Context, seen: PlateView) -> None:
    """Draw the thing of the active plate where its still is shown, and look for it soon where it isn't known."""
    plate = seen.obj.ipoke
    candidate = _candidate(plate)
    if candidate is not None:
        outline.draw(context, seen.surface, candidate, is_candidate=True)
        return
    if puppets.state().play is not None or (plate.shown != "STILL" and pointer.state().draft is None):
        return
    if not things.is_settled(plate):
        finding.find_soon(plate.id_data)
    known = _painted(plate, things.drawn(plate.id_data))
    if known is not None:
        outline.draw(context, seen.surface, known)


def add_brush(mesh: Mesh, seen: PlateView) -> None:
    """Add the brush's circle where it is."""
    draft = pointer.draft_on(seen.obj, pointer.StrokeDraft)
    if draft is None:
        return
    circle = seen.points(_circle(draft.stroke.points[-1], draft.stroke.radius, plates.size_px(seen.obj.ipoke)))
    if circle is not None:
        add_frame(mesh, circle, BRUSH[draft.stroke.adds])


def hint(plate: IPOKE_PG_plate) -> str:
    """Return what to tell whoever sees a thing for the first time on a plate; empty afterwards."""
    is_new = not plate.thing.strokes and not plate.jobs and pointer.state().draft is None
    if not is_new or things.drawn(plate.id_data) is None:
        return ""
    return LEVELS_HINT if things.has_levels(plate) else HINT


def _candidate(plate: IPOKE_PG_plate) -> KnownThing | None:
    """What a click would take, while that is shown."""
    places = pointer.candidate_on(plate.id_data)
    return None if places is None else things.drawn(plate.id_data, places)


def _painted(plate: IPOKE_PG_plate, known: KnownThing | None) -> KnownThing | None:
    """The thing with the stroke on it that is being painted."""
    draft = pointer.draft_on(plate.id_data, pointer.StrokeDraft)
    if draft is None or not draft.is_down:
        return known
    return things.with_stroke(plate, known, draft.stroke)


def _circle(centre: Vec2, radius: float, size_px: tuple[int, int]) -> list[Vec2]:
    across = radius * max(size_px) / size_px[0], radius * max(size_px) / size_px[1]
    turns = (2 * math.pi * step / BRUSH_STEPS for step in range(BRUSH_STEPS))
    return [(centre[0] + across[0] * math.cos(turn), centre[1] - across[1] * math.sin(turn)) for turn in turns]
