"""Of a mask the parts under clicks are kept, with their soft edges."""

from __future__ import annotations

import cv2
import numpy as np

from backend.plate.parts import parts_below


def two_discs() -> np.ndarray:
    mask = np.zeros((100, 200), np.float32)
    for x in (50, 150):
        cv2.circle(mask, (x, 50), 20, 1.0, -1)
    return cv2.blur(mask, (5, 5))


def at(*places: tuple[float, float]) -> np.ndarray:
    return np.array(places)


def test_only_the_part_under_the_click_is_kept_with_its_edge_as_it_was():
    mask = two_discs()
    kept, hit = parts_below(mask, 0.05, at((0.25, 0.5)), 0)
    assert hit.all()
    assert np.array_equal(kept[:, :100], mask[:, :100])
    assert not kept[:, 100:].any()


def test_two_clicks_keep_two_parts():
    mask = two_discs()
    assert np.array_equal(parts_below(mask, 0.05, at((0.25, 0.5), (0.75, 0.5)), 0)[0], mask)


def test_a_click_beside_a_part_takes_the_nearest_within_reach_and_none_beyond():
    beside = at((0.39, 0.5))  # 6 px from the edge of the first
    kept, hit = parts_below(two_discs(), 0.05, beside, 4)
    assert not hit.any()
    assert not kept.any()
    assert parts_below(two_discs(), 0.05, beside, 12)[0][50, 50] == 1


def test_of_each_place_it_is_told_whether_it_stands_on_a_part():
    kept, hit = parts_below(two_discs(), 0.05, at((0.25, 0.5), (0.5, 0.05)), 3)
    assert hit.tolist() == [True, False]
    assert kept[50, 50] == 1
    assert not parts_below(two_discs(), 0.05, np.empty((0, 2)), 3)[0].any()


def test_a_click_at_the_far_corner_is_on_the_last_pixel():
    mask = np.ones((20, 20), np.float32)
    assert parts_below(mask, 0.5, at((1.0, 1.0)), 0)[0].all()
