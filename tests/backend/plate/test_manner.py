"""How a thing gives way is a number of the draw."""

from __future__ import annotations

import numpy as np
import pytest

from backend.plate.manner import Manner

SHAPE = (16, 8, 8)


def numbers(residual: np.ndarray) -> np.ndarray:
    manner = Manner.of(residual)
    return np.array([manner.firm, manner.stiff, manner.turn])


def test_over_draws_each_number_is_as_a_normal_variable_and_none_tells_of_another():
    generator = np.random.default_rng(0)
    found = np.array([numbers(generator.normal(size=SHAPE).astype(np.float32)) for _ in range(2000)])
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=0.06)
    np.testing.assert_allclose(found.std(axis=0), 0.96, atol=0.05)  # of N(0, 1) held to 2 deviations
    np.testing.assert_allclose(np.corrcoef(found.T), np.eye(3), atol=0.08)


def test_a_draw_near_another_gives_way_alike():
    generator = np.random.default_rng(1)
    r, noise = (generator.normal(size=SHAPE).astype(np.float32) for _ in range(2))
    near = np.sqrt(1 - 0.1**2) * r + 0.1 * noise
    np.testing.assert_allclose(numbers(near), numbers(r), atol=0.4)


def test_a_mirrored_draw_turns_the_other_way_and_stands_as_firmly():
    r = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    np.testing.assert_allclose(numbers(r[..., ::-1]), numbers(r) * (1, 1, -1), atol=1e-6)


@pytest.mark.parametrize("residual", [None, np.full(SHAPE, 7.0, np.float32)])
def test_what_is_no_draw_gives_way_as_is_usual(residual):
    assert Manner.of(residual) == Manner()


def test_however_far_a_draw_goes_the_body_is_held():
    wild = 100 * np.random.default_rng(3).normal(size=SHAPE).astype(np.float32)
    assert np.abs(numbers(wild)).max() <= 2
