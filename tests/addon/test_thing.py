from __future__ import annotations

import time

import numpy as np
import pytest

from blender_addon._vendor.client import Stroke, ThingOrigin
from blender_addon._vendor.ipoke_values.names import THING_LEAST
from blender_addon.core.things import thing
from blender_addon.core.things.thing import SIDE_PX, KnownThing


def blobs() -> np.ndarray:
    """Two discs with soft rims, and a ring whose hole is empty."""
    y, x = np.mgrid[:90, :160].astype(np.float32)
    alpha = np.zeros((90, 160), np.float32)
    for cx, cy in ((30, 40), (120, 40)):
        alpha = np.maximum(alpha, np.clip(15.5 - np.hypot(x - cx, y - cy), 0, 1))
    distance = np.hypot(x - 75, y - 60)
    return np.maximum(alpha, np.clip(12.5 - distance, 0, 1) * np.clip(distance - 6, 0, 1))


def flooded(alpha: np.ndarray, at: tuple[int, int]) -> np.ndarray:
    """The part that holds a pixel (row, column), found step by step."""
    inside = np.pad(alpha > THING_LEAST, 1)
    part = np.zeros_like(inside)
    part[at[0] + 1, at[1] + 1] = True
    while True:
        shifts = [np.roll(part, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        grown = np.logical_or.reduce(shifts) & inside
        if (grown == part).all():
            return part[1:-1, 1:-1]
        part = grown


def test_the_parts_below_places_are_those_that_hang_together_there():
    alpha = blobs()
    for x, y in ((30, 40), (120, 40), (75, 51)):
        found = thing.parts_below(alpha, [((x + 0.5) / 160, (y + 0.5) / 90)])
        expected = flooded(alpha, (y, x))
        assert (found[expected] == alpha[expected]).all()
        assert ((found > THING_LEAST) == expected).all()


def test_parts_that_touch_at_a_corner_hang_together_and_random_specks_are_told_apart_rightly():
    alpha = (np.random.default_rng(3).random((40, 60)) > 0.6).astype(np.float32)
    for row, column in np.argwhere(alpha > 0)[::97]:
        found = thing.parts_below(alpha, [((column + 0.5) / 60, (row + 0.5) / 40)])
        assert ((found > 0) == flooded(alpha, (row, column))).all()


def test_a_place_beside_a_part_takes_it_one_far_from_any_takes_nothing_and_several_take_all_theirs():
    alpha = blobs()
    left, right = flooded(alpha, (40, 30)), flooded(alpha, (40, 120))
    assert ((thing.parts_below(alpha, [(0.085, 0.45)]) > THING_LEAST) == left).all()
    assert thing.parts_below(alpha, [(0.02, 0.45)]) is None
    both = thing.parts_below(alpha, [(0.19, 0.45), (0.75, 0.45)])
    assert ((both > THING_LEAST) == (left | right)).all()
    assert not thing.parts_below(alpha, []).any()


@pytest.mark.parametrize("adds", [True, False])
def test_a_stroke_covers_what_lies_within_its_radius_whatever_the_plates_shape(adds):
    size = (200, 100)
    mask = np.full(size[::-1], 0.0 if adds else 1.0, np.float32)
    result = thing.painted(mask, [Stroke(((0.25, 0.5), (0.75, 0.5)), 0.05, adds)])
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    distance = np.hypot(x - np.clip(x, 50, 150), y - 50)
    assert (result[distance < 9.5] == (1 if adds else 0)).all()
    assert (result[distance > 10.5] == (0 if adds else 1)).all()


def test_later_strokes_lie_above_earlier_ones_and_a_click_paints_nothing():
    dot = ((0.5, 0.5),)
    mask = np.zeros((50, 50), np.float32)
    over = thing.painted(mask, [Stroke(dot, 0.2, True), Stroke(dot, 0.1, False)])
    under = thing.painted(mask, [Stroke(dot, 0.1, False), Stroke(dot, 0.2, True)])
    assert over[25, 25] == 0
    assert over[25, 33] == 1
    assert under[25, 25] == 1
    clicked = [Stroke(dot, 0.0, True)]
    assert not thing.painted(mask, clicked).any()
    assert thing.clicks([*clicked, Stroke(dot, 0.1, True), Stroke(((0.1, 0.1),), 0.0, False)]) == dot


def test_a_stroke_beside_the_plate_changes_nothing_and_one_over_its_border_what_is_inside():
    mask = np.zeros((20, 30), np.float32)
    assert not thing.painted(mask, [Stroke(((1.5, 0.5), (2.0, 0.5)), 0.1, True)]).any()
    assert thing.painted(mask, [Stroke(((-0.1, 0.5), (0.05, 0.5)), 0.1, True)])[10, 0] == 1


@pytest.mark.parametrize("size", [(3840, 2160), (513, 40), (512, 512), (7, 9), (2001, 3001)])
def test_a_reduced_mask_is_small_enough_and_keeps_how_much_is_marked(size):
    width, height = size
    mask = np.zeros((height, width), np.float32)
    mask[height // 4 : height // 2, width // 3 : width // 2] = 1
    small = thing.reduced(mask)
    assert max(small.shape) <= SIDE_PX
    assert small.dtype == np.float32
    assert abs(small.mean() - mask.mean()) < 0.02


def test_an_image_marks_by_its_alpha_where_that_says_something_and_else_by_its_brightness():
    pixels = np.zeros((4, 4, 4), np.float32)
    pixels[1, 1] = 1
    pixels[..., 3] = 1
    assert np.argwhere(thing.marked(pixels)).tolist() == [[1, 1]]
    pixels[..., 3] = 0
    pixels[2, 2, 3] = 0.5
    assert thing.marked(pixels)[2, 2] == 0.5
    assert thing.marked(pixels)[1, 1] == 0


def test_a_thing_knows_its_mask_by_a_hash_and_an_empty_mask_is_no_thing():
    mask = np.zeros((5, 8), np.float32)
    assert KnownThing.of(mask, ThingOrigin.ALPHA) is None
    mask[2, 3] = 1
    one, other = KnownThing.of(mask, ThingOrigin.ALPHA), KnownThing.of(mask.T, ThingOrigin.ALPHA)
    assert one.sha256 == KnownThing.of(mask.copy(), ThingOrigin.MASK).sha256
    assert one.sha256 != other.sha256, "the shape counts"


def test_a_mask_of_noise_is_parted_and_painted_in_the_blink_of_an_eye():
    alpha = (np.random.default_rng(0).random((SIDE_PX, SIDE_PX)) > 0.5).astype(np.float32)
    way = tuple((0.1 + 0.8 * k / 63, 0.5 + 0.3 * np.sin(k / 4)) for k in range(64))
    began = time.thread_time()
    thing.painted(thing.parts_below(alpha, [(0.5, 0.5)]), [Stroke(way, 0.02, True)])
    assert time.thread_time() - began < 1.0


def test_a_mask_holds_places_when_all_of_them_lie_on_it():
    mask = np.zeros((10, 20), np.float32)
    mask[2:8, 2:8] = 1
    assert thing.holds(mask, [(0.2, 0.5), (0.3, 0.4)])
    assert not thing.holds(mask, [(0.2, 0.5), (0.9, 0.5)])
    assert not thing.holds(mask, [])
    assert not thing.holds(mask, [(1.0, 1.0)])


def test_a_mask_grows_by_so_many_pixels():
    mask = np.zeros((9, 9), np.float32)
    mask[4, 4] = 1
    assert thing.grown(mask, 2).sum() == 25
