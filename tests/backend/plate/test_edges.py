"""The edge of a thing takes nothing of the old background along, and the thing itself stays whole."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.plate.edges import cut_out

RED, GREEN = (0.1, 0.1, 0.9), (0.1, 0.8, 0.1)


def scene(*, side: int = 300, soft_px: float = 0.8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A red disc before green: the picture, the disc's true matte, and the green alone."""
    matte = np.zeros((side, side), np.float32)
    cv2.circle(matte, (side // 2, side // 2), side // 4, 1.0, -1, cv2.LINE_AA)
    matte = cv2.GaussianBlur(matte, (0, 0), soft_px)
    behind = np.broadcast_to(np.float32(GREEN), (side, side, 3)).copy()
    return matte[..., None] * np.float32(RED) + (1 - matte[..., None]) * behind, matte, behind


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_a_matte_that_is_too_wide_takes_no_background_along(white):
    picture, true, behind = scene()
    wide = cv2.dilate(true, np.ones((3, 3)))
    moving, matte = cut_out(picture * np.float32(white), wide, behind * np.float32(white), white)
    left, naive = moving / white - matte[..., None] * np.float32(RED), picture - (1 - wide[..., None]) * behind
    naive -= wide[..., None] * np.float32(RED)
    assert left[..., 1].sum() < 0.35 * naive[..., 1].sum(), "green of the old background goes along"
    assert np.abs(matte - true).mean() < 0.5 * np.abs(wide - true).mean()


def test_the_thing_stays_whole_inside_and_where_it_is_as_its_background():
    picture, true, behind = scene()
    moving, matte = cut_out(picture, true, behind, 1.0)
    inside = true > 0.999
    assert np.array_equal(matte[inside], true[inside])
    np.testing.assert_allclose(moving[inside], picture[inside], atol=2e-3)
    alike, same = cut_out(behind, true, behind, 1.0)
    assert np.array_equal(same, true)
    np.testing.assert_allclose(alike + (1 - true[..., None]) * behind, behind, atol=1e-6)


@pytest.mark.parametrize("thing", [np.zeros((40, 60)), np.ones((40, 60)), np.eye(40, 60)])
def test_a_thing_without_an_inside_is_taken_as_it_is(thing):
    matte = thing.astype(np.float32)
    picture, behind = (np.full((40, 60, 3), value, np.float32) for value in (0.9, 0.2))
    moving, kept = cut_out(picture, matte, behind, 1.0)
    assert np.array_equal(kept, matte)
    np.testing.assert_allclose(moving, picture - (1 - matte[..., None]) * behind, atol=1e-6)
