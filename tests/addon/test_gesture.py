from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.core.gestures.gesture import (
    AddArrow,
    Cancel,
    ChangeArrow,
    Discard,
    Dragging,
    FreeGround,
    Grab,
    Idle,
    Move,
    Part,
    Press,
    Release,
    SelectArrow,
    ShowDraft,
    transition,
)
from blender_addon.core.gestures.plane import inside
from blender_addon.core.gestures.pokes import Arrow, length_px

SIZE = (1000, 500)
ARROW = Arrow((0.4, 0.4), (0.6, 0.5))

points = st.tuples(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))
moves = st.builds(Move, points, st.booleans(), st.booleans())
grabs = st.none() | st.builds(Grab, st.integers(0, 3), st.sampled_from(Part), st.just(ARROW), st.booleans())
presses = st.builds(
    Press,
    points.map(lambda at: (min(max(at[0], 0), 1), min(max(at[1], 0), 1))),
    st.just(SIZE),
    grabs,
    on_ground=st.booleans(),
)
events = st.one_of(moves, presses, st.builds(Release, st.floats(0, 100)), st.just(Cancel()))


def play(*told):
    """Run events from the start; return the last state and all effects."""
    state, done = Idle(), []
    for event in told:
        state, effects = transition(state, event)
        done += effects
    return state, done


def test_press_drag_release_adds_an_arrow_from_tail_to_tip():
    state, done = play(Press((0.2, 0.3), SIZE), Move((0.3, 0.3)), Move((0.5, 0.6)), Release(80))
    assert state == Idle()
    assert done[-1] == AddArrow(Arrow((0.2, 0.3), pytest.approx((0.5, 0.6))))


def test_every_move_shows_the_draft():
    _, done = play(Press((0.2, 0.3), SIZE), Move((0.3, 0.3)))
    assert done == [ShowDraft(Arrow((0.2, 0.3), (0.2, 0.3)), None), ShowDraft(Arrow((0.2, 0.3), (0.3, 0.3)), None)]


def test_a_click_without_a_drag_sets_a_pin_where_the_button_went_down():
    state, done = play(Press((0.2, 0.3), SIZE), Move((0.201, 0.3)), Release(1))
    assert state == Idle()
    assert done[-1] == AddArrow(Arrow((0.2, 0.3), (0.2, 0.3)))


def test_a_drag_that_comes_back_to_where_it_began_sets_a_pin():
    _, done = play(Press((0.2, 0.3), SIZE), Move((0.6, 0.3)), Move((0.2, 0.301)), Release(0.5))
    assert done[-1].arrow.is_pin


def test_a_click_on_the_ground_frees_it_and_a_drag_from_it_draws_an_arrow():
    _, clicked = play(Press((0.2, 0.9), SIZE, on_ground=True), Release(1))
    assert clicked[-1] == FreeGround()
    _, dragged = play(Press((0.2, 0.9), SIZE, on_ground=True), Move((0.4, 0.7)), Release(80))
    assert dragged[-1] == AddArrow(Arrow((0.2, 0.9), pytest.approx((0.4, 0.7))))


@pytest.mark.parametrize("snap", [False, True])
def test_a_dragged_pin_stays_a_pin_and_moves_to_where_it_is_let_go(snap):
    pin = Arrow((0.4, 0.4), (0.4, 0.4))
    _, done = play(Press((0.41, 0.4), SIZE, Grab(1, Part.PIN, pin)), Move((0.62, 0.71), snap=snap), Release(80))
    assert isinstance(done[-1], ChangeArrow)
    assert done[-1].arrow.is_pin
    assert done[-1].arrow.tail == pytest.approx((0.61, 0.71))


def test_escape_keeps_nothing():
    state, done = play(Press((0.2, 0.3), SIZE), Move((0.5, 0.6)), Cancel())
    assert state == Idle()
    assert done[-1] == Discard()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Part.TIP, Arrow((0.4, 0.4), (0.7, 0.6))),
        (Part.TAIL, Arrow((0.5, 0.5), (0.6, 0.5))),
        (Part.SHAFT, Arrow((0.5, 0.5), (0.7, 0.6))),
    ],
)
def test_dragging_a_part_moves_that_part(part, expected):
    _, done = play(Press((0.5, 0.45), SIZE, Grab(2, part, ARROW)), Move((0.6, 0.55)), Release(80))
    changed = done[-1]
    assert isinstance(changed, ChangeArrow)
    assert changed.index == 2
    assert changed.arrow.tail == pytest.approx(expected.tail)
    assert changed.arrow.tip == pytest.approx(expected.tip)


def test_a_click_on_an_arrow_selects_it():
    _, done = play(Press((0.6, 0.5), SIZE, Grab(1, Part.TIP, ARROW)), Release(0))
    assert done[-1] == SelectArrow(1)


def test_the_shaft_stops_at_the_edge_without_changing_the_arrow():
    _, done = play(Press((0.5, 0.45), SIZE, Grab(0, Part.SHAFT, ARROW)), Move((2.0, 0.45)), Release(80))
    arrow = done[-1].arrow
    assert arrow.tip[0] == pytest.approx(1.0)
    assert arrow.shift == pytest.approx(ARROW.shift)


def test_shift_slows_the_drag_and_releasing_shift_does_not_jump():
    _, done = play(Press((0.5, 0.5), SIZE), Move((0.6, 0.5), fine=True), Move((0.7, 0.5)), Release(80))
    assert done[-1].arrow.tip == pytest.approx((0.62, 0.5))


def test_ctrl_snaps_as_seen_on_the_plate():
    _, done = play(Press((0.5, 0.5), SIZE), Move((0.6, 0.51), snap=True), Release(80))
    assert done[-1].arrow.tip[1] == pytest.approx(0.5)


@given(st.lists(events, max_size=30))
def test_whatever_happens_the_draft_stays_on_the_plate_and_only_a_release_changes_anything(told):
    state = Idle()
    for event in told:
        before = state
        state, effects = transition(state, event)
        for effect in effects:
            if isinstance(effect, AddArrow | ChangeArrow | SelectArrow | FreeGround):
                assert isinstance(event, Release)
            if isinstance(effect, ShowDraft | AddArrow | ChangeArrow):
                assert inside(effect.arrow.tail)
                assert inside(effect.arrow.tip)
        if isinstance(before, Idle) and not isinstance(event, Press):
            assert state is before
        if isinstance(event, Cancel | Release):
            assert state == Idle()
    assert isinstance(state, Idle | Dragging)


@pytest.mark.parametrize("part", [None, Part.TIP, Part.TAIL])
def test_the_end_that_is_dragged_stops_at_the_longest_length_and_says_so(part):
    grab = None if part is None else Grab(0, part, ARROW)
    at = (0.6, 0.5) if part is Part.TIP else (0.4, 0.4)
    _, done = play(Press(at, SIZE, grab, longest_px=150.0), Move((0.95, 0.9)))
    assert done[-1].clamped
    assert length_px(done[-1].arrow, SIZE) == pytest.approx(150.0)
    kept = ARROW.tip if part is Part.TAIL else (0.4, 0.4)
    assert (done[-1].arrow.tip if part is Part.TAIL else done[-1].arrow.tail) == kept


def test_a_copy_leaves_its_source_and_names_it():
    _, done = play(Press((0.5, 0.45), SIZE, Grab(2, Part.SHAFT, ARROW, copy=True)), Move((0.55, 0.5)), Release(80))
    assert [effect.index for effect in done[:-1]] == [None, None]
    assert isinstance(done[-1], AddArrow)
    assert done[-1].source == 2
    assert done[-1].arrow.tail == pytest.approx((0.45, 0.45))


def test_a_click_copies_beside_the_arrow():
    _, done = play(Press((0.5, 0.45), SIZE, Grab(2, Part.SHAFT, ARROW, copy=True)), Release(0))
    assert done[-1].arrow != ARROW
    assert done[-1].arrow.shift == pytest.approx(ARROW.shift)
