"""Which squares of a picture the segmenter looks at: all of it, and one around what was found there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

ROOM = 1.4
"""Side of the closer square over the longer side of what it is to hold."""
WORTH_LOOKING_CLOSER = 0.75
"""A closer square of at least this share of the whole one shows nothing new."""
LEAST_SIDE_PX = 48
UNFOUND_SHARE = 0.35
"""Side of the closer square over the whole one's where nothing was found."""
BAR = 127
"""Grey of what lies outside the picture."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, px of the picture."""


@dataclass(frozen=True)
class Square:
    """A square of a picture, px; it may reach beyond the picture."""

    x: int
    y: int
    side: int

    def holds(self, x_px: float, y_px: float) -> bool:
        """Whether a place lies in it."""
        return self.x <= x_px < self.x + self.side and self.y <= y_px < self.y + self.side


def whole_square(size_px: tuple[int, int]) -> Square:
    """The smallest square around a picture (width, height)."""
    side = max(size_px)
    return Square((size_px[0] - side) // 2, (size_px[1] - side) // 2, side)


def closer_square(size_px: tuple[int, int], box: Box | None, clicks: Sequence[tuple[float, float]]) -> Square:
    """A square around a box and the clicks, inside the picture as far as it fits; the whole one where that shows nothing new."""
    whole = whole_square(size_px)
    if box is None:
        centre_x, centre_y = clicks[0]
        reach = UNFOUND_SHARE * whole.side / ROOM / 2
        box = centre_x - reach, centre_y - reach, centre_x + reach, centre_y + reach
    xs, ys = [box[0], box[2], *(x for x, _ in clicks)], [box[1], box[3], *(y for _, y in clicks)]
    side = max(LEAST_SIDE_PX, math.ceil(ROOM * max(max(xs) - min(xs), max(ys) - min(ys))))
    if side >= WORTH_LOOKING_CLOSER * whole.side:
        return whole
    x, y = (_start((min(along) + max(along)) / 2, side, length) for along, length in zip((xs, ys), size_px, strict=True))
    return Square(x, y, side)


def cut(picture: NDArray[np.uint8], square: Square, side_px: int) -> NDArray[np.uint8]:
    """The square of a picture (H, W, 3) at `side_px`, grey where there is no picture."""
    height, width = picture.shape[:2]
    left, top = max(0, square.x), max(0, square.y)
    right, bottom = min(width, square.x + square.side), min(height, square.y + square.side)
    seen = picture[top:bottom, left:right]
    beyond = top - square.y, square.y + square.side - bottom, left - square.x, square.x + square.side - right
    if any(beyond):
        seen = cv2.copyMakeBorder(seen, *beyond, cv2.BORDER_CONSTANT, value=(BAR, BAR, BAR))
    shrinks = side_px < square.side
    small = cv2.resize(seen, (side_px, side_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(small, np.uint8)


def placed(mask: NDArray[np.float32], square: Square, size_px: tuple[int, int]) -> NDArray[np.float32]:
    """A mask (S, S) over a square, at the picture's pixels (H, W); 0 where the square does not reach."""
    scale = len(mask) / square.side
    matrix = np.array([[scale, 0, (0.5 - square.x) * scale - 0.5], [0, scale, (0.5 - square.y) * scale - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    spread = np.asarray(cv2.warpAffine(mask, matrix, size_px, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)
    inside = np.zeros(spread.shape, bool)
    inside[max(0, square.y) : square.y + square.side, max(0, square.x) : square.x + square.side] = True
    spread[~inside] = 0
    return spread


def moved(mask: NDArray[np.float32], source: Square, target: Square, side_px: int) -> NDArray[np.float32]:
    """A mask (S, S) over one square as it is over another, (side_px, side_px); 0 where the first does not reach."""
    step = target.side / source.side * len(mask) / side_px
    finer = max(1, math.ceil(step))
    step /= finer
    left, top = ((start * len(mask)) / source.side for start in (target.x - source.x, target.y - source.y))
    matrix = np.array([[step, 0, left + 0.5 * step - 0.5], [0, step, top + 0.5 * step - 0.5]])
    size = (finer * side_px, finer * side_px)
    seen = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(cv2.resize(seen, (side_px, side_px), interpolation=cv2.INTER_AREA), np.float32)


def box_of(mask: NDArray[np.bool_], square: Square) -> Box | None:
    """What a mask (S, S) over a square holds; None of an empty one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    pixel = square.side / len(mask)
    left, top = square.x + columns[0] * pixel, square.y + rows[0] * pixel
    return left, top, square.x + (columns[-1] + 1) * pixel, square.y + (rows[-1] + 1) * pixel


def _start(middle: float, side: int, length_px: int) -> int:
    start = round(middle - side / 2)
    return min(max(0, start), length_px - side) if side <= length_px else (length_px - side) // 2
