from __future__ import annotations

import cv2
import numpy as np
import pytest

from ipoke_models.segmentation.squares import BAR, Square, box_of, closer_square, cut, moved, placed, whole_square

SIZE = (300, 200)


def test_the_whole_square_holds_the_picture_in_its_middle():
    assert whole_square(SIZE) == Square(0, -50, 300)


def test_what_lies_outside_the_picture_is_grey():
    seen = cut(np.full((200, 300, 3), 9, np.uint8), whole_square(SIZE), 60)
    assert (seen[:10] == BAR).all()
    assert (seen[-10:] == BAR).all()
    assert (seen[10:50] == 9).all()


def test_a_closer_square_holds_the_box_and_the_clicks_inside_the_picture():
    square = closer_square(SIZE, (250, 20, 290, 60), [(255, 30)])
    assert square.x >= 0
    assert square.x + square.side <= 300
    assert square.y >= 0
    assert square.holds(250, 20)
    assert square.holds(289, 59)


def test_a_closer_square_that_shows_nothing_new_is_the_whole_one():
    assert closer_square(SIZE, (10, 10, 280, 150), [(20, 20)]) == whole_square(SIZE)


def test_where_nothing_was_found_the_closer_square_is_around_the_click():
    square = closer_square(SIZE, None, [(150, 100)])
    assert square.side < whole_square(SIZE).side / 2
    assert square.holds(150, 100)


@pytest.mark.parametrize("square", [Square(100, 40, 80), Square(-20, 30, 150), whole_square(SIZE)])
def test_a_mask_of_a_square_comes_back_to_where_it_was(square):
    picture = np.zeros((200, 300), np.uint8)
    cv2.circle(picture, (130, 80), 25, 255, -1)
    small = cut(np.dstack([picture] * 3), square, 128)[..., 0].astype(np.float32) / 255
    back = placed(small, square, SIZE) > 0.5
    wanted = picture > 0
    wanted[: max(0, square.y)] = False
    wanted[:, : max(0, square.x)] = False
    wanted[square.y + square.side :] = False
    wanted[:, square.x + square.side :] = False
    assert (back & wanted).sum() / (back | wanted).sum() > 0.95


@pytest.mark.parametrize("target", [Square(100, 40, 80), Square(60, 20, 160), Square(120, 75, 60)])
def test_a_mask_of_one_square_is_seen_in_another(target):
    picture = np.zeros((200, 300), np.uint8)
    cv2.circle(picture, (140, 80), 25, 255, -1)
    source = Square(100, 40, 80)
    seen, wanted = (cut(np.dstack([picture] * 3), square, 128)[..., 0].astype(np.float32) / 255 for square in (source, target))
    found = moved(seen, source, target, 128)
    reached = np.zeros((200, 300, 3), np.uint8)
    reached[source.y : source.y + source.side, source.x : source.x + source.side] = 255
    wanted[cut(reached, target, 128)[..., 0] < 128] = 0
    assert np.abs(found - wanted).mean() < 0.01


def test_the_box_of_a_mask_is_in_the_pictures_pixels():
    mask = np.zeros((10, 10), bool)
    mask[2:4, 5:9] = True
    assert box_of(mask, Square(100, 50, 20)) == (110, 54, 118, 58)
    assert box_of(np.zeros((10, 10), bool), Square(0, 0, 20)) is None
