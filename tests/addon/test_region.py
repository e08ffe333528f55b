from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon._vendor.client import Poke, Region
from blender_addon.core.errors import PokeError
from blender_addon.core.gestures.region import (
    HANDLES,
    LEAST_SIDE_PX,
    MOVE,
    Box,
    around,
    check_pokes,
    dragged,
    grabbed,
    handle_at,
    to_box,
    to_region,
)

SIZE = (1920, 1080)
BOX = Box(0.25, 0.25, 0.75, 0.75)
shifts = st.tuples(st.floats(-2, 2), st.floats(-2, 2))


@given(st.sampled_from([MOVE, *HANDLES]), shifts)
def test_whatever_is_dragged_the_region_stays_on_the_plate_and_is_not_too_small(handle, shift):
    box = dragged(BOX, handle, shift, SIZE)
    assert 0 <= box.left < box.right <= 1
    assert 0 <= box.top < box.bottom <= 1
    region = to_region(box, SIZE)
    assert min(region.w, region.h) >= LEAST_SIDE_PX
    assert region.x + region.w <= SIZE[0]
    assert region.y + region.h <= SIZE[1]


def test_pins_may_lie_outside_the_region_and_arrows_not():
    check_pokes(BOX, [Poke(0.1, 0.1, 0.0, 0.0)])
    with pytest.raises(PokeError, match="reaches outside"):
        check_pokes(BOX, [Poke(0.1, 0.1, 0.01, 0.0)])


@given(shifts)
def test_moving_keeps_the_size(shift):
    box = dragged(BOX, MOVE, shift, SIZE)
    assert box.right - box.left == pytest.approx(0.5)
    assert box.bottom - box.top == pytest.approx(0.5)


@pytest.mark.parametrize("handle", HANDLES, ids=str)
def test_a_handle_moves_its_own_sides_only(handle):
    box = dragged(BOX, handle, (0.05, 0.05), SIZE)
    sides = (box.left, box.top, box.right, box.bottom)
    moved = [after != before for before, after in zip((0.25, 0.25, 0.75, 0.75), sides, strict=True)]
    assert moved == [handle.x < 0, handle.y < 0, handle.x > 0, handle.y > 0]


@given(st.integers(0, 1800), st.integers(0, 1000), st.integers(64, 1920), st.integers(64, 1080))
def test_pixels_come_back_to_the_pixel(x, y, w, h):
    w, h = min(w, SIZE[0] - x), min(h, SIZE[1] - y)
    assert to_region(to_box((x, y, w, h), SIZE), SIZE) == Region(x, y, w, h)


def test_handles_go_before_the_outline_and_the_inside_is_free():
    corners = [(x * 1000, y * 1000) for x, y in BOX.corners]
    places = [tuple(value * 1000 for value in handle_at(BOX, handle)) for handle in HANDLES]
    assert grabbed(places, corners, (252, 252), 1.0) == HANDLES[0]
    assert grabbed(places, corners, (400, 252), 1.0) == MOVE
    assert grabbed(places, corners, (400, 400), 1.0) is None


def test_a_region_starts_as_the_largest_square_with_the_arrows_in_it():
    poke = Poke(0.9, 0.5, 0.05, 0.1)
    box = around([poke], SIZE)
    check_pokes(box, [poke])
    assert to_region(box, SIZE) == Region(840, 0, 1080, 1080)


def test_an_arrow_outside_is_refused_by_its_number():
    with pytest.raises(PokeError, match="Arrow 2 reaches outside"):
        check_pokes(BOX, [Poke(0.5, 0.5, 0.1, 0.1), Poke(0.7, 0.5, 0.1, 0.0)])
