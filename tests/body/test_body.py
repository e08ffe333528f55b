"""Poses of a body: arrows and pins are met exactly, the rest gives way like one elastic thing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ipoke_body import Body, BodyError

from . import shapes


def posed(body: Body, places, shifts, **options) -> np.ndarray:
    """The only pose (V, 2), in pixels of the mask."""
    held = body.held(np.array(places, float))
    return held.poses(np.array([[shifts]], float), **options)[0, 0] * body.size_px


def shown(body: Body, pose: np.ndarray, place) -> np.ndarray:
    """Where a place (2,) of the thing at rest, in fractions, lies in a pose, in pixels."""
    triangles, weights = body.mesh.located(np.array([place]) * body.size_px)
    return (pose[body.mesh.triangles[triangles[0]]] * weights[0][:, None]).sum(axis=0)


def test_tips_and_pins_are_met_exactly():
    body = Body.of(shapes.flower())
    pose = posed(body, [(0.5, 0.3), (0.52, 0.9)], [(0.2, 0.05), (0, 0)])
    assert shown(body, pose, (0.5, 0.3)) == pytest.approx(np.array([0.7, 0.35]) * shapes.SIDE, abs=1e-6)
    assert shown(body, pose, (0.52, 0.9)) == pytest.approx(np.array([0.52, 0.9]) * shapes.SIDE, abs=1e-6)


def test_the_whole_head_goes_along_with_an_arrow_on_it():
    body = Body.of(shapes.flower())
    pose = posed(body, [(0.5, 0.3), (0.525, 0.99)], [(0.1, 0.0), (0, 0)])
    for place in ((0.4, 0.3), (0.6, 0.3), (0.5, 0.2)):
        moved = shown(body, pose, place) / shapes.SIDE - place
        assert np.hypot(*moved) > 0.08


def test_a_finger_leaves_its_neighbour_behind():
    body = Body.of(shapes.hand())
    pose = posed(body, [(0.42, 0.18), (0.35, 0.85), (0.65, 0.85)], [(-0.1, 0.0), (0, 0), (0, 0)])
    neighbour = shown(body, pose, (0.57, 0.18)) / shapes.SIDE
    assert neighbour == pytest.approx((0.57, 0.18), abs=0.03)


def test_one_arrow_alone_carries_the_thing_as_it_is():
    body = Body.of(shapes.hand())
    pose = posed(body, [(0.5, 0.7)], [(0.1, -0.05)])
    assert pose == pytest.approx(body.mesh.vertices + np.array([0.1, -0.05]) * shapes.SIDE, abs=0.05)


@pytest.mark.parametrize("degrees", [90, 180, 300])
def test_two_arrows_that_turn_a_thing_turn_it_rigidly(degrees):
    body = Body.of(shapes.drawn((_disc,)))
    turn = math.radians(degrees)
    matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    places = np.array([(0.35, 0.5), (0.65, 0.5)])
    pose = posed(body, places, (places - 0.5) @ (matrix.T - np.eye(2)), rounds=200)
    wanted = (body.mesh.vertices - 200) @ matrix.T + 200
    assert np.abs(pose - wanted).max() < 0.02 * shapes.SIDE


def _disc(mask):
    rows, columns = np.indices(mask.shape)
    mask[np.hypot(rows - 200, columns - 200) < 90] = 1


def test_targets_draw_the_body_as_far_as_they_weigh():
    body = Body.of(shapes.hand())
    pins = np.array([(0.35, 0.85), (0.65, 0.85)])
    targets = (body.rest + np.array([0.1, 0.0]))[None, None]
    moved = []
    for weight in (0.001, 0.1, 100.0):
        held = body.held(pins, np.full(len(body.rest), weight))
        moved.append(float(np.median(held.poses(np.zeros((1, 1, 2, 2)), targets)[0, 0, :, 0] - body.rest[:, 0])))
    assert moved[0] < moved[1] < moved[2]
    assert moved[2] == pytest.approx(0.1, abs=0.003)


def test_more_rounds_never_cost_more_energy():
    body = Body.of(shapes.hand())
    held = body.held(np.array([(0.42, 0.18), (0.5, 0.85)]))
    shifts = np.array([[[(0.3, 0.1), (0, 0)]]])
    energies = [held.solver.energy(held.poses(shifts, rounds=rounds)[0] * body.size_px)[0] for rounds in (1, 2, 5, 20, 80)]
    assert energies == sorted(energies, reverse=True)


@pytest.mark.slow
def test_a_head_on_a_thin_stem_turns_within_few_rounds():
    body = Body.of(shapes.flower())
    held = body.held(np.array([(0.5, 0.3), (0.525, 0.99)]))
    path = np.array([[[(0.02 * t, 0.0), (0, 0)]] for t in range(1, 11)])
    quick, exact = (held.poses(path, rounds=rounds)[-1] * shapes.SIDE for rounds in (20, 1000))
    assert np.abs(quick - exact).max() < 0.01 * shapes.SIDE


@pytest.mark.slow
def test_going_on_from_the_pose_before_is_what_a_drag_needs():
    body = Body.of(shapes.flower())
    held = body.held(np.array([(0.5, 0.3), (0.525, 0.99)]))
    pose = body.rest[None]
    for t in [*range(1, 41), *[40] * 10]:
        pose = held.poses(np.array([[[(0.005 * t, 0.0), (0, 0)]]]), start=pose, rounds=8)[0]
    exact = held.poses(np.array([[[(0.2, 0.0), (0, 0)]]]), rounds=1000)[0]
    assert np.abs(pose - exact).max() < 0.02


@pytest.mark.slow
def test_clips_do_not_change_each_other():
    body = Body.of(shapes.flower())
    held = body.held(np.array([(0.5, 0.3), (0.525, 0.99)]))
    shifts = np.array([[[(0.02 * t * sign, 0.0), (0, 0)] for sign in (1, -1, 0.5)] for t in range(5)])
    together = held.poses(shifts)
    for clip in range(3):
        assert np.allclose(together[:, clip], held.poses(shifts[:, [clip]])[:, 0], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("mask", shapes.strange().values(), ids=shapes.strange())
@pytest.mark.parametrize("places", [[(0.5, 0.5)], [(0.5, 0.5)] * 3, [(0.1, 0.1), (0.9, 0.9)], [(-3.0, 9.0), (0.5, 0.5)]], ids=str)
def test_strange_things_have_a_sound_body(mask, places):
    body = Body.of(mask, 150)
    held = body.held(np.array(places))
    shifts = np.zeros((2, 1, len(places), 2))
    shifts[1, 0, 0] = (0.6, -0.4)
    poses = held.poses(shifts)[:, 0]
    assert np.isfinite(poses).all()
    assert np.abs(poses[0] - body.rest).max() < 1e-6
    assert np.abs(poses * body.size_px).max() < 12 * max(body.size_px)


def test_islands_that_nothing_pulls_stay():
    body = Body.of(shapes.drawn((_square, 40), (_square, 240)))
    pose = posed(body, [(0.2, 0.2)], [(0.2, 0.0)])
    there = body.mesh.vertices[:, 0] > 200
    assert np.abs(pose - body.mesh.vertices)[there].max() < 0.01


def _square(mask, left):
    mask[40:140, left : left + 100] = 1


def test_a_thing_is_held_where_it_leaves_the_picture():
    body = Body.of(shapes.flower())
    ground = body.ground(np.array([(0.5, 0.3)]))
    assert len(ground) >= 1
    assert (ground[:, 1] > 0.9).all()


def test_a_thing_inside_the_picture_is_held_where_it_stands():
    ground = Body.of(shapes.hand()).ground(np.array([(0.4, 0.2)]))
    assert (ground[:, 1] * shapes.SIDE > 330).all()


def test_the_ground_lets_go_where_an_arrow_pulls_at_it():
    body = Body.of(shapes.flower())
    assert not len(body.ground(np.array([(0.525, 0.99)])))


@pytest.mark.parametrize("places", [np.zeros((0, 2)), np.array([[np.nan, 0.5]])])
def test_a_body_needs_an_arrow(places):
    with pytest.raises(BodyError, match="draw an arrow"):
        Body.of(shapes.hand()).held(places)


def test_an_empty_mask_says_what_to_do():
    with pytest.raises(BodyError, match="mark the thing with a stroke"):
        Body.of(np.zeros((4, 4), bool))
