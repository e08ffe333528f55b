from __future__ import annotations

import math
import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from blender_addon.core.errors import PokeError
from blender_addon.core.gestures.pokes import Arrow, checked, length_px, snapped, to_poke

singles = st.floats(0.0, 1.0, width=32)


def single(value: float) -> float:
    return struct.unpack("f", struct.pack("f", value))[0]


@pytest.mark.parametrize("outside", [(-0.1, 0.5), (1.1, 0.5), (0.5, -0.1), (0.5, 1.2), (math.nan, 0.5)])
def test_an_arrow_that_leaves_the_plate_is_refused(outside):
    with pytest.raises(PokeError, match="leaves the plate"):
        checked((0.5, 0.5), outside)
    with pytest.raises(PokeError, match="leaves the plate"):
        checked(outside, (0.5, 0.5))


def test_an_arrow_almost_without_length_is_refused_and_one_without_any_is_a_pin():
    with pytest.raises(PokeError, match="no length"):
        checked((0.5, 0.5), (0.50001, 0.5))
    assert checked((0.5, 0.5), (0.5, 0.5)).is_pin


@given(singles, singles, st.floats(0.1, 2.0))
def test_a_pin_travels_as_a_poke_without_any_shift_whatever_its_strength(x, y, strength):
    assert to_poke(Arrow((x, y), (x, y)), strength).is_pin


@given(singles, singles, singles, singles)
def test_a_poke_that_was_stored_in_single_precision_is_asked_for_again_to_the_bit(x, y, tx, ty):
    assume(max(abs(tx - x), abs(ty - y)) > 1e-3)
    asked = to_poke(Arrow((x, y), (tx, ty)), 1.0)
    stored = single(asked.x + asked.dx), single(asked.y + asked.dy)
    assert (stored[0] - single(asked.x), stored[1] - single(asked.y)) == (asked.dx, asked.dy)


@given(singles, singles, singles, singles, st.floats(0.1, 2.0))
def test_strength_never_carries_the_tip_off_the_plate(x, y, tx, ty, strength):
    poke = to_poke(Arrow((x, y), (tx, ty)), strength)
    assert 0.0 <= poke.x + poke.dx <= 1.0
    assert 0.0 <= poke.y + poke.dy <= 1.0


def test_strength_stretches_the_arrow():
    poke = to_poke(Arrow((0.5, 0.5), (0.6, 0.45)), 0.5)
    assert (poke.dx, poke.dy) == pytest.approx((0.05, -0.025), abs=1e-6)


def test_length_counts_pixels_of_the_plate():
    assert length_px(Arrow((0.0, 0.0), (0.03, 0.08)), (1000, 500)) == pytest.approx(50.0)


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_a_snapped_arrow_keeps_its_length_and_turns_by_steps_as_seen_on_the_plate(dx, dy):
    assume(math.hypot(dx, dy) > 1e-3)
    size = (1920, 1080)
    before = Arrow((0.5, 0.5), (0.5 + dx, 0.5 + dy))
    after = Arrow(before.tail, snapped(before.tail, before.tip, size))
    assert length_px(after, size) == pytest.approx(length_px(before, size))
    angle = math.degrees(math.atan2(after.shift[1] * size[1], after.shift[0] * size[0]))
    assert angle / 15 == pytest.approx(round(angle / 15), abs=1e-6)
