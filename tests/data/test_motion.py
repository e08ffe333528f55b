"""Deformations are undone by their inverses, and oscillators answer as told."""

import numpy as np
import pytest

from ipoke_models.data.procedural.motion import Affine, Bend, Bumps, Chain, Follow, Hinge, Ripple, Shift, response

FRAMES = 10


def _wave(largest: float) -> np.ndarray:
    return largest * response(np.random.default_rng(3), FRAMES, 0.8, 0.2, arrive=True)


STEM = Bend(np.array([30.0, 60.0], np.float32), 45.0, 1.3, _wave(0.8))
JOINT = np.array([32.0, 30.0], np.float32)
DEFORMATIONS = {
    "bend": Chain((STEM,)),
    "bend that turns all alike": Chain((Bend(JOINT, 20.0, 0.0, _wave(-0.7)),)),
    "leaf on a stem": Chain((Bend(JOINT, 20.0, 0.5, _wave(0.6)), Follow(STEM, JOINT))),
    "shift": Chain((Shift(_wave(5.0)[:, None] * np.array([[1.0, -0.5]], np.float32)),)),
    "bumps": Chain(
        (
            Bumps(
                np.array([[20.0, 20.0], [40.0, 30.0]], np.float32),
                np.array([12.0, 9.0], np.float32),
                np.stack([_wave(7.0), _wave(-5.0)], 1)[..., None] * np.array([0.6, 0.8], np.float32),
            ),
        )
    ),
    "hinge": Chain((Hinge(JOINT, 14.0, _wave(0.9)),)),
    "second segment of a limb": Chain(
        (Hinge(JOINT, 8.0, _wave(0.9)), Hinge(np.array([20.0, 40.0], np.float32), 9.0, _wave(-0.6)))
    ),
    "stretched and turned": Chain(
        (
            Affine(
                np.eye(2, dtype=np.float32) + _wave(0.4)[:, None, None] * np.float32([[1, 2], [-1, 0.5]]),
                _wave(6.0)[:, None] * JOINT / 30,
            ),
        )
    ),
    "cloth": Chain(
        (
            Ripple(
                np.array([30.0, 5.0], np.float32),
                np.array([0.6, 0.8], np.float32),
                50.0,
                np.array([[0.05, 0.08], [0.1, -0.02]], np.float32),
                np.array([[0.8, -0.6], [1.0, 0.0]], np.float32),
                np.stack([_wave(3.0), _wave(-2.0)], 1),
                np.linspace(0, 4, 2 * FRAMES, dtype=np.float32).reshape(FRAMES, 2),
            ),
        )
    ),
    "nothing": Chain(),
}


@pytest.mark.parametrize("motion", DEFORMATIONS.values(), ids=DEFORMATIONS.keys())
def test_inverse_undoes_forward_to_a_fiftieth_of_a_pixel(motion: Chain) -> None:
    grid = np.stack(np.meshgrid(np.arange(64), np.arange(64)), -1).astype(np.float32)
    origin = motion.inverse(grid, FRAMES)
    for t in range(FRAMES):
        back = motion.forward(origin[t], FRAMES)[t]
        assert np.abs(back - grid).max() < 0.02


def test_a_leaf_stays_on_its_joint() -> None:
    joint = JOINT[None]
    on_stem = Chain((STEM,)).forward(joint, FRAMES)
    on_leaf = DEFORMATIONS["leaf on a stem"].forward(joint, FRAMES)
    np.testing.assert_allclose(on_leaf, on_stem, atol=1e-3)


def test_a_bend_keeps_its_anchor_and_the_distance_to_it() -> None:
    points = np.array([[30.0, 60.0], [30.0, 20.0]], np.float32)
    moved = STEM.forward(np.broadcast_to(points, (FRAMES, 2, 2)))
    np.testing.assert_allclose(moved[:, 0], np.broadcast_to(points[0], (FRAMES, 2)), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(moved[:, 1] - points[0], axis=-1), 40.0, rtol=1e-4)


@pytest.mark.parametrize("arrive", [True, False])
def test_a_response_has_a_largest_magnitude_of_one(arrive: bool) -> None:
    curve = response(np.random.default_rng(0), FRAMES, 1.0, 0.3, arrive)
    assert curve.shape == (FRAMES,)
    assert np.abs(curve).max() == pytest.approx(1.0)
