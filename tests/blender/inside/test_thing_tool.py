"""The mouse on the thing: strokes while D is held, what a click would take, more or less of what was found."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from .shots import sample
from .test_drawing import Hand, Mouse, context, facing, screen  # noqa: F401 a fixture
from .test_things import LEFT, RIGHT, at, cut_out  # noqa: F401 a fixture

MIDDLE = (0.5, 0.5)


@pytest.fixture
def facing_cut_out(context, plane, cut_out):  # noqa: F811
    """The cut-out before the 3D view, and the other plane away."""
    bpy.data.objects.remove(plane)
    cut_out.matrix_world = facing(context.region_data)
    bpy.context.view_layer.objects.active = cut_out
    return cut_out


class WithoutPanels:
    """Blender's module, but that operators run outside of any area: for its panels Blender needs a window."""

    def __init__(self) -> None:
        self.ops = SimpleNamespace(ipoke=SimpleNamespace(mark_thing=self.mark_thing))

    def __getattr__(self, name: str) -> object:
        return getattr(bpy, name)

    def mark_thing(self, *arguments: object, **properties: object) -> set[str]:
        with bpy.context.temp_override(area=None, region=None):
            return bpy.ops.ipoke.mark_thing(*arguments, **properties)


@pytest.fixture(autouse=True)
def _without_panels(part, monkeypatch):
    monkeypatch.setattr(part("operators.paint_thing"), "bpy", WithoutPanels())


class Brush:
    """Paints with the key held, event by event, as Blender would let it."""

    def __init__(self, context, *, adds: bool) -> None:  # noqa: F811
        self.context, self.hand = context, Hand(context, "paint_thing")
        self.operator = self.hand.operator
        self.operator.adds = adds

    def send(self, kind: str, value: str, at: tuple[float, float]) -> set[str]:
        return self.operator.modal(self.context, Mouse(kind, value, *at))

    def hold(self, at: tuple[float, float]) -> bool:
        return self.operator._grasp(self.context, Mouse("D", "PRESS", *at))

    def stroke(self, *way: tuple[float, float]) -> None:
        self.send("LEFTMOUSE", "PRESS", way[0])
        for place in way:
            assert self.send("MOUSEMOVE", "NOTHING", place) == {"RUNNING_MODAL"}
        assert self.send("LEFTMOUSE", "RELEASE", way[-1]) == {"RUNNING_MODAL"}


def test_each_drag_with_the_key_held_is_a_stroke_and_an_undo_step(facing_cut_out, context, part):  # noqa: F811
    obj = facing_cut_out
    bpy.ops.ed.undo_push(message="Before")
    brush = Brush(context, adds=True)
    places = [screen(context, obj, place) for place in (MIDDLE, (0.55, 0.5), RIGHT)]
    assert brush.hold(places[0])
    brush.stroke(*places[:2])
    brush.stroke(places[2])
    assert brush.send("D", "RELEASE", places[2]) == {"FINISHED"}
    assert part("session.pointer").state().draft is None
    first, second = bpy.context.active_object.ipoke.thing.strokes
    assert (len(first.points), len(second.points), first.adds) == (2, 1, True)
    assert at(part("session.things").known(bpy.context.active_object).mask, MIDDLE) == 1
    bpy.ops.ed.undo()
    assert len(bpy.context.active_object.ipoke.thing.strokes) == 1
    bpy.ops.ed.undo()
    assert len(bpy.context.active_object.ipoke.thing.strokes) == 0
    bpy.ops.ed.redo()
    assert len(bpy.context.active_object.ipoke.thing.strokes) == 1


def test_a_stroke_can_take_away_and_escape_forgets_it(facing_cut_out, context, part):  # noqa: F811
    obj = facing_cut_out
    brush = Brush(context, adds=False)
    left = screen(context, obj, LEFT)
    brush.hold(left)
    brush.send("LEFTMOUSE", "PRESS", left)
    assert brush.send("ESC", "PRESS", left) == {"CANCELLED"}
    assert not obj.ipoke.thing.strokes
    brush = Brush(context, adds=False)
    brush.hold(left)
    brush.stroke(left)
    brush.send("D", "RELEASE", left)
    assert at(part("session.things").known(bpy.context.active_object).mask, LEFT) == 0


def test_the_wheel_changes_the_brush_while_the_key_is_held(facing_cut_out, context, part):  # noqa: F811
    brush, before = Brush(context, adds=True), facing_cut_out.ipoke.thing.brush
    place = screen(context, facing_cut_out, MIDDLE)
    brush.hold(place)
    brush.send("WHEELUPMOUSE", "PRESS", place)
    assert facing_cut_out.ipoke.thing.brush > before
    assert part("session.pointer").state().draft.stroke.radius == facing_cut_out.ipoke.thing.brush
    brush.send("LEFT_BRACKET", "PRESS", place)
    assert facing_cut_out.ipoke.thing.brush == pytest.approx(before)
    brush.send("D", "RELEASE", place)
    assert not facing_cut_out.ipoke.thing.strokes


def test_the_key_is_for_somebody_else_beside_the_plate_and_where_the_whole_region_moves(facing_cut_out, context):  # noqa: F811
    assert not Brush(context, adds=True).hold((1.0, 1.0))
    facing_cut_out.ipoke.thing.source = "REGION"
    assert not Brush(context, adds=True).hold(screen(context, facing_cut_out, MIDDLE))


def hover(context, part, event: Mouse) -> None:  # noqa: F811
    operator = part("operators.hover").IPOKE_OT_hover
    assert operator.invoke(type("Recorded", (), {})(), context, event) == {"PASS_THROUGH"}


def test_with_alt_what_a_click_would_take_is_shown_and_without_it_no_more(facing_cut_out, context, part):  # noqa: F811
    place = screen(context, facing_cut_out, RIGHT)
    hover(context, part, Mouse("MOUSEMOVE", "NOTHING", *place, alt=True))
    candidate = part("session.pointer").state().candidate
    assert candidate.object_name == facing_cut_out.name
    shown = part("session.things").drawn(facing_cut_out, (candidate.place,))
    assert (at(shown.mask, RIGHT), at(shown.mask, LEFT)) == (1, 0), "that alone, without what the arrows stand on"
    hover(context, part, Mouse("MOUSEMOVE", "NOTHING", place[0] + 1, place[1], alt=True))
    assert part("session.pointer").state().candidate == candidate, "a step too short to ask again"
    hover(context, part, Mouse("MOUSEMOVE", "NOTHING", *place))
    assert part("session.pointer").state().candidate is None


@pytest.fixture
def found(plane, part):
    """A photograph in which three things were found within one another."""
    search, things, client = part("core.things.search"), part("session.things"), part("_vendor.client")
    png, levels = part("core.png"), tuple(client.Level)
    masks = {}
    for size, level in zip((50, 60, 80), levels, strict=True):
        mask = np.zeros((90, 160, 1), np.uint8)
        mask[:size, :size] = 255
        masks[level] = png.encode(mask)
    plate = plane.ipoke
    key = things.question_key(plate, things.tails(plate))
    part("session.running").runtime().answers[key] = search.Answer(client.ThingOrigin.SEGMENTER, masks)
    return plane


def area(obj: bpy.types.Object, part) -> int:
    return int(part("session.things").known(obj).mask.sum())


def test_of_what_was_found_more_or_less_is_taken(found, part):
    bpy.ops.ed.undo_push(message="Before")
    assert area(found, part) == 60**2
    assert bpy.ops.ipoke.change_level("EXEC_DEFAULT", True, step=1) == {"FINISHED"}
    assert area(found, part) == 80**2
    assert bpy.ops.ipoke.change_level(step=1) == {"CANCELLED"}
    bpy.ops.ed.undo()
    assert area(bpy.context.active_object, part) == 60**2
    assert bpy.ops.ipoke.change_level(step=-1) == {"FINISHED"}
    assert area(bpy.context.active_object, part) == 50**2


def test_more_or_less_is_offered_only_where_several_things_were_found(found, cut_out, part):  # noqa: F811
    things, hint = part("session.things"), part("drawing.thing_overlay").hint
    assert "[ ]" in hint(found.ipoke)
    assert things.may_have_levels(found.ipoke)
    known = things.known(cut_out)
    assert known.origin == "alpha"
    assert hint(cut_out.ipoke)
    assert "[ ]" not in hint(cut_out.ipoke)
    assert not things.may_have_levels(cut_out.ipoke)
    found.ipoke.thing.source = "REGION"
    assert not hint(found.ipoke)
    assert not things.may_have_levels(found.ipoke)


@pytest.fixture
def pressing(context, found, part):  # noqa: F811
    """A hand that has pressed where three things were found within one another, and how to turn the wheel and end it."""
    hand, things, pointer = Hand(context), part("session.things"), part("session.pointer")
    pointer.state().candidate = pointer.Candidate(found.name, (0.9, 0.9))
    answers = part("session.running").runtime().answers
    answer = answers[things.question_key(found.ipoke, things.tails(found.ipoke))]
    start = screen(context, found, (0.1, 0.1))
    assert hand.operator._grasp(context, Mouse("LEFTMOUSE", "PRESS", *start))
    answers[things.question_key(found.ipoke, things.tails(found.ipoke))] = answer
    return lambda kind, value="PRESS": hand.operator.modal(context, Mouse(kind, value, *start))


@pytest.mark.parametrize(("turn", "side"), [("WHEELUPMOUSE", 80), ("WHEELDOWNMOUSE", 50), ("RIGHT_BRACKET", 80)])
def test_the_wheel_takes_more_or_less_while_the_button_is_down(found, pressing, part, turn, side):
    assert area(found, part) == 60**2
    assert pressing(turn) == {"RUNNING_MODAL"}
    assert area(found, part) == side**2
    assert pressing(turn) == {"RUNNING_MODAL"}, "there is no other one"
    assert pressing("LEFTMOUSE", "RELEASE") == {"FINISHED"}
    assert area(found, part) == side**2


def test_escape_brings_back_how_much_was_taken_before_the_press(found, pressing, part):
    before = found.ipoke.thing.level
    pressing("WHEELUPMOUSE")
    assert found.ipoke.thing.level != before
    assert pressing("ESC") == {"CANCELLED"}
    assert found.ipoke.thing.level == before


def test_a_press_ends_what_alt_shows(pressing, part):
    assert part("session.pointer").state().candidate is None


def test_a_thing_that_was_found_is_known_until_the_arrows_stand_elsewhere(found, part):
    known = part("session.things").known
    assert known(found).origin == "segmenter"
    bpy.ops.ipoke.add_poke(tail=(0.05, 0.05), tip=(0.2, 0.2))
    assert known(found).mask.sum() == 60**2, "until the answer is there it is what it was, where all arrows stand on it"
    bpy.ops.ipoke.add_poke(tail=(0.8, 0.8), tip=(0.7, 0.7))
    assert known(found) is None


def test_painting_says_why_it_cannot_go_on(cut_out):  # noqa: F811
    for _ in range(32):
        assert bpy.ops.ipoke.mark_thing(points=[{"name": "", "at": MIDDLE}]) == {"FINISHED"}
    with pytest.raises(RuntimeError, match="too many strokes"):
        bpy.ops.ipoke.mark_thing(points=[{"name": "", "at": MIDDLE}])
    with pytest.raises(RuntimeError, match="no points"):
        bpy.ops.ipoke.mark_thing()
    sample(cut_out, samples=1)
    assert bpy.ops.ipoke.clear_strokes() == {"FINISHED"}
    assert not bpy.ops.ipoke.clear_strokes.poll()
