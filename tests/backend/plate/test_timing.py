"""Time: in-betweens lie on smooth paths, drawings are held, clips join with their velocity, loops close or say so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.plate.timing import ease, measure_seam, timeline
from backend.protocol.errors import ProtocolError
from backend.protocol.messages import Easing, Loop, Playback

T = 10


def keys(kind: str, seed: int = 0, clips: int = 1) -> np.ndarray:
    """Keys (clips (T + 1), D) of things that swing, go and stay, drift, or stand still."""
    generator = np.random.default_rng(seed)
    time = np.arange(T + 1) / T
    found = []
    for _ in range(clips):
        reach = generator.normal(0, 4, 40)
        pace, damping = generator.uniform(0.3, 1.3), generator.uniform(0.5, 3)
        curve = {
            "swing": np.exp(-damping * time) * np.sin(2 * np.pi * pace * time),
            "settle": 1 - np.exp(-damping * time) * np.cos(2 * np.pi * pace * time),
            "drift": time,
            "still": 0 * time,
        }[kind]
        found.append(curve[:, None] * reach)
    return np.concatenate(found)


def test_as_many_frames_as_the_model_makes_are_the_models_own():
    plan = timeline(Playback(), 1, T, keys("settle"))
    np.testing.assert_allclose(plan.rows, np.eye(T + 1)[1:], atol=1e-12)
    assert plan.seam is None


@pytest.mark.parametrize("count", [2, 7, 25, 300])
def test_a_clip_of_any_length_ends_where_the_model_ends(count):
    plan = timeline(Playback(frames=count), 1, T, keys("settle"))
    assert plan.rows.shape == (count, T + 1)
    np.testing.assert_allclose(plan.rows[-1], np.eye(T + 1)[-1], atol=1e-9)
    np.testing.assert_allclose(plan.rows.sum(axis=1), 1, atol=1e-9)


def test_in_betweens_of_a_straight_path_are_straight_and_of_a_curve_smooth():
    even = timeline(Playback(frames=40), 1, T, keys("drift")).rows @ keys("drift")
    np.testing.assert_allclose(np.diff(even, axis=0), np.broadcast_to(even[1] - even[0], (39, 40)), atol=1e-9)
    swing = timeline(Playback(frames=80), 1, T, keys("swing")).rows @ keys("swing")
    steps = np.linalg.norm(np.diff(swing, axis=0), axis=1)
    turns = np.linalg.norm(np.diff(swing, 2, axis=0), axis=1)
    assert turns.max() < 0.35 * steps.max()


@pytest.mark.parametrize("hold", [1, 2, 3])
def test_drawings_are_held(hold):
    plan = timeline(Playback(frames=12, hold=hold), 1, T, keys("swing"))
    for index in range(12):
        assert (plan.rows[index] == plan.rows[index // hold * hold]).all()
    assert len(np.unique(plan.rows, axis=0)) == 12 // hold


@pytest.mark.parametrize("easing", list(Easing))
def test_easing_keeps_start_end_and_order(easing):
    shares = [ease(easing, share) for share in np.linspace(0, 1, 50)]
    assert shares[0] == 0
    assert shares[-1] == 1
    assert (np.diff(shares) >= 0).all()
    slow_start, slow_end = shares[1] < 0.01, shares[-2] > 0.99
    assert (slow_start, slow_end) == (easing in (Easing.IN, Easing.IN_OUT), easing in (Easing.OUT, Easing.IN_OUT))


def test_a_loop_can_not_be_eased():
    with pytest.raises(ProtocolError, match="can't be eased"):
        Playback(easing=Easing.IN, loop=Loop.CLOSED).check("playback")


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["swing", "settle", "drift"]), st.integers(0, 10_000), st.sampled_from([None, 12, 24, 48]))
def test_a_closed_loop_closes_in_position_and_velocity(kind, seed, count):
    values = keys(kind, seed)
    plan = timeline(Playback(frames=count, loop=Loop.CLOSED), 1, T, values)
    shown = plan.rows @ values
    again = measure_seam(plan.seam.loop, shown)
    assert again == plan.seam
    assert plan.seam.loop is Loop.CLOSED
    assert plan.seam.closes
    around = np.concatenate([shown, shown[:1]])
    steps = np.linalg.norm(np.diff(around, axis=0), axis=1)
    assert steps[-1] <= np.median(steps[:-1]) * 1.001
    assert steps[:-1].max() > 0


def test_what_stands_still_goes_there_and_back_and_says_so():
    plan = timeline(Playback(loop=Loop.CLOSED), 1, T, keys("still"))
    assert plan.seam.loop is Loop.PING_PONG


def test_ping_pong_visits_both_ends_and_turns_softly():
    values = keys("drift")
    plan = timeline(Playback(frames=40, loop=Loop.PING_PONG), 1, T, values)
    along = (plan.rows @ values)[:, 0] / values[-1, 0]
    assert along.min() == pytest.approx(0, abs=0.02)
    assert along.max() == pytest.approx(1, abs=0.02)
    assert plan.seam.closes


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["swing", "settle", "drift"]), st.integers(0, 10_000), st.sampled_from([24, 48, 60]))
def test_what_settles_reaches_the_end_swings_a_little_beyond_the_still_and_rests_there_without_a_jump(kind, seed, count):
    values = keys(kind, seed)
    plan = timeline(Playback(frames=count, loop=Loop.SETTLE), 1, T, values)
    shown = plan.rows @ values
    np.testing.assert_allclose(shown[-1], values[0], atol=1e-9)
    assert plan.seam.loop is Loop.SETTLE
    along = shown @ values[-1] / max(values[-1] @ values[-1], 1e-9)
    if kind != "swing":
        assert along.max() > 0.9, "all of the motion is there"
        assert along.min() > -0.45, "and it does not come far on the other side"
    cycle = np.concatenate([shown, shown[:2]])
    speed = np.linalg.norm(np.diff(cycle, axis=0), axis=1)
    turn = np.linalg.norm(np.diff(cycle, 2, axis=0), axis=1)
    assert speed[count - 1] < 0.5 * speed.max(), "nothing jumps where it begins anew"
    assert turn[count - 2 :].max() < 0.75 * speed.max(), "and it begins as softly as it moves"


@pytest.mark.parametrize("hold", [1, 2, 3])
def test_what_settles_ends_at_the_still_however_long_each_drawing_stays(hold):
    rows = timeline(Playback(frames=25, hold=hold, loop=Loop.SETTLE), 1, T, keys("swing")).rows
    np.testing.assert_allclose(rows[-1], np.eye(T + 1)[0], atol=1e-9)
    assert len(rows) == 25


@pytest.mark.parametrize("clips", [2, 3, 5])
def test_chained_clips_join_without_a_jump_in_position_or_velocity(clips):
    values = keys("settle", 3, clips)
    shown = timeline(Playback(frames=200, chain=clips), clips, T, values).rows @ values
    steps = np.diff(shown, axis=0)
    speed, turn = np.linalg.norm(steps, axis=1), np.linalg.norm(np.diff(steps, axis=0), axis=1)
    inside = timeline(Playback(frames=200 // clips), 1, T, values[: T + 1]).rows @ values[: T + 1]
    usual = np.linalg.norm(np.diff(inside, axis=0), axis=1)
    assert speed.max() < 3 * usual.max()
    assert turn.max() < 0.5 * speed.max(), "a velocity jumps where clips are joined"


def test_the_frames_around_a_frame_go_round_a_loop_and_stop_at_open_ends():
    loop = timeline(Playback(frames=12, loop=Loop.CLOSED), 1, T, keys("swing"))
    assert (loop.around(0)[0] == loop.rows[-1]).all()
    assert (loop.around(11)[2] == loop.rows[0]).all()
    once = timeline(Playback(), 1, T, keys("swing"))
    assert once.around(0)[0].tolist() == [1.0] + [0.0] * T
    assert (once.around(9)[2] == once.rows[9]).all()
