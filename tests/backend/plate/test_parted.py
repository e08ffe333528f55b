"""A thing is taken out of its plate: what is behind shows nothing of it, and both together are the plate."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.plate.image import PlateImage, to_working
from backend.plate.parted import plate_behind, take_out, thing_alone
from backend.protocol.messages import Region

from .test_render import EVERYWHERE, KINDS, SIZE, card, plate_of, same

WIDTH, HEIGHT = SIZE
BOX = Region(180, 130, 140, 140)


def square() -> np.ndarray:
    """The card of `test_render`."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[170:230, 220:280] = 1
    return mask


@pytest.mark.slow
@KINDS
def test_the_thing_before_what_is_behind_it_is_the_plate_but_for_the_background_in_its_edge(dtype, alpha):
    plate = plate_of(dtype, alpha=alpha)
    parted = take_out(plate, cv2.GaussianBlur(square(), (0, 0), 2), BOX)
    both = parted.moving + (1 - parted.matte[..., None]) * parted.behind
    place = (slice(BOX.y, BOX.y + BOX.h), slice(BOX.x, BOX.x + BOX.w))
    edge = np.zeros((HEIGHT, WIDTH), bool) if alpha else cv2.morphologyEx(square(), cv2.MORPH_GRADIENT, np.ones((25, 25))) > 0
    np.testing.assert_allclose(both[~edge[place]], to_working(plate)[place][~edge[place]], atol=1e-6 * plate.peak)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
def test_the_plate_behind_holds_nothing_of_the_thing_and_is_the_plate_elsewhere(dtype):
    plate = card(alpha=False, dtype=dtype)
    behind = plate_behind(plate, take_out(plate, square(), BOX))
    assert (behind.bgr[..., 1] > 0.6 * plate.peak).all()
    assert (behind.bgr[..., 2] < 0.1 * plate.peak).all()
    away = EVERYWHERE & (cv2.dilate(square(), np.ones((11, 11))) == 0)
    assert same(behind, plate, away)


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 20, 65])
def test_nothing_of_a_thin_thing_is_left_behind_it(turn):
    plate = card(alpha=False)
    plate.bgr[...] = (0, 255, 0)
    cv2.ellipse(plate.bgr, (250, 200), (60, 16), turn, 0, 360, (0, 0, 204), -1)
    behind = plate_behind(plate, take_out(plate, (plate.bgr[..., 2] > 0).astype(np.float32), Region(150, 100, 200, 200)))
    assert (behind.bgr[..., 2] < 12).all()


def test_a_clean_plate_is_what_is_behind():
    plate = card(alpha=False)
    clean = PlateImage(np.full_like(plate.bgr, (255, 0, 0)), None)
    behind = plate_behind(plate, take_out(plate, square(), BOX, clean))
    assert (behind.bgr[170:230, 220:280] == (255, 0, 0)).all()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
def test_the_thing_alone_has_its_matte_for_alpha_and_its_colours_beyond_its_edge(dtype):
    plate = card(alpha=False, dtype=dtype)
    alone = thing_alone(plate, take_out(plate, square(), BOX))
    assert alone.alpha is not None
    assert alone.bgr.dtype == alone.alpha.dtype == plate.bgr.dtype
    assert (alone.alpha > 0.5 * plate.peak).sum() == 60 * 60
    edge = cv2.dilate(square()[130:270, 180:320], np.ones((7, 7))) > 0
    assert (alone.bgr[edge][:, 1] <= 0.05 * plate.peak).all(), "the old background shows in the thing's edge"
