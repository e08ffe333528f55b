"""What a model's clip says about motion, as key fields over time."""

import numpy as np

from backend.plate.motion import join, motion_of_flows, motion_of_shifts

SIDE, SIZE_PX = 32, 64


def test_a_model_that_says_where_places_go_is_taken_at_its_word() -> None:
    mask = np.zeros((SIZE_PX, SIZE_PX), np.float32)
    mask[20:40, 20:40] = 1
    shift = np.full((2, SIDE, SIDE), np.nan, np.float32)
    shift[:, 8:24, 8:24] = 90
    shift[0, 10:20, 10:20], shift[1, 10:20, 10:20] = 3, -2
    errors_px = [np.full((SIDE, SIDE), 0.1, np.float32), np.full((SIDE, SIDE), 3.0, np.float32)]
    motion = motion_of_shifts([shift / 2, shift], errors_px, mask, SIZE_PX)
    assert motion.whole
    assert motion.shifts.shape == (3, 2, SIZE_PX, SIZE_PX)
    assert not motion.shifts[0].any()
    for key, share in ((1, 0.5), (2, 1.0)):
        np.testing.assert_allclose(motion.shifts[key, 0, 18:42, 18:42], 3 * share, atol=0.05)
        np.testing.assert_allclose(motion.shifts[key, 1, 18:42, 18:42], -2 * share, atol=0.05)
    assert motion.trust[1].min() > 0.9
    assert motion.trust[2].max() < 0.2


def test_rest_is_known_where_every_joined_clip_knows_it() -> None:
    shifts, errors_px = [np.zeros((2, SIDE, SIDE), np.float32)], [np.zeros((SIDE, SIDE), np.float32)]
    told = motion_of_shifts(shifts, errors_px, np.ones((SIZE_PX, SIZE_PX), np.float32), SIZE_PX)
    turned = motion_of_flows([np.zeros((2, SIZE_PX, SIZE_PX), np.float32)], [None])
    assert not turned.whole
    assert not motion_of_shifts(shifts, errors_px, None, SIZE_PX).whole
    assert join([told, told]).whole
    assert not join([told, turned]).whole
