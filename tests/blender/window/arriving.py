"""From an empty Blender to a baked clip by the shortest way: drop a file, draw, sample, look, bake. It prints what a hand does.

IPOKE_CONNECTION_FILE names the backend's connection file; README.md says how to start it all.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

import hand
from hand import override, part, screen, shoot, tap, wait_until

HEAD = ((0.29, 0.33), (0.37, 0.27))
ABOVE = (0.5, 0.08)


ACTS: list[str] = []
"""What a hand would have done."""


def middle() -> tuple[int, int]:
    _, region, _ = hand.view()
    return region.x + region.width // 2, region.y + region.height // 2


def plate() -> bpy.types.PropertyGroup:
    return bpy.context.active_object.ipoke


def drop() -> Iterator[float]:
    """What Blender does when a file is let go over a 3D view: of several handlers it asks which."""
    shoot("arriving_0_empty")
    move_to = middle()
    hand.move(move_to)
    yield 0.3
    with override():
        bpy.ops.wm.drop_import_file("INVOKE_DEFAULT", directory=str(hand.PLATE.parent), files=[{"name": hand.PLATE.name}])
    yield 1.0
    shoot("arriving_1_dropped")
    yield from tap("I", move_to)  # what is underlined in the menu's entry
    ACTS.append("drop the file on the 3D view")
    ACTS.append("click on Add iPOKE Plate in the menu that comes")
    yield 1.0


def framed() -> None:
    """The whole plate is seen, straight, beside the sidebar."""
    area, region, shown = hand.view()
    sidebar = next(other for other in area.regions if other.type == "UI")
    right = region.x + region.width - (sidebar.width if sidebar.width > 1 else 0)
    corners = [screen(bpy.context.active_object, at) for at in ((0, 0), (1, 0), (0, 1), (1, 1))]
    assert all(region.x <= x <= right and region.y <= y <= region.y + region.height for x, y in corners), corners
    assert abs(corners[0][1] - corners[1][1]) <= 1
    assert shown.view_perspective in ("PERSP", "ORTHO")


def look_pale() -> Iterator[float]:
    """In Material Preview AgX shows the picture paler, and the panel has the button that mends it."""
    space = hand.view()[0].spaces.active
    before = space.shading.type
    space.shading.type = "MATERIAL"
    yield 1.0
    shoot("arriving_pale")
    with override():
        assert bpy.ops.ipoke.set_standard.poll()
        bpy.ops.ipoke.set_standard("INVOKE_DEFAULT")
    yield 0.3
    assert bpy.context.scene.view_settings.view_transform == "Standard"
    space.shading.type = before


def story() -> Iterator[float]:
    """What happens."""
    hand.install()
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    hand.view()[0].spaces.active.show_region_ui = True
    yield 0.5
    sidebar = next(region for region in hand.view()[0].regions if region.type == "UI")
    sidebar.active_panel_category = "iPOKE"
    yield 0.7
    yield from drop()
    framed()
    shoot("arriving_2_framed")
    yield from look_pale()
    with override():
        bpy.ops.wm.tool_set_by_id(name="ipoke.poke_tool")
    ACTS.append("click on Poke Tool")
    part("scene.preferences").get().connection_file = hand.CONNECTION_FILE
    yield 0.5
    obj = bpy.context.active_object
    yield from hand.drag(screen(obj, HEAD[0]), screen(obj, HEAD[1]))
    ACTS.append("drag an arrow")
    yield 0.5
    plate().samples = 2
    began_s = time.monotonic()
    yield from tap("P", screen(obj, ABOVE), shift=True)
    ACTS.append("press Shift P")
    assert hand.busy(), "Shift P samples"
    yield 1.0
    shoot("arriving_3_begun")
    yield from wait_until(lambda: plate().variants and plate().variants[0].frames > 2, "the first frames")
    print(f"scenario: first frames after {time.monotonic() - began_s:.1f} s, {hand.load()}", flush=True)
    yield 0.3
    assert bpy.context.screen.is_animation_playing, "it plays"
    yield 1.5
    shoot("arriving_4_plays")
    yield from wait_until(lambda: not hand.busy(), "the variants")
    print(f"scenario: {len(plate().variants)} variants after {time.monotonic() - began_s:.1f} s, {hand.load()}", flush=True)
    assert {variant.frames for variant in plate().variants} == {48}
    yield 2.0
    shoot("arriving_5_variants")
    yield from tap("PAGE_DOWN", screen(obj, ABOVE))
    assert plate().active_variant == 1, "Page Down shows the next variant"
    yield from tap("PAGE_UP", screen(obj, ABOVE))
    assert plate().active_variant == 0
    yield from tap("SPACE", screen(obj, ABOVE))
    assert not bpy.context.screen.is_animation_playing
    yield 0.5
    shoot("arriving_6_stopped")
    with override():
        bpy.ops.ipoke.bake("INVOKE_DEFAULT")
    ACTS.append("P, then click on Bake in the pie menu")
    began_s = time.monotonic()
    yield 2.0
    shoot("arriving_7_baking")
    yield from wait_until(lambda: not hand.busy(), "the bake")
    print(f"scenario: the bake after {time.monotonic() - began_s:.1f} s, {hand.load()}", flush=True)
    assert (plate().shown, plate().variants[0].baked_frames) == ("BAKE", 48), plate().message
    yield 1.0
    shoot("arriving_8_baked")
    print("scenario: " + "; ".join(ACTS), flush=True)


hand.play(story())
