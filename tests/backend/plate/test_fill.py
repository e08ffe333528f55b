"""A hole is filled from what surrounds it: like it, sharp, without a seam, and without anything of what it held."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.plate.fill import filled


def hole_of(height: int, width: int) -> np.ndarray:
    """A disc in the middle, a quarter of the picture wide."""
    hole = np.zeros((height, width), np.uint8)
    cv2.circle(hole, (width // 2, height // 2), min(height, width) // 8, 1, -1)
    return hole > 0


def checked(height: int, width: int, cell_px: int) -> np.ndarray:
    """A chessboard, in parts of white."""
    rows, columns = np.indices((height, width)) // cell_px
    return np.repeat(((rows + columns) % 2).astype(np.float32)[..., None], 3, axis=2)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0])
@pytest.mark.parametrize("channels", [3, 4])
def test_nothing_of_the_hole_shows_and_nothing_beside_it_changes(scale, channels):
    picture = np.full((300, 400, channels), 0.25 * scale, np.float32)
    picture += np.random.default_rng(0).normal(0, 0.01 * scale, picture.shape).astype(np.float32)
    hole = hole_of(300, 400)
    held = picture.copy()
    held[hole] = scale
    result = filled(held, hole)
    assert np.array_equal(result[~hole], held[~hole])
    assert np.abs(result[hole] - 0.25 * scale).max() < 0.1 * scale
    assert np.array_equal(result, filled(np.where(hole[..., None], -scale, picture).astype(np.float32), hole))


@pytest.mark.slow
def test_the_grain_goes_on_in_the_hole_of_a_large_picture():
    picture = (0.5 + np.random.default_rng(1).normal(0, 0.05, (1500, 1500, 3))).astype(np.float32)
    hole = hole_of(1500, 1500)
    result = filled(np.where(hole[..., None], 0, picture).astype(np.float32), hole)
    assert result[hole].std() == pytest.approx(picture[hole].std(), rel=0.1)


def test_a_pattern_goes_on_through_the_hole():
    board, hole = checked(160, 160, 16), hole_of(160, 160)
    result = filled(np.where(hole[..., None], 0.5, board).astype(np.float32), hole)
    assert np.abs(result - board)[hole].mean() < 0.1


@pytest.mark.slow
def test_what_is_out_of_focus_is_not_filled_with_what_is_in_focus():
    picture = np.full((1200, 1200, 3), 0.5, np.float32)
    picture[:, 700:] += np.random.default_rng(2).normal(0, 0.2, (1200, 500, 3)).astype(np.float32)
    hole = np.zeros((1200, 1200), bool)
    hole[500:700, 300:500] = True
    assert filled(picture, hole)[hole].std() < 0.02


@pytest.mark.parametrize("hole", [np.s_[:, :], np.s_[:0], np.s_[1:-1, 1:-1], np.s_[:, :-1], np.s_[5:6, 5:6]])
@pytest.mark.parametrize("size", [(20, 30), (4, 90), (14, 14), (24, 9)])
def test_whatever_the_hole_the_picture_stays_finite_and_of_its_size(hole, size):
    picture = np.random.default_rng(3).random((*size, 3)).astype(np.float32)
    mask = np.zeros(size, bool)
    mask[hole] = True
    result = filled(picture, mask)
    assert result.shape == picture.shape
    assert np.isfinite(result).all()


@pytest.mark.parametrize("width_px", [1, 2, 3])
def test_a_hole_so_thin_that_it_is_gone_in_a_small_picture_is_filled(width_px):
    picture = np.random.default_rng(4).random((220, 700, 3)).astype(np.float32)
    hole = np.zeros((220, 700), bool)
    hole[100 : 100 + width_px, 50:650] = True
    result = filled(np.where(hole[..., None], 99, picture).astype(np.float32), hole)
    assert np.abs(result[hole] - 0.5).max() < 2
    assert result[hole].mean() == pytest.approx(0.5, abs=0.05)
