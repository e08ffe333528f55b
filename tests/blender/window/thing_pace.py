"""How long it takes from the press of the button until the outline of the thing is drawn, at 1080p and at 4K. See README.md."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from hand import CONNECTION_FILE, MODULE, PLATE, enlarged, load, move, part, play, press, screen, set_up, shoot

SIZES_PX = {"1080p": (1920, 1080), "4K": (3840, 2160)}
PLACES = ((0.29, 0.33), (0.81, 0.76), (0.66, 0.46), (0.56, 0.7), (0.94, 0.45), (0.29, 0.72), (0.8, 0.32))
LIMIT_S = 60.0


def story() -> Iterator[float]:
    drawn_at: list[float] = []
    for name, size_px in SIZES_PX.items():
        yield from set_up(PLATE if size_px == SIZES_PX["1080p"] else enlarged(size_px))
        bpy.context.preferences.addons[MODULE].preferences.connection_file = CONNECTION_FILE
        watch(drawn_at)  # the extension was installed anew
        if bpy.ops.ipoke.start_backend.poll():
            bpy.ops.ipoke.start_backend()
        while part("session.running").state().backend.phase.name != "READY":
            yield 0.1
        took_ms = []
        for place in PLACES:
            yield from pressed(place, drawn_at, took_ms)
        shoot(f"thing_{name}")
        first_ms, *later_ms = took_ms
        told = f"the first {first_ms:.0f} ms, later ones {', '.join(f'{ms:.0f}' for ms in later_ms)}"
        print(f"scenario: {name}, {load()}: from press to outline: {told}; median {median(later_ms):.0f} ms", flush=True)


def pressed(place: tuple[float, float], drawn_at: list[float], took_ms: list[float]) -> Iterator[float]:
    """Press at a place of the plate, wait for the outline, and forget the drag."""
    at = screen(bpy.context.active_object, place)
    move(at)
    yield 0.5
    drawn_at.clear()
    began_at = time.perf_counter()
    press("LEFTMOUSE", at)
    while not drawn_at:
        yield 0.01
        assert time.perf_counter() - began_at < LIMIT_S, f"no outline at {place}"
    took_ms.append((drawn_at[0] - began_at) * 1000)
    yield 0.3
    press("ESC", at)
    yield 0.1
    press("LEFTMOUSE", at, "RELEASE")
    yield 0.3


def watch(drawn_at: list[float]) -> None:
    """Note when the outline of a thing that is pointed at is drawn, from now on."""
    outline, things = part("drawing.outline"), part("session.things")
    draw = outline.draw

    def noted(*arguments: object, **options: object) -> None:
        draw(*arguments, **options)
        plate = bpy.context.active_object.ipoke
        if part("session.pointer").state().draft is not None and things.is_settled(plate):
            drawn_at.append(time.perf_counter())

    outline.draw = noted


play(story())
