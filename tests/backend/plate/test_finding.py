"""Things of alpha, clean plates and coarse masks; coarse ones end where the picture does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.plate.finding import (
    EdgeFollower,
    Patch,
    Places,
    parts_of_alpha,
    picture_of,
    thing_of_clean_plate,
)
from backend.plate.image import PlateImage
from backend.plate.thing import says_what_the_thing_is
from backend.protocol.messages import Stroke

CENTRE = Places.of([Stroke(((0.5, 0.5),))])
SIZE_PX = (400, 300)


def disc(radius_px: float, size_px: tuple[int, int] = SIZE_PX, at: tuple[float, float] = (0.5, 0.5)) -> np.ndarray:
    """(H, W) in [0, 1], with an edge of one pixel."""
    rows, columns = np.indices(size_px[::-1])
    distance = np.hypot(columns + 0.5 - at[0] * size_px[0], rows + 0.5 - at[1] * size_px[1])
    return np.clip(radius_px + 0.5 - distance, 0, 1).astype(np.float32)


def scene(thing: np.ndarray) -> np.ndarray:
    """A red thing before a grainy green background, BGR of 8 bits."""
    grain = np.random.default_rng(0).normal(0, 6, (*thing.shape, 3))
    colours = thing[..., None] * (40, 50, 200) + (1 - thing[..., None]) * (60, 140, 60)
    return np.clip(colours + grain, 0, 255).astype(np.uint8)


def at(x: float, y: float) -> Places:
    """A click."""
    return Places.of([Stroke(((x, y),))])


def iou(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one > 0.5, other > 0.5
    return float((one & other).sum() / (one | other).sum())


def coarse(mask: np.ndarray, side: int = 28) -> Patch:
    """What a network would say of it: over a square around the picture, at few pixels."""
    height, width = mask.shape
    room = (width - height) // 2
    square = cv2.copyMakeBorder(mask, room, width - height - room, 0, 0, cv2.BORDER_CONSTANT)
    return Patch(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA), 0.0, -room / width, 1.0, 0.9)


def test_a_coarse_mask_is_brought_to_the_edges_of_the_picture():
    thing = disc(80)
    patch = coarse(disc(74, at=(0.51, 0.5)))
    spread = cv2.resize(patch.values, (400, 400), interpolation=cv2.INTER_LINEAR)[50:350]
    found = EdgeFollower(scene(thing)).of_patch(patch, CENTRE, alone=True)
    assert iou(spread, thing) < 0.93
    assert iou(found, thing) > 0.97
    assert found[150, 200] == 1
    assert found[5, 5] == 0


def test_a_part_without_a_click_is_left_out_where_only_what_is_clicked_is_wanted():
    thing = disc(40, at=(0.3, 0.5)) + disc(40, at=(0.75, 0.5))
    edges = EdgeFollower(scene(thing))
    click = at(0.3, 0.5)
    alone = edges.of_patch(coarse(thing), click, alone=True)
    assert iou(alone, disc(40, at=(0.3, 0.5))) > 0.95
    assert iou(edges.of_patch(coarse(thing), click, alone=False), thing) > 0.95
    beside = edges.of_patch(coarse(thing), at(0.5, 0.05), alone=True)
    assert iou(beside, thing) > 0.95, "a click on none of the parts tells nothing of them"


def test_a_square_that_reaches_beyond_the_picture_or_lies_inside_it_is_placed_rightly():
    thing = disc(50, at=(0.2, 0.3))
    values = cv2.resize(thing[0:200, 0:200], (40, 40), interpolation=cv2.INTER_AREA)
    found = EdgeFollower(scene(thing)).of_patch(Patch(values, 0.0, 0.0, 0.5, 0.9), at(0.2, 0.3), alone=True)
    assert iou(found, thing) > 0.97


@pytest.mark.parametrize("size_px", [(400, 300), (200, 150), (37, 28)])
def test_alpha_gives_the_part_under_the_click_at_the_size_that_is_asked_for(size_px):
    one, other = disc(40, at=(0.3, 0.5)), disc(40, at=(0.75, 0.5))
    plate = PlateImage(scene(one), np.rint((one + other) * 255).astype(np.uint8))
    assert says_what_the_thing_is(plate)
    found = parts_of_alpha(plate, at(0.3, 0.5), size_px)
    assert found.shape[::-1] == size_px
    assert iou(found, cv2.resize(one, size_px, interpolation=cv2.INTER_AREA)) > 0.95


def test_alpha_at_the_plates_own_size_keeps_its_values():
    one = disc(40)
    alpha = np.rint(one * 255).astype(np.uint8)
    found = parts_of_alpha(PlateImage(scene(one), alpha), CENTRE, SIZE_PX)
    assert np.array_equal(np.rint(found * 255), alpha)


def test_a_click_in_transparency_is_on_nothing():
    one = disc(40)
    plate = PlateImage(scene(one), np.rint(one * 255).astype(np.uint8))
    assert parts_of_alpha(plate, at(0.05, 0.05), SIZE_PX) is None


def test_a_dab_paints_in_transparency_and_adds_the_part_that_it_touches():
    one, other = disc(40, at=(0.3, 0.5)), disc(40, at=(0.75, 0.5))
    plate = PlateImage(scene(one), np.rint((one + other) * 255).astype(np.uint8))
    places = Places.of([Stroke(((0.3, 0.5),)), Stroke(((0.5, 0.05),), 0.01)])
    assert iou(parts_of_alpha(plate, places, SIZE_PX), one) > 0.97
    places = Places.of([Stroke(((0.3, 0.5),)), Stroke(((0.5, 0.5), (0.75, 0.5)), 0.01)])
    assert iou(parts_of_alpha(plate, places, SIZE_PX), one + other) > 0.97


def test_what_differs_from_a_clean_plate_is_found_where_the_click_is():
    one, other = disc(40, at=(0.3, 0.5)), disc(30, at=(0.75, 0.5))
    plate, clean = PlateImage(scene(one + other), None), PlateImage(scene(np.zeros_like(one)), None)
    picture = picture_of(plate, SIZE_PX)
    found = thing_of_clean_plate(plate, clean, at(0.3, 0.5), picture)
    assert iou(found, one) > 0.97
    assert thing_of_clean_plate(plate, clean, at(0.5, 0.05), picture) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
def test_every_kind_of_plate_gives_a_picture_of_8_bits(dtype, alpha):
    peak = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    grey = np.full((600, 40, 3), 0.5 * peak, dtype)
    plate = PlateImage(grey, np.full((600, 40), peak, dtype) if alpha else None)
    expected = 188 if dtype is np.float32 else 128  # linear light as a screen shows it
    for size_px in ((40, 600), (20, 300)):
        picture = picture_of(plate, size_px)
        assert picture.shape == (size_px[1], size_px[0], 3)
        assert picture.dtype == np.uint8
        assert np.abs(picture.astype(int) - expected).max() <= 1
