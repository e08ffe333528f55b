"""How long Blender's main thread is held while 32 variants of a 4K plate stream in and arrows are dragged. See README.md."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from hand import CONNECTION_FILE, MODULE, PLATE, busy, drag, part, play, screen, set_up, shoot, tap, timed, told

PLATE_PX = (3840, 2160)
VARIANTS = int(os.environ.get("IPOKE_VARIANTS", "32"))
WAY = ((0.3, 0.35), (0.38, 0.3), (0.36, 0.36), (0.4, 0.25))


def large_plate() -> Path:
    """The demo's photograph at 4K."""
    path = Path(bpy.app.tempdir) / "plate.jpg"
    image = bpy.data.images.load(str(PLATE))
    image.scale(*PLATE_PX)
    image.file_format = "JPEG"
    image.save(filepath=str(path))
    bpy.data.images.remove(image)
    return path


def story() -> Iterator[float]:
    yield from set_up(large_plate())
    bpy.context.preferences.addons[MODULE].preferences.connection_file = CONNECTION_FILE
    obj = bpy.context.active_object
    yield from drag(screen(obj, WAY[0]), screen(obj, WAY[1]))
    obj.ipoke.samples = VARIANTS
    bpy.ops.ed.undo_push(message="Samples")
    callbacks = timed(part("pump"), "advance")
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
    for what, took_ms in (("timer callbacks", callbacks), ("events of drags", drags), ("events of hovering", hovers)):
        print(told(what, took_ms), flush=True)


play(story())
