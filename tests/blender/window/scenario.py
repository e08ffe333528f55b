"""Draws arrows with the mouse in a real Blender window and checks what the file holds. See README.md in this folder."""

import importlib
import math
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
from bpy_extras import view3d_utils
from mathutils import Euler, Vector

ROOT = Path(__file__).resolve().parents[3]
PLATE = ROOT / "demo/plate.jpg"
SHOTS = ROOT / "build/screenshots"
CONNECTION_FILE = os.environ.get("IPOKE_CONNECTION_FILE")
ZIP = os.environ.get("IPOKE_ZIP")
MODULE = "bl_ext.user_default.ipoke"
HEAD = ((0.29, 0.33), (0.37, 0.27))
STEM = ((0.29, 0.72), (0.36, 0.6))
STEM_LATER = (0.34, 0.68)
OTHER = ((0.82, 0.78), (0.75, 0.66))
STEPS_OF_A_DRAG = 8
TOLERANCE = 0.01
PATIENCE_S = 300.0
LONGEST_OPERATOR_S = 0.25
clock = time.thread_time if os.environ.get("IPOKE_CLOCK") == "cpu" else time.perf_counter


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def view() -> tuple[bpy.types.Area, bpy.types.Region, bpy.types.RegionView3D]:
    area = next(area for area in window().screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    return area, region, area.spaces.active.region_3d


def override() -> object:
    area, region, _ = view()
    return bpy.context.temp_override(window=window(), area=area, region=region)


def screen(obj: bpy.types.Object, at: tuple[float, float]) -> tuple[int, int]:
    """Where a plate point is in the window, by the corners of the plane itself and not by the add-on."""
    corners = {
        tuple(layer.uv): obj.data.vertices[loop.vertex_index].co
        for layer, loop in zip(obj.data.uv_layers[0].data, obj.data.loops, strict=True)
    }
    origin, right, up = corners[(0.0, 0.0)], corners[(1.0, 0.0)], corners[(0.0, 1.0)]
    place = obj.matrix_world @ (origin + at[0] * (right - origin) + (1.0 - at[1]) * (up - origin))
    _, region, region_3d = view()
    point = view3d_utils.location_3d_to_region_2d(region, region_3d, place)
    return round(region.x + point.x), round(region.y + point.y)


def move(to: tuple[int, int]) -> None:
    window().event_simulate("MOUSEMOVE", "NOTHING", x=to[0], y=to[1])


def press(key: str, at: tuple[int, int], value: str = "PRESS", **modifiers: bool) -> None:
    window().event_simulate(key, value, x=at[0], y=at[1], **modifiers)


def drag(a: tuple[int, int], b: tuple[int, int], release: bool = True, **modifiers: bool) -> Iterator[float]:
    """Press at a, move to b in steps, release there."""
    move(a)
    yield 0.1
    press("LEFTMOUSE", a, **modifiers)
    yield 0.05
    for step in range(1, STEPS_OF_A_DRAG + 1):
        part = step / STEPS_OF_A_DRAG
        at = round(a[0] + part * (b[0] - a[0])), round(a[1] + part * (b[1] - a[1]))
        window().event_simulate("MOUSEMOVE", "NOTHING", x=at[0], y=at[1], **modifiers)
        yield 0.03
    if release:
        press("LEFTMOUSE", b, "RELEASE", **modifiers)
        yield 0.2


def shoot(name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["import", "-window", "root", str(SHOTS / f"{name}.png")], check=True)


def near(a: Vector, b: tuple[float, float]) -> bool:
    return math.dist(tuple(a), b) < TOLERANCE


def install() -> None:
    """Install the extension from its zip, as the preferences do; without one it must be installed already."""
    if ZIP:
        bpy.ops.extensions.package_install_files(filepath=ZIP, repo="user_default", enable_on_install=True)
    else:
        bpy.ops.preferences.addon_enable(module=MODULE)
    assert MODULE in bpy.context.preferences.addons


def set_up() -> Iterator[float]:
    install()
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    area, _, region_3d = view()
    area.spaces.active.show_region_ui = True
    area.spaces.active.overlay.show_floor = False
    yield 0.5
    with override():
        bpy.ops.ipoke.add_plate(filepath=str(PLATE))
    region_3d.view_perspective = "PERSP"
    region_3d.view_rotation = Euler((math.radians(90), 0, 0)).to_quaternion()
    region_3d.view_distance = 5.2
    region_3d.view_location = (0.35, 0, 0)
    with override():
        bpy.ops.wm.tool_set_by_id(name="ipoke.poke_tool")
    panel_region = next(region for region in area.regions if region.type == "UI")
    yield 0.5
    panel_region.active_panel_category = "iPOKE"
    yield 0.5


def draw_and_edit() -> Iterator[float]:
    obj = bpy.context.active_object
    pokes = obj.ipoke.pokes
    shoot("first_use")
    yield from drag(screen(obj, HEAD[0]), screen(obj, HEAD[1]))
    assert len(pokes) == 1, len(pokes)
    assert near(pokes[0].tail, HEAD[0])
    assert near(pokes[0].tip, HEAD[1])

    yield from drag(screen(obj, STEM[0]), screen(obj, STEM[1]), release=False)
    shoot("drawing")
    press("ESC", screen(obj, STEM[1]))
    yield 0.2
    press("LEFTMOUSE", screen(obj, STEM[1]), "RELEASE")
    yield 0.2
    assert len(pokes) == 1, "Esc keeps nothing"

    yield from drag(screen(obj, STEM[0]), screen(obj, STEM[1]))
    assert len(pokes) == 2, len(pokes)
    move(screen(obj, STEM[1]))
    yield 0.3
    shoot("draw")
    assert part_lit() == (1, "TIP"), part_lit()
    move(screen(obj, STEM[0]))
    yield 0.2
    assert part_lit() == (1, "TAIL"), part_lit()
    yield from drag(screen(obj, STEM[1]), screen(obj, STEM_LATER))
    assert near(pokes[1].tip, STEM_LATER)
    assert near(pokes[1].tail, STEM[0])

    press("Z", screen(obj, (0.5, 0.5)), ctrl=True)
    yield 0.3
    obj = bpy.context.active_object
    assert near(obj.ipoke.pokes[1].tip, STEM[1]), "undo takes one step"
    press("Z", screen(obj, (0.5, 0.5)), ctrl=True, shift=True)
    yield 0.3
    obj = bpy.context.active_object
    assert near(obj.ipoke.pokes[1].tip, STEM_LATER), "redo brings it back"


def part_lit() -> tuple[int, str] | None:
    """Which part of which arrow lights up under the mouse."""
    lit = importlib.import_module(f"{MODULE}.pump").addon().hovered
    return (lit[0], lit[1].name) if isinstance(lit, tuple) else None


def copy_and_clamp() -> Iterator[float]:
    obj = bpy.context.active_object
    middle = tuple((a + b) / 2 for a, b in zip(*HEAD, strict=True))
    aside = (middle[0] + 0.3, middle[1] + 0.1)
    yield from drag(screen(obj, middle), screen(obj, aside), alt=True)
    assert len(obj.ipoke.pokes) == 3, "Alt leaves a copy"
    assert near(obj.ipoke.pokes[0].tail, HEAD[0]), "and the arrow where it was"
    press("X", screen(obj, aside))
    yield 0.3
    obj = bpy.context.active_object
    assert len(obj.ipoke.pokes) == 2

    a, b = screen(obj, (0.1, 0.9)), screen(obj, (0.9, 0.9))
    yield from drag(a, b, release=False)
    shoot("longest")
    press("ESC", b)
    yield 0.2
    press("LEFTMOUSE", b, "RELEASE")
    yield 0.2
    assert len(obj.ipoke.pokes) == 2


def edit_region() -> Iterator[float]:
    obj = bpy.context.active_object
    obj.ipoke.use_region = True
    bpy.ops.ed.undo_push(message="Own Region")
    yield 0.3
    left, top, right, bottom = obj.ipoke.region
    yield from drag(screen(obj, (right, bottom)), screen(obj, (right - 0.1, bottom - 0.1)))
    assert math.dist(obj.ipoke.region, (left, top, right - 0.1, bottom - 0.1)) < TOLERANCE, tuple(obj.ipoke.region)
    move(screen(obj, (left, top)))
    yield 0.3
    shoot("region")
    press("Z", screen(obj, (0.5, 0.5)), ctrl=True)
    yield 0.3
    obj = bpy.context.active_object
    assert math.dist(obj.ipoke.region, (left, top, right, bottom)) < TOLERANCE, "undo takes one step"
    obj.ipoke.use_region = False
    bpy.ops.ed.undo_push(message="Automatic Region")


def rotate_and_draw() -> Iterator[float]:
    obj = bpy.context.active_object
    obj.rotation_euler = (0.3, 0.4, -0.5)
    obj.scale = (0.9, 1.0, 0.7)
    yield 0.3
    yield from drag(screen(obj, OTHER[0]), screen(obj, OTHER[1]))
    poke = obj.ipoke.pokes[2]
    assert near(poke.tail, OTHER[0])
    assert near(poke.tip, OTHER[1])
    shoot("any_placement")
    move(screen(obj, OTHER[1]))
    yield 0.2
    press("X", screen(obj, OTHER[1]))
    yield 0.3
    assert len(bpy.context.active_object.ipoke.pokes) == 2, "X removes the arrow under the mouse"


def sample_choose_bake(connection_file: str) -> Iterator[float]:
    bpy.context.preferences.addons[MODULE].preferences.connection_file = connection_file
    obj = bpy.context.active_object
    obj.rotation_euler = (0, 0, 0)
    obj.scale = (1, 1, 1)
    bpy.ops.ed.undo_push(message="Straight")
    plate = obj.ipoke
    plate.seed, plate.lock_seed = 7, True
    took_ms = watch_the_timer()
    press_operator("sample")
    yield from wait_until(lambda: plate.variants and plate.variants[0].frames > 2, "the first frames")
    shoot("arriving")
    yield from wait_until(lambda: not busy(), "the variants")
    assert len(plate.variants) == plate.samples, plate.message
    print(f"scenario: the slowest {[round(t, 1) for t in sorted(took_ms)[-8:]]}", flush=True)
    took_ms.sort()
    median, late = took_ms[len(took_ms) // 2], took_ms[len(took_ms) * 99 // 100]
    print(f"scenario: {len(took_ms)} timer callbacks, median {median:.1f} ms, 99th {late:.1f} ms", flush=True)
    assert plate.shown == "VARIANT"
    bpy.ops.screen.animation_play()
    yield 2.0
    bpy.ops.screen.animation_cancel(restore_frame=False)
    bpy.context.scene.frame_set(plate.variants[0].frames)
    yield 1.0
    shoot("variants")
    plate.active_variant = 2
    plate.bake.fit, plate.bake.length, plate.bake.loop = True, 24, "closed"
    press_operator("bake")
    yield from wait_until(lambda: not busy(), "the bake")
    assert plate.shown == "BAKE", plate.message
    assert plate.variants[2].baked_frames == 24
    bpy.context.scene.frame_set(12)
    yield 1.0
    shoot("bake")
    press_operator("show_still")
    yield 0.5
    assert plate.shown == "STILL"


def watch_the_timer() -> list[float]:
    """Collect how long each callback of the add-on's timer takes from now on, in milliseconds."""
    pump = importlib.import_module(f"{MODULE}.pump")
    advance, took_ms = pump.advance, []

    def timed(budget_s: float) -> object:
        began_at = clock()
        result = advance(budget_s)
        took_ms.append((clock() - began_at) * 1000)
        return result

    pump.advance = timed
    return took_ms


def undo_results() -> Iterator[float]:
    """Undo takes what is shown back step by step; variants that are on disk stay in the list."""
    count = len(bpy.context.active_object.ipoke.variants)
    for shift in (False, False, False, True, True):
        press("Z", screen(bpy.context.active_object, (0.5, 0.5)), ctrl=True, shift=shift)
        yield 0.5
        assert len(bpy.context.active_object.ipoke.variants) == count
    with override():
        bpy.ops.ipoke.choose_variant("INVOKE_DEFAULT", index=1)
    yield 0.5
    assert bpy.context.active_object.ipoke.shown == "VARIANT"


def live_preview() -> Iterator[float]:
    """In live mode letting an arrow go brings one preview, and the next one takes its place."""
    obj = bpy.context.active_object
    obj.ipoke.live = True
    bpy.ops.ed.undo_push(message="Live")
    for tip in ((0.33, 0.2), (0.36, 0.36)):
        yield from drag(screen(obj, tuple(obj.ipoke.pokes[0].tip)), screen(obj, tip))
        yield from wait_until(lambda: not busy(), "the preview")
        yield 0.3
    obj = bpy.context.active_object
    assert [job.live for job in obj.ipoke.jobs].count(True) == 1
    assert obj.ipoke.variants[obj.ipoke.active_variant].job_id == obj.ipoke.jobs[-1].name
    shoot("live")


def press_operator(name: str) -> None:
    """Run an operator as a button does, and see that it does not hold Blender up."""
    with override():
        began_at, worked_s = time.perf_counter(), time.thread_time()
        getattr(bpy.ops.ipoke, name)("INVOKE_DEFAULT")
    took_s, worked_s = time.perf_counter() - began_at, time.thread_time() - worked_s
    print(f"scenario: {name} took {took_s * 1000:.0f} ms, {worked_s * 1000:.0f} ms of them work", flush=True)
    assert worked_s < LONGEST_OPERATOR_S, f"{name} held Blender up for {worked_s:.2f} s"


def busy() -> bool:
    return bool(importlib.import_module(f"{MODULE}.pump").state().jobs)


def wait_until(holds: Callable[[], object], what: str) -> Iterator[float]:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        message = bpy.context.active_object.ipoke.message
        assert not message, message
        assert time.monotonic() < deadline, f"{what} did not come"
        yield 0.1


def story() -> Iterator[float]:
    yield from set_up()
    yield from draw_and_edit()
    yield from copy_and_clamp()
    yield from edit_region()
    yield from rotate_and_draw()
    if CONNECTION_FILE:
        yield from sample_choose_bake(CONNECTION_FILE)
        yield from undo_results()
        yield from live_preview()
    else:
        print("scenario: without IPOKE_CONNECTION_FILE nothing is sampled", flush=True)


def play(steps: Iterator[float]) -> float | None:
    try:
        return next(steps)
    except StopIteration:
        print("scenario: passed", flush=True)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        shoot("failed")
        sys.stderr.flush()
        os._exit(1)


bpy.context.preferences.view.show_splash = False
STORY = story()
bpy.app.timers.register(lambda: play(STORY), first_interval=1.0)
