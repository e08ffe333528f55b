"""The region holds every poke, lies on the plate, and maps pokes and pixels exactly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.plate.errors import RegionError
from backend.plate.image import PlateImage
from backend.plate.region import check_region, default_region, model_input, pokes_in_region, region_around, scaled_region
from backend.protocol.messages import Poke, Region

SIDES = st.integers(16, 8192)
FRACTIONS = st.floats(0, 1)
POKES = st.lists(
    st.tuples(FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS).map(lambda v: Poke(v[0], v[1], v[2] - v[0], v[3] - v[1])),
    min_size=1,
    max_size=5,
)


BOXES = st.none() | st.tuples(FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS).map(
    lambda v: (min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3]))
)


@given(SIDES, SIDES, POKES, BOXES)
def test_the_default_region_lies_on_the_plate_and_holds_every_poke(width, height, pokes, box):
    region = region_around((width, height), pokes, box)
    assert min(region.w, region.h) >= min(16, width, height)
    check_region(region, (width, height), pokes)


@pytest.mark.parametrize("size_px", [(4000, 3000), (3000, 4000), (1000, 1000)])
def test_without_a_clear_object_the_region_is_the_largest_square(size_px):
    region = region_around(size_px, [Poke(0.5, 0.4, 0.1, -0.1)], None)
    assert region.w == region.h == min(size_px)


def test_the_default_region_follows_the_pokes():
    assert region_around((400, 100), [Poke(0.1, 0.5, 0.05, 0.0)], None).x == 0
    middle = region_around((400, 100), [Poke(0.5, 0.5, 0.02, 0.0)], None)
    assert middle.x + middle.w / 2 == pytest.approx(204, abs=2)
    assert region_around((400, 100), [Poke(0.95, 0.5, 0.05, 0.0)], None).x == 300


def test_pokes_far_apart_stretch_the_region():
    region = region_around((400, 100), [Poke(0.1, 0.5, 0.05, 0.0), Poke(0.9, 0.5, -0.05, 0.0)], None)
    assert region.h == 100
    assert region.w > 300


def disc(*, alpha: bool) -> PlateImage:
    """A red disc of 80 px around (420, 200) on 600 x 400 px, before green noise or before nothing."""
    bgr = np.random.default_rng(0).integers(60, 90, (400, 600, 3)).astype(np.uint8)
    bgr[..., 1] += 90
    mask = np.zeros((400, 600), np.uint8)
    cv2.circle(mask, (420, 200), 40, 255, -1)
    bgr[mask > 0] = (30, 30, 220)
    return PlateImage(bgr, mask if alpha else None)


def test_the_default_region_is_tight_around_a_cut_out():
    region = default_region(disc(alpha=True), [Poke(0.7, 0.5, 0.03, -0.05)])
    assert 80 < region.w == region.h < 200
    assert region.x < 380
    assert region.x + region.w > 460


def test_a_plate_without_a_cut_out_gets_the_largest_square():
    grain = PlateImage(np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8), None)
    assert default_region(grain, [Poke(0.5, 0.5, 0.1, 0.0)]).w == 300


@pytest.mark.parametrize("region", [Region(300, 0, 101, 100), Region(0, 1, 50, 100)])
def test_a_region_off_the_plate_is_refused(region):
    with pytest.raises(RegionError, match="outside the plate"):
        check_region(region, (400, 100), [Poke(0.05, 0.5, 0.01, 0.0)])


def test_a_region_without_a_poke_is_refused_by_the_pokes_number():
    with pytest.raises(RegionError, match="Poke 2"):
        check_region(Region(0, 0, 100, 100), (400, 100), [Poke(0.1, 0.5, 0.05, 0.0), Poke(0.2, 0.5, 0.1, 0.0)])


def test_pokes_are_mapped_into_the_region():
    mapped = pokes_in_region([Poke(0.5, 0.5, 0.1, -0.2)], Region(100, 50, 200, 100), (400, 200))
    np.testing.assert_allclose(mapped, [[0.5, 0.5, 0.2, -0.4]])


@given(SIDES, SIDES, POKES, st.integers(16, 512))
def test_a_region_on_a_smaller_copy_lies_on_the_copy(width, height, pokes, side):
    region = region_around((width, height), pokes, None)
    scale = min(1.0, side / max(width, height))
    new = (max(4, round(width * scale)), max(4, round(height * scale)))
    scaled = scaled_region(region, (width, height), new)
    assert scaled.x >= 0
    assert scaled.y >= 0
    assert scaled.x + scaled.w <= new[0]
    assert scaled.y + scaled.h <= new[1]


@pytest.mark.parametrize(("dtype", "peak"), [(np.uint8, 255), (np.uint16, 65535)])
def test_the_model_sees_rgb_between_minus_one_and_one(dtype, peak):
    bgr = np.zeros((100, 200, 3), dtype)
    bgr[:, 100:] = (0, 0, peak)
    seen = model_input(PlateImage(bgr, None), Region(100, 0, 100, 100), 64)
    assert seen.shape == (3, 64, 64)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen[:, 32, 32], [1, -1, -1], atol=1e-4)


def test_the_model_sees_a_grey_backdrop_behind_a_cut_out():
    bgr = np.full((64, 64, 3), 255, np.uint8)
    alpha = np.zeros((64, 64), np.uint8)
    alpha[:32] = 255
    seen = model_input(PlateImage(bgr, alpha), Region(0, 0, 64, 64), 64)
    np.testing.assert_allclose(seen[:, 10, 10], 1, atol=1e-4)
    np.testing.assert_allclose(seen[:, 50, 50], 0, atol=1e-4)


def test_a_plate_smaller_than_the_model_is_enlarged():
    assert model_input(PlateImage(np.zeros((16, 16, 3), np.uint8), None), Region(0, 0, 16, 16), 64).shape == (3, 64, 64)


def test_the_model_sees_a_float_plate_as_a_screen_shows_it():
    bgr = np.full((64, 64, 3), 0.2140, np.float16)
    bgr[:, 32:] = 50.0
    seen = model_input(PlateImage(bgr, None), Region(0, 0, 64, 64), 64)
    np.testing.assert_allclose(seen[:, 10, 10], 0, atol=0.01)
    np.testing.assert_allclose(seen[:, 10, 50], 1, atol=1e-4)
