from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.core.gestures.crop import LEAST, part_of, reach_of
from blender_addon.core.gestures.region import Box

SIZES = [(1920, 1080), (1080, 1920), (512, 512)]
PLACES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4)


def test_the_reach_of_a_mask_is_what_it_covers():
    mask = np.zeros((10, 20), np.float32)
    mask[2:4, 5:15] = 1
    assert reach_of(mask) == Box(0.25, 0.2, 0.75, 0.4)
    assert reach_of(np.zeros((4, 4), np.float32)) is None


@pytest.mark.parametrize("size_px", SIZES)
@given(places=PLACES)
def test_a_part_is_inside_the_plate_square_where_it_fits_and_holds_all_places(size_px, places):
    part = part_of(size_px, None, places)
    assert 0 <= part.left < part.right <= 1 + 1e-9
    assert 0 <= part.top < part.bottom <= 1 + 1e-9
    assert all(part.left - 1e-9 <= x <= part.right + 1e-9 and part.top - 1e-9 <= y <= part.bottom + 1e-9 for x, y in places)
    sides_px = (part.right - part.left) * size_px[0], (part.bottom - part.top) * size_px[1]
    assert max(sides_px) >= LEAST * max(size_px) - 1e-6 or 1.0 in (part.right - part.left, part.bottom - part.top)
    if part.right - part.left < 1 and part.bottom - part.top < 1:
        assert sides_px[0] == pytest.approx(sides_px[1])


def test_without_anything_that_moves_it_is_all_of_the_plate():
    assert part_of((100, 50), None, []) == Box(0.0, 0.0, 1.0, 1.0)
