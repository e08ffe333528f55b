"""What holds a body, and what a model's motion makes of it far from the arrow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.plate.manner import Manner
from backend.plate.motion import Motion, motion_of_flows
from backend.plate.poses import Holds, poses_of
from backend.protocol.messages import Region
from ipoke_body import Body

SIDE, MODEL_PX = 400, 32
REGION = Region(0, 0, SIDE, SIDE)


def tall(top: int = 60, bottom: int = 340) -> Body:
    """A standing thing: a column with a head."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.rectangle(mask, (180, top + 40), (220, bottom), 1, -1)
    cv2.circle(mask, (200, top + 40), 40, 1, -1)
    return Body.of(mask > 0)


def turning(degrees: float, reach_px: float = 4.0, centre: float = 8.0) -> Motion:
    """What is near the head goes to the right and turns about it; the rest stands still."""
    rows, columns = np.indices((MODEL_PX, MODEL_PX), dtype=np.float32)
    x, y = columns - 15.5, rows - centre
    near = np.exp(-(x**2 + y**2) / (2 * reach_px**2))
    turn = np.radians(degrees)
    shift = np.stack([1.5 + (np.cos(turn) - 1) * x - np.sin(turn) * y, np.sin(turn) * x + (np.cos(turn) - 1) * y]) * near
    return motion_of_flows([(-shift * share).astype(np.float32) for share in (0.5, 1.0)], [None] * 2)


def last(body: Body, motion: Motion, holds: Holds, manner: Manner = Manner(), arrow=(0.5, 0.25, 0.1, 0.0)) -> np.ndarray:  # noqa: B008
    return poses_of(body, motion, REGION, (SIDE, SIDE), np.array([arrow]), holds, manner)[-1]


def ground_of(body: Body) -> Holds:
    return Holds(ground=body.ground(np.array([[0.5, 0.25]])))


def foot(body: Body) -> np.ndarray:
    return body.rest[:, 1] > 0.8


def test_what_turns_near_the_arrow_turns_far_along_the_thing_too():
    body = tall()
    leans = [last(body, turning(degrees), Holds())[foot(body), 0].mean() for degrees in (-10, 0, 10)]
    assert leans[0] > leans[1] + 0.03
    assert leans[2] < leans[1] - 0.03


def test_of_a_model_that_sees_the_thing_rest_far_from_the_arrow_is_known_and_the_body_stays():
    body, guessed = tall(), turning(10)
    told = Motion(guessed.shifts, guessed.trust, None, whole=True)
    moved = [np.abs(last(body, motion, Holds()) - body.rest)[foot(body)].mean() for motion in (guessed, told)]
    assert moved[1] < 0.5 * moved[0]
    everywhere = Motion(
        np.full_like(guessed.shifts, 3.2) * np.array([0, 0.5, 1])[:, None, None, None], guessed.trust, None, whole=True
    )
    assert (last(body, everywhere, Holds())[:, 0] - body.rest[:, 0]).mean() > 0.07  # of the 0.1 that it was told


def test_a_firm_variant_stands_and_a_loose_one_slides():
    body = tall()
    moved = [
        (last(body, turning(0), ground_of(body), Manner(firm=firm)) - body.rest)[foot(body), 0].mean() for firm in (-2, 0, 2)
    ]
    assert moved[0] > moved[1] > moved[2]
    assert moved[2] < 0.02


def test_a_stiff_head_carries_more_of_the_thing():
    body = tall()
    moved = [np.abs(last(body, turning(0), ground_of(body), Manner(stiff=stiff)) - body.rest).mean() for stiff in (-2, 2)]
    assert moved[0] != pytest.approx(moved[1], rel=0.02)


@pytest.mark.parametrize("turn", [-1.0, 1.0])
def test_a_mirrored_motion_and_manner_make_the_mirrored_pose(turn):
    body = tall()
    motion = turning(8)
    mirrored = Motion(motion.shifts[..., ::-1] * np.array([-1, 1], np.float32)[:, None, None], motion.trust[..., ::-1], None)
    one = last(body, motion, Holds(), Manner(turn=turn))
    other = last(body, mirrored, Holds(), Manner(turn=-turn), (0.5, 0.25, -0.1, 0.0))
    assert (one - body.rest)[:, 0].mean() == pytest.approx(-(other - body.rest)[:, 0].mean(), abs=0.01)
    assert (one - body.rest)[:, 1].mean() == pytest.approx((other - body.rest)[:, 1].mean(), abs=0.01)


def test_what_is_pulled_up_leaves_the_ground():
    body = tall()
    up = last(body, turning(0), ground_of(body), arrow=(0.5, 0.25, 0.0, -0.15))
    assert (body.rest - up)[foot(body), 1].mean() > 0.08


@pytest.mark.parametrize(("arrow", "allowed"), [((0.0, 0.1), True), ((0.0, -0.1), False), ((0.1, 0.0), True)])
def test_at_the_border_a_thing_slides_along_and_out_but_not_in(arrow, allowed):
    body = tall(bottom=SIDE - 1)
    tail = np.array([[0.5, 0.85]])
    border = body.ground(tail)
    pose = poses_of(body, turning(0), REGION, (SIDE, SIDE), np.array([(*tail[0], *arrow)]), Holds(border=border))[-1]
    moved = (body.weights(border) @ (pose - body.rest)).mean(axis=0)
    assert np.hypot(*moved) > 0.02 if allowed else np.hypot(*moved) < 1e-6


def test_a_thing_that_is_pulled_at_its_foot_hangs():
    body = tall()
    assert body.ground(np.array([[0.5, 0.2]]))[:, 1].min() > 0.8
    assert body.ground(np.array([[0.5, 0.82]]))[:, 1].max() < 0.25


def test_between_frames_a_body_neither_jumps_nor_turns_inside_out():
    body = tall()
    motion = motion_of_flows(
        list(np.linspace(0, -2, 11)[1:, None, None, None] * np.ones((2, MODEL_PX, MODEL_PX), np.float32)), [None] * 10
    )
    poses = poses_of(body, motion, REGION, (SIDE, SIDE), np.array([(0.5, 0.25, 0.15, 0.15)]), ground_of(body), Manner(-1, 2, 2))
    steps = np.hypot(*np.diff(poses, axis=0).T).max(axis=0)
    assert steps.max() < 3 * 0.15 * np.sqrt(2) / 10
    a, b, c = (poses[:, body.mesh.triangles[:, corner]] for corner in range(3))
    areas = (b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0]
    assert (np.sign(areas) == np.sign(areas[:1])).all()
