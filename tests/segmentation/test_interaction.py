from __future__ import annotations

import numpy as np

from ipoke_models.segmentation.interaction import NO_CLICK, first_click, iou, next_click
from ipoke_models.segmentation.network import NEGATIVE, POSITIVE

WANTED = np.zeros((40, 40), bool)
WANTED[10:30, 10:30] = True


def test_the_first_click_is_on_the_thing():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = first_click(rng, WANTED.astype(np.float32))
        assert WANTED[y, x]


def test_the_next_click_is_in_the_middle_of_what_is_missing_or_too_much():
    half = WANTED.copy()
    half[:, 20:] = False
    x, y, sign = next_click(WANTED, half)
    assert sign == POSITIVE
    assert 22 <= x * 40 <= 28
    assert 13 <= y * 40 <= 27
    too_much = WANTED.copy()
    too_much[32:38, :] = True
    x, y, sign = next_click(WANTED, too_much)
    assert sign == NEGATIVE
    assert 32 <= y * 40 <= 38


def test_a_random_next_click_is_in_the_error_too():
    rng = np.random.default_rng(1)
    for _ in range(20):
        x, y, sign = next_click(WANTED, np.zeros_like(WANTED), rng)
        assert sign == POSITIVE
        assert WANTED[int(y * 40), int(x * 40)]


def test_where_masks_agree_there_is_no_click():
    assert next_click(WANTED, WANTED) == NO_CLICK


def test_overlap_counts_pixels():
    half = WANTED.copy()
    half[:, 20:] = False
    assert iou(WANTED, half) == 0.5
    assert iou(half, half) == 1
    assert iou(np.zeros_like(half), np.zeros_like(half)) == 1
