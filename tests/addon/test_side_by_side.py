from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from blender_addon.core.gestures.side_by_side import GAP, free_place

SPANS = st.lists(st.tuples(st.floats(-20, 20), st.floats(0.1, 5)).map(lambda span: (span[0], span[0] + span[1])), max_size=12)


def test_a_free_place_is_taken_as_it_is_wanted():
    assert free_place(0.0, 2.0, [(1.5, 3.0), (-4.0, -1.0)]) == 0.0


def test_what_stands_in_the_way_is_passed_with_a_gap():
    assert free_place(0.0, 2.0, [(-1.0, 1.0)]) == 1.0 + GAP + 1.0


@given(st.floats(-10, 10), st.floats(0.1, 8), SPANS)
def test_the_place_is_never_left_of_the_wish_and_meets_nothing(wanted, width, taken):
    middle = free_place(wanted, width, taken)
    assert middle >= wanted
    assert all(first >= middle + width / 2 or last <= middle - width / 2 for first, last in taken)
