from __future__ import annotations

import numpy as np
import pytest

from ipoke_models.segmentation.choice import better

CLICK = ((0.5, 0.4),)


def map_of(*boxes: tuple[float, float, float, float], side: int = 96, sure: float = 0.99) -> np.ndarray:
    """Boxes of left, top, right, bottom in fractions, as a map that is nearly 0 elsewhere."""
    values = np.full((side, side), 0.01, np.float32)
    for left, top, right, bottom in boxes:
        values[int(top * side) : int(bottom * side), int(left * side) : int(right * side)] = sure
    return values


HEAD = (0.4, 0.2, 0.6, 0.5)
WHOLE = (0.35, 0.2, 0.65, 0.7)
APART = (0.8, 0.1, 0.95, 0.9)


def test_a_thing_that_stands_out_takes_the_place_of_the_part_that_was_found():
    chosen = better(map_of(HEAD, side=64), map_of(WHOLE, APART), CLICK) > 0.5
    assert (chosen == (map_of(WHOLE) > 0.5)).mean() > 0.99


@pytest.mark.parametrize(
    "salience",
    [
        map_of(APART),
        map_of(WHOLE, sure=0.8),
        map_of((0.0, 0.0, 1.0, 0.9)),
        map_of((0.49, 0.39, 0.6, 0.5)),
    ],
    ids=["beside the click", "unsure", "much larger", "little of what was found"],
)
def test_what_was_found_stays_where_what_stands_out_is_no_better_answer(salience):
    found = map_of(HEAD, side=64)
    assert better(found, salience, CLICK) is found


def test_all_clicks_of_a_stroke_must_stand_out():
    found = map_of(HEAD, side=64)
    assert better(found, map_of(WHOLE), (*CLICK, (0.9, 0.4))) is found
