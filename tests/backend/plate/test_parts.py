"""Of a mask the parts under clicks are kept, with their soft edges."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest

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


@pytest.mark.parametrize("seed", range(5))
def test_far_beside_all_parts_a_click_takes_the_nearest(seed):
    generator = np.random.default_rng(seed)
    mask = np.zeros((400, 500), np.float32)
    mask[generator.integers(0, 400, 6), generator.integers(0, 500, 6)] = 1
    place = generator.random(2)
    kept, hit = parts_below(mask, 0.05, place[None], 900.5)
    rows, columns = np.nonzero(mask)
    pixel = np.floor(place * (500, 400))
    distances = np.hypot(rows - pixel[1], columns - pixel[0])
    nearest = distances.argmin()
    assert hit.all()
    assert kept[rows[nearest], columns[nearest]] == 1


def test_a_click_beside_a_part_of_a_large_plate_takes_no_more_memory_than_one_on_it():
    mask = np.ones((3000, 4000), np.float32)
    mask[:, :100] = 0
    peaks = []
    for x in (0.5, 0.02):
        tracemalloc.start()
        parts_below(mask, 0.05, at((x, 0.5)), 7000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
