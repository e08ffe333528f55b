"""What moves is found by its colours, where a tail stands on it and its outline is clear."""

from __future__ import annotations

import cv2
import numpy as np

from backend.plate.thing import find_thing

SIDE = 256
LARGE, SMALL = (90, 128, 40), (180, 128, 20)


def discs(picture: np.ndarray, colour: tuple[float, ...] | float) -> np.ndarray:
    for x, y, radius in (LARGE, SMALL):
        cv2.circle(picture, (x, y), radius, colour, -1)
    return picture


def found_at(x: int, y: int, contrast: float = 0.8, others: tuple[tuple[int, int], ...] = ()) -> np.ndarray:
    """What is found under a motion of both discs, red before green, with a tail at a place, and at others."""
    noise = np.random.default_rng(0).normal(0, 0.01, (SIDE, SIDE, 3)).astype(np.float32)
    picture = discs(np.full((SIDE, SIDE, 3), (0.1, 0.5, 0.1), np.float32), (0.1, 0.5 - contrast / 2, 0.1 + contrast)) + noise
    reach_px = cv2.GaussianBlur(discs(np.zeros((SIDE, SIDE), np.float32), 5.0), (0, 0), 2)
    return find_thing(np.clip(picture, 0, 1), reach_px, np.array([(x, y), *others]) / SIDE)


def test_only_what_a_tail_stands_on_is_the_thing():
    found = found_at(*LARGE[:2])
    assert found[LARGE[1], LARGE[0] - 30 : LARGE[0] + 30].all()
    assert not found[:, SMALL[0] - SMALL[2] :].any()


def test_nothing_is_parted_where_the_tail_stands_on_too_little_of_the_motion():
    assert found_at(*SMALL[:2]).all()


def test_nothing_is_parted_where_one_of_the_tails_stands_on_none_of_it():
    assert not found_at(*LARGE[:2], others=(SMALL[:2],)).all()
    assert found_at(*LARGE[:2], others=((LARGE[0], LARGE[1] + LARGE[2] + 30),)).all()


def test_nothing_is_parted_where_the_colours_are_alike():
    assert found_at(*LARGE[:2], contrast=0.0).all()
