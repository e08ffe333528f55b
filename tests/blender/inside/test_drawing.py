"""Drives the drag that draws arrows with recorded mouse events, where no window sends any."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType

import bpy
import pytest
from bpy_extras import view3d_utils
from mathutils import Euler, Matrix, Vector

from .conftest import MODULE

TOLERANCE = 2e-3


@dataclass
class Mouse:
    """What an operator reads of an event."""

    type: str
    value: str
    mouse_region_x: float
    mouse_region_y: float
    ctrl: bool = False
    shift: bool = False
    alt: bool = False


class Hand:
    """Runs a drag operator's own functions the way Blender would, event by event."""

    def __init__(self, context: bpy.types.Context, module: str = "draw_poke") -> None:
        (operator,) = importlib.import_module(f"{MODULE}.operators.{module}").CLASSES
        drag = next(base for base in operator.__mro__ if base.__name__ == "PlateDrag")
        own = {**vars(drag), **vars(operator)}
        functions = {name: value for name, value in own.items() if isinstance(value, FunctionType | str)}
        self.operator = type("Recorded", (), {**functions, "report": lambda _self, _kind, text: self.said.append(text)})()
        self.said: list[str] = []
        self.context = context

    def drag(self, *way: tuple[float, float], end: str = "RELEASE", **keys: bool) -> set[str]:
        if not self.operator._grasp(self.context, Mouse("LEFTMOUSE", "PRESS", *way[0], **keys)):
            return {"PASS_THROUGH"}
        for at in way[1:]:
            answer = self.operator.modal(self.context, Mouse("MOUSEMOVE", "NOTHING", *at, **keys))
            assert answer == {"RUNNING_MODAL"}
        last = Mouse("LEFTMOUSE", "RELEASE", *way[-1], **keys) if end == "RELEASE" else Mouse(end, "PRESS", *way[-1])
        return self.operator.modal(self.context, last)


def facing(view: bpy.types.RegionView3D) -> Matrix:
    """The placement that looks straight into the view, which can't be moved without a window."""
    upright_to_flat = Matrix.Rotation(-math.pi / 2, 4, "X")
    return view.view_matrix.inverted() @ Matrix.Translation((0, 0, -8)) @ upright_to_flat


@pytest.fixture
def context(plane) -> Iterator[bpy.types.Context]:
    """The 3D view of the default window, with the plane before it."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    plane.matrix_world = facing(area.spaces.active.region_3d)
    with bpy.context.temp_override(window=window, area=area, region=region):
        yield bpy.context


@pytest.fixture
def hand(context) -> Hand:
    return Hand(context)


@pytest.fixture
def empty(plane) -> bpy.types.Object:
    plane.ipoke.pokes.clear()
    return plane


def screen(context: bpy.types.Context, obj: bpy.types.Object, at: tuple[float, float]) -> tuple[float, float]:
    """Where a plate point is on the screen, from the corners of the plane and not through the add-on."""
    bpy.context.view_layer.update()
    half = Vector((obj.data.vertices[2].co.x, 0, obj.data.vertices[2].co.z))
    place = obj.matrix_world @ Vector(((2 * at[0] - 1) * half.x, 0, (1 - 2 * at[1]) * half.z))
    point = view3d_utils.location_3d_to_region_2d(context.region, context.region_data, place)
    return point.x, point.y


PLACEMENTS = {
    "straight": Matrix(),
    "turned": Euler((0.3, 0.5, -0.4)).to_matrix().to_4x4(),
    "scaled": Matrix.Diagonal((0.4, 1.0, 1.3, 1.0)),
    "mirrored": Matrix.Diagonal((-1.0, 1.0, 1.0, 1.0)),
    "all of it": Matrix.Translation((0.3, 1.0, -0.2))
    @ Euler((-0.5, 0.2, 0.3)).to_matrix().to_4x4()
    @ Matrix.Diagonal((0.7, 1, -0.5, 1)),
}


@pytest.mark.parametrize("placement", PLACEMENTS.values(), ids=PLACEMENTS)
@pytest.mark.parametrize("parented", [False, True])
def test_an_arrow_lands_where_it_was_drawn(hand, context, empty, placement, parented):
    if parented:
        parent = bpy.data.objects.new("Parent", None)
        context.collection.objects.link(parent)
        parent.matrix_world = Matrix.Translation((0.2, 0.5, 0.1)) @ Euler((0.2, -0.1, 0.3)).to_matrix().to_4x4()
        empty.parent = parent
    empty.matrix_world = facing(context.region_data) @ placement
    way = [screen(context, empty, at) for at in ((0.3, 0.4), (0.35, 0.45), (0.5, 0.65))]
    assert hand.drag(*way) == {"FINISHED"}
    poke = empty.ipoke.pokes[0]
    assert math.dist(poke.tail, (0.3, 0.4)) < TOLERANCE
    assert math.dist(poke.tip, (0.5, 0.65)) < TOLERANCE


def test_flipped_texture_coordinates_flip_the_arrow(hand, context, empty):
    for corner in empty.data.uv_layers.active.data:
        corner.uv.x = 1.0 - corner.uv.x
    assert hand.drag(screen(context, empty, (0.3, 0.4)), screen(context, empty, (0.5, 0.65))) == {"FINISHED"}
    poke = empty.ipoke.pokes[0]
    assert math.dist(poke.tail, (0.7, 0.4)) < TOLERANCE
    assert math.dist(poke.tip, (0.5, 0.65)) < TOLERANCE


def test_a_drag_beyond_the_edge_ends_at_the_edge(hand, context, empty):
    hand.drag(screen(context, empty, (0.8, 0.5)), screen(context, empty, (1.4, 0.5)))
    assert tuple(empty.ipoke.pokes[0].tip) == pytest.approx((1.0, 0.5), abs=TOLERANCE)


@pytest.mark.parametrize("end", ["ESC", "RIGHTMOUSE", "WINDOW_DEACTIVATE"])
def test_a_drag_that_is_broken_off_keeps_nothing(hand, context, empty, end):
    assert hand.drag(screen(context, empty, (0.3, 0.4)), screen(context, empty, (0.6, 0.7)), end=end) == {"CANCELLED"}
    assert not empty.ipoke.pokes
    assert importlib.import_module(f"{MODULE}.session.pointer").state().draft is None


def test_arrows_are_dimmed_when_another_object_is_active_and_when_they_are_switched_off(context, plane, part):
    def alphas() -> list[float]:
        seen = part("drawing.view").PlateView.of(context, plane)
        return [arrow.look.colour[3] for arrow in part("drawing.overlay").screen_arrows(context, seen)]

    assert alphas() == [1.0]
    plane.ipoke.pokes[0].enabled = False
    (off,) = alphas()
    plane.ipoke.pokes[0].enabled = True
    context.view_layer.objects.active = None
    (aside,) = alphas()
    assert 0.0 < off < 0.5
    assert 0.0 < aside < 0.5


def test_a_click_sets_a_pin_which_a_drag_moves(hand, context, empty):
    assert hand.drag(screen(context, empty, (0.3, 0.4))) == {"FINISHED"}
    (pin,) = empty.ipoke.pokes
    assert tuple(pin.tail) == tuple(pin.tip) == pytest.approx((0.3, 0.4), abs=TOLERANCE)
    assert pin.name == "Pin 1"
    hand.drag(screen(context, empty, (0.3, 0.4)), screen(context, empty, (0.6, 0.7)))
    (pin,) = empty.ipoke.pokes
    assert tuple(pin.tail) == tuple(pin.tip) == pytest.approx((0.6, 0.7), abs=TOLERANCE)


def test_alt_drags_a_copy_of_a_pin(hand, context, empty):
    bpy.ops.ipoke.add_pin(at=(0.3, 0.4))
    hand.drag(screen(context, empty, (0.3, 0.4)), screen(context, empty, (0.5, 0.6)), alt=True)
    assert [tuple(pin.tail) == tuple(pin.tip) for pin in empty.ipoke.pokes] == [True, True]
    assert tuple(empty.ipoke.pokes[1].tail) == pytest.approx((0.5, 0.6), abs=TOLERANCE)


def test_a_press_beside_the_plate_is_for_somebody_else(hand, context, empty):
    assert hand.drag(screen(context, empty, (1.3, 0.5))) == {"PASS_THROUGH"}


def test_grabbing_the_tip_changes_the_arrow_and_adds_none(hand, context, plane):
    hand.drag(screen(context, plane, (0.38, 0.3)), screen(context, plane, (0.5, 0.2)))
    assert len(plane.ipoke.pokes) == 1
    assert tuple(plane.ipoke.pokes[0].tip) == pytest.approx((0.5, 0.2), abs=TOLERANCE)
    assert tuple(plane.ipoke.pokes[0].tail) == pytest.approx((0.3, 0.35), abs=TOLERANCE)


def test_another_plane_under_the_mouse_becomes_the_active_one(hand, context, empty):
    bpy.ops.mesh.primitive_cube_add(location=(0, 0, 300))
    assert context.active_object != empty
    hand.drag(screen(context, empty, (0.3, 0.4)), screen(context, empty, (0.6, 0.7)))
    assert context.view_layer.objects.active == empty
    assert len(empty.ipoke.pokes) == 1


def test_ctrl_snaps_to_level(hand, context, empty):
    hand.drag(screen(context, empty, (0.3, 0.4)), screen(context, empty, (0.6, 0.42)), ctrl=True)
    poke = empty.ipoke.pokes[0]
    assert poke.tip[1] == pytest.approx(poke.tail[1], abs=1e-5)


def test_an_arrow_longer_than_the_model_knows_is_drawn_in_and_says_so(hand, context, empty):
    hand.drag(screen(context, empty, (0.1, 0.5)), screen(context, empty, (0.9, 0.5)))
    poke = empty.ipoke.pokes[0]
    width, height = empty.ipoke.still.size
    assert (poke.tip[0] - poke.tail[0]) * width == pytest.approx(height / 2, rel=1e-3)
    assert poke.tip[1] == pytest.approx(0.5, abs=TOLERANCE)


def test_alt_drags_a_copy_with_its_strength_and_leaves_the_arrow(hand, context, plane):
    plane.ipoke.pokes[0].strength = 0.5
    hand.drag(screen(context, plane, (0.34, 0.325)), screen(context, plane, (0.44, 0.425)), alt=True)
    first, copy = plane.ipoke.pokes
    assert tuple(first.tail) == pytest.approx((0.3, 0.35))
    assert tuple(copy.tail) == pytest.approx((0.4, 0.45), abs=TOLERANCE)
    assert tuple(copy.tip) == pytest.approx((0.48, 0.4), abs=TOLERANCE)
    assert copy.strength == 0.5
    assert copy.name != first.name


def test_an_alt_click_leaves_a_copy_beside_the_arrow(hand, context, plane):
    assert hand.drag(screen(context, plane, (0.34, 0.325)), alt=True) == {"FINISHED"}
    first, copy = plane.ipoke.pokes
    assert tuple(copy.tail) != tuple(first.tail)


def test_escape_leaves_selection_and_plates_as_they_were(hand, context, plate):
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    other = context.active_object
    other.ipoke.still, other.ipoke.plate_id = None, ""
    other.matrix_world = facing(context.region_data) @ Matrix.Translation((0, -0.5, 0))
    bpy.ops.mesh.primitive_cube_add(location=(0, 0, 300))
    cube = context.active_object
    hand.drag(screen(context, other, (0.6, 0.6)), screen(context, other, (0.7, 0.7)), end="ESC")
    assert context.view_layer.objects.active == cube
    assert other.ipoke.still is None
    assert not other.ipoke.plate_id
    hand.drag(screen(context, other, (0.6, 0.6)), screen(context, other, (0.7, 0.7)))
    assert context.view_layer.objects.active == other
    assert len(other.ipoke.pokes) == 1


@pytest.fixture
def region(plane) -> bpy.types.Object:
    """A plane whose region is set by hand."""
    plane.ipoke.region = 0.2, 0.2, 0.7, 0.8
    plane.ipoke.use_region = True
    return plane


@pytest.mark.parametrize(
    ("grab", "to", "box"),
    [
        ((0.2, 0.2), (0.1, 0.1), (0.1, 0.1, 0.7, 0.8)),
        ((0.7, 0.5), (0.9, 0.6), (0.2, 0.2, 0.9, 0.8)),
        ((0.45, 0.8), (0.45, 1.4), (0.2, 0.2, 0.7, 1.0)),
        ((0.6, 0.2), (0.7, 0.3), (0.3, 0.3, 0.8, 0.9)),
    ],
    ids=["corner", "side", "beyond the edge", "outline"],
)
def test_dragging_a_handle_resizes_the_region_and_its_outline_moves_it(region, context, grab, to, box):
    hand = Hand(context, "edit_region")
    assert hand.drag(screen(context, region, grab), screen(context, region, to)) == {"FINISHED"}
    assert tuple(region.ipoke.region) == pytest.approx(box, abs=TOLERANCE)


def test_inside_and_beside_the_region_the_press_is_for_the_arrows(region, context):
    hand = Hand(context, "edit_region")
    for at in ((0.5, 0.6), (0.9, 0.9), (0.38, 0.3)):
        assert hand.drag(screen(context, region, at)) == {"PASS_THROUGH"}


def test_escape_restores_the_region(region, context):
    before = tuple(region.ipoke.region)
    hand = Hand(context, "edit_region")
    hand.drag(screen(context, region, (0.2, 0.2)), screen(context, region, (0.1, 0.1)), end="ESC")
    assert tuple(region.ipoke.region) == before


def test_a_redraw_reads_the_surface_of_a_plate_once(region, context, part, monkeypatch):
    overlay, view, read = part("drawing.overlay"), part("drawing.view"), []
    surface = view.surface
    monkeypatch.setattr(view, "surface", lambda obj: read.append(obj.name) or surface(obj))
    monkeypatch.setattr(overlay, "_poke_tool_is_active", lambda _context: True)
    for name in ("_draw_mesh", "_draw_hint"):  # without a window nothing can be drawn
        monkeypatch.setattr(overlay, name, lambda *_arguments: None)
    overlay._draw_plates(context)
    assert read == [region.name]
