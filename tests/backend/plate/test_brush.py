"""What is under the brush is painted exactly, in the strokes' order, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest

from backend.plate.brush import paint
from backend.protocol.messages import Stroke


def blank(width: int = 200, height: int = 100) -> np.ndarray:
    return np.zeros((height, width), np.float32)


def distance_px(shape: tuple[int, int], x: float, y: float) -> np.ndarray:
    rows, columns = np.indices(shape)
    return np.hypot(columns + 0.5 - x, rows + 0.5 - y)


def test_a_dab_covers_a_disc_of_its_radius_over_the_long_side():
    mask = blank()
    paint(mask, [Stroke(((0.5025, 0.505),), 0.1)])
    distance = distance_px(mask.shape, 100.5, 50.5)
    assert (mask[distance < 19.5] == 1).all()
    assert (mask[distance > 20.5] == 0).all()


def test_a_stroke_covers_everything_along_its_line():
    mask = blank()
    paint(mask, [Stroke(((0.1, 0.5), (0.9, 0.5)), 0.05)])
    assert (mask[45:55, 20:180] == 1).all()
    assert not mask[:38].any()


def test_a_later_stroke_takes_away_what_an_earlier_one_added_and_the_other_way_round():
    add, take = Stroke(((0.5, 0.5),), 0.1), Stroke(((0.5, 0.5),), 0.05, adds=False)
    mask = blank()
    paint(mask, [add, take])
    assert mask[50, 100] == 0
    assert mask[50, 115] == 1
    paint(mask, [add])
    assert mask[50, 100] == 1


def test_a_click_without_a_radius_paints_nothing():
    mask = blank()
    paint(mask, [Stroke(((0.5, 0.5),)), Stroke(((0.2, 0.5), (0.4, 0.5)), 0.0, adds=False)])
    assert not mask.any()


@pytest.mark.parametrize("place", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_a_dab_at_the_border_stays_on_the_plate(place):
    mask = blank()
    paint(mask, [Stroke((place,), 0.25)])
    assert mask[min(99, int(100 * place[1])), min(199, int(200 * place[0]))] == 1
    assert (mask > 0.5).mean() == pytest.approx(np.pi * 50**2 / 4 / mask.size, rel=0.05)
