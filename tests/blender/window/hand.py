"""Owns what every story in a Blender window needs: the mouse, pictures, setting up, waiting, the clock. See README.md."""

from __future__ import annotations

import importlib
import math
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import bpy
from bpy_extras import view3d_utils
from mathutils import Euler

ROOT = Path(__file__).resolve().parents[3]
PLATE = ROOT / "demo/plate.jpg"
SHOTS = ROOT / "build/screenshots"
CONNECTION_FILE = os.environ.get("IPOKE_CONNECTION_FILE", "")
ZIP = os.environ.get("IPOKE_ZIP", "")
MODULE = "bl_ext.user_default.ipoke"
STEPS_OF_A_DRAG = 8
PATIENCE_S = 300.0


def part(name: str) -> ModuleType:
    """A module of the add-on that runs."""
    return importlib.import_module(f"{MODULE}.{name}")


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


def click(at: tuple[int, int], **modifiers: bool) -> Iterator[float]:
    """Press and release at one place."""
    move(at)
    yield 0.2
    press("LEFTMOUSE", at, **modifiers)
    yield 0.1
    press("LEFTMOUSE", at, "RELEASE", **modifiers)
    yield 0.4


def tap(key: str, at: tuple[int, int], **modifiers: bool) -> Iterator[float]:
    """Press and release a key with the mouse at a place."""
    move(at)
    yield 0.2
    press(key, at, **modifiers)
    yield 0.05
    press(key, at, "RELEASE", **modifiers)
    yield 0.3


def shoot(name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["import", "-window", "root", str(SHOTS / f"{name}.png")], check=True)


def install() -> None:
    """Install the extension from its zip, as the preferences do; without one it must be installed already."""
    if ZIP:
        bpy.ops.extensions.package_install_files(filepath=ZIP, repo="user_default", enable_on_install=True)
    else:
        bpy.ops.preferences.addon_enable(module=MODULE)
    assert MODULE in bpy.context.preferences.addons


def set_up(image: Path = PLATE) -> Iterator[float]:
    """An empty scene with one plate that faces the view, the Poke tool, and the add-on's tab."""
    install()
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    area, _, region_3d = view()
    area.spaces.active.show_region_ui = True
    area.spaces.active.overlay.show_floor = False
    yield 0.5
    with override():
        bpy.ops.ipoke.add_plate(filepath=str(image))
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


def enlarged(size_px: tuple[int, int]) -> Path:
    """The demo's photograph at another size."""
    path = Path(bpy.app.tempdir) / "plate.jpg"
    image = bpy.data.images.load(str(PLATE))
    image.scale(*size_px)
    image.file_format = "JPEG"
    image.save(filepath=str(path))
    bpy.data.images.remove(image)
    return path


def busy() -> bool:
    """Whether a job is open."""
    return bool(part("session.running").state().jobs)


def wait_until(holds: Callable[[], object], what: str) -> Iterator[float]:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        message = bpy.context.active_object.ipoke.message
        assert not message, message
        assert time.monotonic() < deadline, f"{what} did not come"
        yield 0.1


def at_rest() -> Iterator[float]:
    """Wait until nothing swings back any more, and that is drawn."""
    yield from wait_until(lambda: part("session.puppets").state().play is None, "the end of the play")
    yield 0.5


def timed(owner: object, name: str) -> list[tuple[float, float]]:
    """Collect how long each call of a function takes from now on: milliseconds on the wall, and of this thread's own work."""
    function, took_ms = getattr(owner, name), []

    def measured(*arguments: object) -> object:
        began_at, worked_s = time.perf_counter(), time.thread_time()
        try:
            return function(*arguments)
        finally:
            took_ms.append(((time.perf_counter() - began_at) * 1000, (time.thread_time() - worked_s) * 1000))

    def method(self: object, context: bpy.types.Context, event: bpy.types.Event) -> object:
        return measured(self, context, event)

    # Blender counts the parameters of an operator's functions, so these have to be named.
    setattr(owner, name, method if isinstance(owner, type) else measured)
    return took_ms


def told(what: str, took_ms: list[tuple[float, float]]) -> str:
    """The median, the 99th percentile and the worst of some times."""
    texts = []
    for kind, times in (("wall", [wall for wall, _ in took_ms]), ("work", [work for _, work in took_ms])):
        ordered = sorted(times)
        late = ordered[len(ordered) * 99 // 100]
        texts.append(f"{kind} median {ordered[len(ordered) // 2]:.2f}, 99th {late:.2f}, worst {ordered[-1]:.2f} ms")
    return f"scenario: {len(took_ms)} {what}: " + "; ".join(texts)


def load() -> str:
    """How busy the machine is, for what stands beside a figure."""
    return f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"


def play(story: Iterator[float]) -> None:
    """Run a story, each `yield` of which is a pause in seconds, and end Blender with it."""
    bpy.context.preferences.view.show_splash = False

    def step() -> float | None:
        try:
            return next(story)
        except StopIteration:
            print("scenario: passed", flush=True)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            shoot("failed")
            sys.stderr.flush()
            os._exit(1)

    bpy.app.timers.register(step, first_interval=1.0)
