from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.core.gestures.arrows import (
    FRINGE_PX,
    HEAD_PX,
    PIN_PX,
    RIM_PX,
    TAIL_PX,
    Look,
    Mesh,
    ScreenArrow,
    add_frame,
    add_ground,
    render_data,
)
from blender_addon.core.gestures.gesture import Part
from blender_addon.core.gestures.hover import grabbed, on_ground

WHITE = Look((1.0, 1.0, 1.0, 1.0))
places = st.tuples(st.floats(-500, 3000), st.floats(-500, 3000))
arrows = st.builds(ScreenArrow, places, places, st.builds(Look, st.just((1.0, 0.5, 0.0, 0.7)), st.sampled_from([1.0, 2.0])))


def area(mesh: Mesh, triangle: tuple[int, int, int]) -> float:
    (ax, ay), (bx, by), (cx, cy) = (mesh.positions[i] for i in triangle)
    return ((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2


@given(st.lists(arrows, max_size=5))
def test_the_mesh_is_whole_finite_and_fades_out(drawn):
    mesh = render_data(drawn)
    assert len(mesh.positions) == len(mesh.colours)
    assert all(math.isfinite(value) for position in mesh.positions for value in position)
    assert {i for triangle in mesh.triangles for i in triangle} == set(range(len(mesh.positions)))
    if drawn:
        assert min(colour[3] for colour in mesh.colours) == 0.0


@given(arrows)
def test_nothing_is_drawn_far_from_the_arrow(arrow):
    reach = (max(HEAD_PX, TAIL_PX) + RIM_PX * 2 + FRINGE_PX * 2) * arrow.look.scale
    low = [min(arrow.tail[axis], arrow.tip[axis]) - reach for axis in (0, 1)]
    high = [max(arrow.tail[axis], arrow.tip[axis]) + reach for axis in (0, 1)]
    for position in render_data([arrow]).positions:
        assert all(low[axis] <= position[axis] <= high[axis] for axis in (0, 1))


def test_the_fill_ends_at_the_tip():
    mesh = render_data([ScreenArrow((100.0, 100.0), (200.0, 100.0), WHITE)])
    filled = [p for p, colour in zip(mesh.positions, mesh.colours, strict=True) if colour == WHITE.colour]
    assert max(x for x, _ in filled) == pytest.approx(200.0)
    assert min(x for x, _ in filled) == pytest.approx(100.0 - TAIL_PX)


def test_an_arrow_without_length_is_a_dot():
    mesh = render_data([ScreenArrow((100.0, 100.0), (100.0, 100.0), WHITE)])
    filled = [p for p, colour in zip(mesh.positions, mesh.colours, strict=True) if colour == WHITE.colour]
    assert all(math.dist(p, (100.0, 100.0)) <= TAIL_PX + 1e-9 for p in filled)


def test_shapes_face_the_viewer():
    mesh = render_data([ScreenArrow((100.0, 100.0), (180.0, 160.0), WHITE)])
    solid = [t for t in mesh.triangles if all(mesh.colours[i][3] > 0 for i in t)]
    assert all(area(mesh, triangle) > 0 for triangle in solid)


def test_a_frame_lies_on_the_edges_and_faces_the_viewer():
    mesh = Mesh()
    add_frame(mesh, [(100.0, 100.0), (300.0, 100.0), (300.0, 200.0), (100.0, 200.0)], (1.0, 1.0, 1.0, 0.5))
    solid = [t for t in mesh.triangles if all(mesh.colours[i][3] > 0 for i in t)]
    assert all(area(mesh, triangle) > 0 for triangle in solid)
    for x, y in mesh.positions:
        assert min(abs(x - 100), abs(x - 300), abs(y - 100), abs(y - 200)) < 5


@pytest.mark.parametrize(
    ("mouse", "expected"),
    [
        ((203, 98), (0, Part.TIP)),
        ((97, 104), (0, Part.TAIL)),
        ((150, 103), (0, Part.SHAFT)),
        ((150, 120), None),
        ((300, 300), (1, Part.TAIL)),
    ],
)
def test_the_part_under_the_mouse_is_found(mouse, expected):
    drawn = [ScreenArrow((100, 100), (200, 100), WHITE), ScreenArrow((300, 300), (300, 400), WHITE)]
    assert grabbed(drawn, mouse) == expected


def test_of_two_arrows_at_one_place_the_upper_is_grabbed():
    one = ScreenArrow((100, 100), (200, 100), WHITE)
    assert grabbed([one, one], (200, 100)) == (1, Part.TIP)


def test_an_end_wins_over_a_shaft_that_crosses_it():
    drawn = [ScreenArrow((100, 100), (200, 100), WHITE), ScreenArrow((200, 0), (200, 200), WHITE)]
    assert grabbed(drawn, (200, 100)) == (0, Part.TIP)


PIN = ScreenArrow((100.0, 100.0), (100.0, 100.0), WHITE, is_pin=True)


def test_a_pin_is_grabbed_as_one_piece():
    assert grabbed([PIN], (104, 97)) == (0, Part.PIN)
    assert grabbed([PIN], (100 + 2 * PIN_PX, 100)) is None


def test_a_pin_has_a_head_with_a_hole_and_lights_up_as_a_whole():
    mesh = render_data([PIN])
    heads = [position for position, colour in zip(mesh.positions, mesh.colours, strict=True) if colour == WHITE.colour]
    assert {round(math.dist(position, PIN.tail), 6) for position in heads} == {PIN_PX}
    lit = render_data([replace(PIN, look=replace(WHITE, lit=Part.PIN))])
    assert WHITE.colour not in lit.colours


def test_the_ground_is_drawn_as_diamonds_that_are_found_under_the_mouse():
    mesh = Mesh()
    add_ground(mesh, [(100.0, 100.0), (200.0, 100.0)], WHITE)
    assert sum(colour == WHITE.colour for colour in mesh.colours) == 8
    assert on_ground([(100.0, 100.0), (200.0, 100.0)], (203, 101), 1.0)
    assert not on_ground([(100.0, 100.0), (200.0, 100.0)], (150, 100), 1.0)


@pytest.mark.parametrize("part", [Part.TAIL, Part.TIP, Part.SHAFT])
def test_the_part_under_the_mouse_alone_is_lit(part):
    plain = ScreenArrow((100.0, 100.0), (300.0, 100.0), WHITE)
    lit = replace(plain, look=replace(WHITE, lit=part))
    changed = {
        position
        for position, before, after in zip(
            render_data([lit]).positions, render_data([plain]).colours, render_data([lit]).colours, strict=True
        )
        if before != after
    }
    left, right = min(x for x, _ in changed), max(x for x, _ in changed)
    assert {Part.TAIL: right < 120, Part.TIP: left > 270, Part.SHAFT: left < 110 and right < 295}[part]
