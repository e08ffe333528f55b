"""How long each event of a drag holds Blender while the thing follows, for bodies of 300 and 800 vertices. See README.md."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from hand import ROOT, drag, load, part, play, press, screen, set_up, timed, told, window

THINGS = ROOT / "tests/data/things"
NAME, TAIL, TIP = "dandelion", (0.3, 0.35), (0.42, 0.4)
VERTICES = (300, 800)
EVENTS = 300
STEP_S = 0.01


def puppet_of(obj: bpy.types.Object, vertices: int) -> int:
    """Give the object a puppet of so many vertices; returns how many it has."""
    puppets, own = part("session.puppets"), part("session.puppets").state()
    made = puppets.of(obj)
    own.last = puppets.PlayedThing(made.sha256, made.mask, part("core.things.puppet").Puppet(made.mask, vertices))
    return len(own.last.puppet.rest)


def circled(obj: bpy.types.Object, at: tuple[float, float]) -> Iterator[float]:
    """Press at a place and lead the mouse round in circles."""
    yield from drag(screen(obj, at), screen(obj, at), release=False)
    for event in range(EVENTS):
        turn = event / 20
        x, y = screen(obj, (at[0] + 0.06 * (1 - math.cos(turn)), at[1] + 0.05 * math.sin(turn)))
        window().event_simulate("MOUSEMOVE", "NOTHING", x=x, y=y)
        yield STEP_S


def story() -> Iterator[float]:
    yield from set_up(THINGS / f"{NAME}.jpg")
    obj = bpy.context.active_object
    obj.ipoke.thing.source, obj.ipoke.thing.image = "IMAGE", bpy.data.images.load(str(THINGS / f"{NAME}.mask.png"))
    bpy.ops.ipoke.add_poke(tail=TAIL, tip=TIP)
    bpy.ops.ed.undo_push(message="Arrow")
    for vertices in VERTICES:
        count = puppet_of(obj, vertices)
        for what, at in (("tip", TIP), ("tail", TAIL)):
            events = timed(part("operators.plate_drag").PlateDrag, "modal")
            draws = timed(part("drawing.puppet"), "_draw_play")
            yield from circled(obj, at)
            press("ESC", screen(obj, at))
            press("LEFTMOUSE", screen(obj, at), "RELEASE")
            yield 0.6
            print(told(f"events of dragging the {what}, {count} vertices, {load()}", events), flush=True)
            print(told(f"drawings of it, {count} vertices", draws), flush=True)


play(story())
