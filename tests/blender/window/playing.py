"""The plate follows the mouse: things of photographs and cut-outs are pulled, pinned and let go. See README.md."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from hand import (
    PATIENCE_S,
    ROOT,
    SHOTS,
    click,
    drag,
    move,
    part,
    play,
    press,
    screen,
    set_up,
    shoot,
    tap,
    timed,
    told,
    view,
    wait_until,
)

THINGS = ROOT / "tests/data/things"
PULL = {"dandelion": ((0.3, 0.35), (0.48, 0.45)), "aloe": ((0.5, 0.35), (0.68, 0.35))}
NAME = os.environ.get("IPOKE_THING", "dandelion")
SETTLED_S = 0.6
ALIKE = 4
"""So many pictures in a row, of a view at rest, are alike."""
STEADY = 0.3 / 255
SHOWN = 0.05
"""Standard deviation of a view that shows a photograph, with an empty world behind it."""
MOST_OFF = {"photograph": 0.1 / 255, "cut_out": 0.1 / 255, "turned": 2 / 255}
"""How much a view may differ after Esc. Materials are sampled anew whenever they are drawn."""


def photograph(name: str) -> Path:
    """One of the photographs whose things were drawn by hand."""
    return THINGS / f"{name}.jpg"


def cut_out(name: str) -> Path:
    """Its thing alone, as a PNG with alpha."""
    picture = bpy.data.images.load(str(photograph(name)))
    mask = bpy.data.images.load(str(THINGS / f"{name}.mask.png"))
    mask.scale(*picture.size)
    pixels, alpha = (np.array(image.pixels[:]).reshape(-1, 4) for image in (picture, mask))
    pixels[:, 3] = alpha[:, 0]
    made = bpy.data.images.new("Cut-out", *picture.size, alpha=True)
    made.pixels[:] = pixels.ravel()
    path = Path(bpy.app.tempdir) / f"{name}.png"
    made.filepath_raw, made.file_format = str(path), "PNG"
    made.save()
    for image in (picture, mask, made):
        bpy.data.images.remove(image)
    return path


def with_mask(name: str) -> bpy.types.Object:
    """The plate with its thing's mask as the artist's own."""
    obj = bpy.context.active_object
    obj.ipoke.thing.source, obj.ipoke.thing.image = "IMAGE", bpy.data.images.load(str(THINGS / f"{name}.mask.png"))
    bpy.ops.ed.undo_push(message="Mask")
    return obj


def seen() -> np.ndarray:
    """(H, W, 3): the 3D view as it is on the screen, without its header, sidebar and toolbar."""
    shoot("seen")
    area, _, _ = view()
    path = SHOTS / "seen.png"
    image = bpy.data.images.load(str(path))
    pixels = np.array(image.pixels[:], np.float32).reshape(image.size[1], image.size[0], 4)
    bpy.data.images.remove(image)
    path.unlink()
    return pixels[area.y + 60 : area.y + area.height - 90, area.x + 80 : area.x + area.width - 300, :3]


def rested(image: list[np.ndarray]) -> Iterator[float]:
    """Wait until the view shows a picture and changes no more (materials may still be compiled), and give it out."""
    deadline, alike = time.monotonic() + PATIENCE_S, 0
    before = seen()
    while alike < ALIKE:
        assert time.monotonic() < deadline, "the view does not come to rest"
        yield SETTLED_S
        now = seen()
        alike = alike + 1 if now.std() > SHOWN and np.abs(now - before).mean() < STEADY else 0
        before = now
    image[:] = [before]


def pulled(name: str, kind: str) -> Iterator[float]:
    """Pull at the thing, look, bring it back with Esc, pull again and let go; pins hold; undo takes each step back."""
    obj = bpy.context.active_object
    tail, tip = PULL[name]
    move(screen(obj, (0.9, 0.9)))
    yield SETTLED_S
    move(screen(obj, (0.5, 1.3)))
    rest: list[np.ndarray] = []
    yield from rested(rest)
    (before,) = rest
    events = timed(part("operators.plate_drag").PlateDrag, "modal")
    draws = timed(part("drawing.puppet"), "_draw_play")
    yield from drag(screen(obj, tail), screen(obj, tail), release=False)
    yield SETTLED_S
    shoot(f"playing_{kind}_held")
    shown = np.abs(seen() - before)
    print(
        f"scenario: held at rest, a {kind} differs by {shown.mean() * 255:.2f} of 255, worst {shown.max() * 255:.0f}", flush=True
    )
    press("ESC", screen(obj, tail))
    press("LEFTMOUSE", screen(obj, tail), "RELEASE")
    yield SETTLED_S
    yield from drag(screen(obj, tail), screen(obj, tip), release=False)
    yield SETTLED_S
    assert part("session.puppets").state().play is not None, "the thing follows"
    assert not part("drawing.puppet").state().has_failed
    shoot(f"playing_{kind}")
    press("ESC", screen(obj, tip))
    yield 0.05
    press("LEFTMOUSE", screen(obj, tip), "RELEASE")
    move(screen(obj, (0.5, 1.3)))
    yield from wait_until(lambda: part("session.puppets").state().play is None, "the end of the play")
    yield from rested(rest)
    assert not obj.ipoke.pokes, "Esc keeps nothing"
    assert not obj.hide_get()
    assert obj.select_get()
    off = np.abs(rest[0] - before)
    print(f"scenario: after Esc a {kind} differs by {off.mean() * 255:.3f} of 255, worst {off.max() * 255:.0f}", flush=True)
    assert off.mean() < MOST_OFF[kind], f"Esc brings everything back: {off.mean()}"

    yield from drag(screen(obj, tail), screen(obj, tip), release=False)
    press("LEFTMOUSE", screen(obj, tip), "RELEASE")
    yield 0.08
    shoot(f"playing_{kind}_swings_back")
    yield SETTLED_S
    shoot(f"playing_{kind}_let_go")
    assert len(obj.ipoke.pokes) == 1
    print(told(f"drag events of a {kind}", events), flush=True)
    print(told(f"drawings of a {kind}", draws), flush=True)


def pinned(name: str) -> Iterator[float]:
    """Click to pin, drag the arrow's tip, drag the pin, undo, free the ground by a click."""
    obj = bpy.context.active_object
    tail, tip = PULL[name]
    pin = (tail[0], tail[1] + 0.25)
    yield from click(screen(obj, pin))
    assert len(obj.ipoke.pokes) == 2
    assert tuple(obj.ipoke.pokes[1].tail) == tuple(obj.ipoke.pokes[1].tip)
    other = (tip[0] - 0.25, tip[1] - 0.1)
    yield from drag(screen(obj, tip), screen(obj, other), release=False)
    yield SETTLED_S
    shoot("playing_pinned")
    press("LEFTMOUSE", screen(obj, other), "RELEASE")
    yield SETTLED_S
    later = (pin[0], pin[1] - 0.1)
    yield from drag(screen(obj, pin), screen(obj, later))
    yield SETTLED_S
    assert math.dist(tuple(obj.ipoke.pokes[1].tail), later) < 0.02
    shoot("playing_pin_moved")
    yield from tap("Z", screen(obj, (0.5, 1.3)), ctrl=True)
    obj = bpy.context.active_object
    assert math.dist(tuple(obj.ipoke.pokes[1].tail), pin) < 0.02
    ground = part("session.puppets").ground(obj)
    print("scenario: ground", ground, flush=True)
    assert ground
    move(screen(obj, ground[0]))
    yield SETTLED_S
    shoot("playing_ground_lit")
    yield from click(screen(obj, ground[0]))
    assert obj.ipoke.free_ground
    yield SETTLED_S
    shoot("playing_ground_freed")


def story() -> Iterator[float]:
    yield from set_up(photograph(NAME))
    with_mask(NAME)
    yield from pulled(NAME, "photograph")
    yield from pinned(NAME)
    yield from set_up(cut_out(NAME))
    yield from pulled(NAME, "cut_out")
    yield from set_up(photograph(NAME))
    obj = with_mask(NAME)
    obj.rotation_euler = (0.2, 0.1, 0.5)
    area, _, _ = view()
    area.spaces.active.shading.type = "MATERIAL"
    yield 3.0
    yield from pulled(NAME, "turned")


play(story())
