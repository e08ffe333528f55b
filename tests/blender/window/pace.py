"""How long Blender's main thread is held while 32 variants of a 4K plate stream in and arrows are dragged. See README.md."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from hand import CONNECTION_FILE, MODULE, busy, drag, enlarged, part, play, screen, set_up, shoot, tap, timed, told

PLATE_PX = (3840, 2160)
VARIANTS = int(os.environ.get("IPOKE_VARIANTS", "32"))
Times = tuple[float, float]
WAY = ((0.3, 0.35), (0.38, 0.3), (0.36, 0.36), (0.4, 0.25))


def counted(owner: object, name: str, events: list[Times]) -> list[int]:
    """How many events there were after each call of a function, from now on."""
    function, counts = getattr(owner, name), []

    def call(*arguments: object) -> object:
        try:
            return function(*arguments)
        finally:
            counts.append(len(events))

    setattr(owner, name, call)
    return counts


def without(calls: list[Times], inner: list[Times], inner_until: list[int]) -> list[Times]:
    """Times of calls less those of the calls inside them."""
    starts = (0, *inner_until)
    inside = [inner[a:b] for a, b in zip(starts, inner_until, strict=False)]
    return [
        (wall - sum(one[0] for one in ones), work - sum(one[1] for one in ones))
        for (wall, work), ones in zip(calls, inside, strict=True)
    ]


def story() -> Iterator[float]:
    yield from set_up(enlarged(PLATE_PX))
    bpy.context.preferences.addons[MODULE].preferences.connection_file = CONNECTION_FILE
    obj = bpy.context.active_object
    yield from drag(screen(obj, WAY[0]), screen(obj, WAY[1]))
    obj.ipoke.samples = VARIANTS
    bpy.ops.ed.undo_push(message="Samples")
    callbacks, textures = timed(part("session.timer"), "advance"), timed(part("scene.sequences"), "show_clip")
    textures_until = counted(part("session.timer"), "advance", textures)
    drags = timed(part("operators.plate_drag").PlateDrag, "modal")
    hovers = timed(part("operators.hover").IPOKE_OT_hover, "invoke")
    yield from tap("P", screen(obj, (0.5, 1.25)), shift=True)
    assert busy(), "Shift P samples"
    at = 1
    while busy():
        obj = bpy.context.active_object
        tip = tuple(obj.ipoke.pokes[0].tip)
        at = at % (len(WAY) - 1) + 1
        yield from drag(screen(obj, tip), screen(obj, WAY[at]))
    shoot("pace")
    plate = bpy.context.active_object.ipoke
    assert sum(variant.complete for variant in plate.variants) == VARIANTS, plate.message
    measured = {
        "timer callbacks": callbacks,
        "timer callbacks without texture updates": without(callbacks, textures, textures_until),
        "texture updates in them": textures,
        "events of drags": drags,
        "events of hovering": hovers,
    }
    for what, took_ms in measured.items():
        print(told(what, took_ms), flush=True)


play(story())
