from __future__ import annotations

import cv2
import numpy as np
import pytest

from ipoke_models.segmentation.colours import SIDE_PX, told_by_colours
from ipoke_models.segmentation.squares import Square, placed, whole_square

SIZE_PX = (300, 200)
WHOLE = whole_square(SIZE_PX)
ON_LEAF = (100.0, 100.0, True)


def pictured(*discs: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Green speckled discs on red speckled ground, and where they are."""
    where = np.zeros(SIZE_PX[::-1], np.uint8)
    for centre in discs:
        cv2.circle(where, centre, 40, 1, -1)
    colours = np.where(where[..., None] > 0, np.array((40, 160, 50)), np.array((170, 60, 50)))
    speckled = colours + np.random.default_rng(0).normal(0, 12, (*where.shape, 3))
    return np.clip(speckled, 0, 255).astype(np.uint8), where > 0


def guess(where: np.ndarray, square: Square, side: int, shift_px: int = 0) -> np.ndarray:
    """A network's mask of it: coarse, unsure near the edge, and beside the truth."""
    soft = cv2.GaussianBlur(np.roll(where, shift_px, axis=1).astype(np.float32), (0, 0), 9)
    scale = side / square.side
    matrix = np.array([[scale, 0, -square.x * scale], [0, scale, -square.y * scale]])
    return cv2.warpAffine(soft, matrix, (side, side))


def overlap(found: np.ndarray, square: Square, where: np.ndarray) -> float:
    mask = placed(found, square, SIZE_PX) > 0.5
    return (mask & where).sum() / (mask | where).sum()


@pytest.mark.parametrize("square", [WHOLE, Square(40, 30, 150), Square(30, -20, 230)])
def test_colours_mend_a_mask_that_lies_beside_its_thing(square):
    picture, where = pictured((100, 100))
    coarse = guess(where, square, 32, shift_px=9)
    found = told_by_colours(picture, square, coarse, [ON_LEAF])
    assert found.shape == (min(SIDE_PX, square.side),) * 2
    assert overlap(coarse, square, where) < 0.85
    assert overlap(found, square, where) > 0.95


def test_what_no_click_is_on_is_left_out_until_it_is_clicked():
    picture, both = pictured((80, 100), (220, 100))
    _, left = pictured((80, 100))
    coarse = guess(both, WHOLE, 64)
    assert overlap(told_by_colours(picture, WHOLE, coarse, [(80.0, 100.0, True)]), WHOLE, left) > 0.95
    assert overlap(told_by_colours(picture, WHOLE, coarse, [(80.0, 100.0, True), (220.0, 100.0, True)]), WHOLE, both) > 0.95


def test_where_the_network_is_sure_colours_change_nothing():
    picture, where = pictured((100, 100))
    columns = np.indices(where.shape)[1]
    wanted = where & (columns < 100)
    coarse = cv2.resize(np.pad(wanted.astype(np.float32), ((50, 50), (0, 0))), (300, 300), interpolation=cv2.INTER_NEAREST)
    assert overlap(told_by_colours(picture, WHOLE, coarse, [(90.0, 100.0, True)]), WHOLE, wanted) > 0.97


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_mask_of_nothing_or_everything_stays_one(level):
    picture, _ = pictured((100, 100))
    found = told_by_colours(picture, Square(60, 60, 100), np.full((32, 32), level, np.float32), [ON_LEAF])
    assert ((found > 0.5).mean() > 0.9) == bool(level)


def test_colours_decide_the_same_each_time():
    picture, where = pictured((100, 100))
    coarse = guess(where, WHOLE, 32, shift_px=9)
    first = told_by_colours(picture, WHOLE, coarse, [ON_LEAF])
    cv2.setRNGSeed(7)
    assert np.array_equal(told_by_colours(picture, WHOLE, coarse, [ON_LEAF]), first)
