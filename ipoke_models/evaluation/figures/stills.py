"""Stills of any size with an arrow, as the command line names them: FILE@x0,y0:x1,y1 in fractions of width and height."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ipoke_media.errors import ImageError
from ipoke_media.image import load_rgba8

from ...errors import ModelError

_NUMBER = r"(-?[0-9.]+)"
_ARROW = re.compile(f"(.+)@{_NUMBER},{_NUMBER}:{_NUMBER},{_NUMBER}")


@dataclass(frozen=True)
class PokedStill:
    """What a model sees: x0 (3, S, S) in [-1, 1], and one poke (1, 4) of x, y, dx, dy in fractions of it."""

    name: str
    x0: Tensor
    pokes: list[list[float]]

    @property
    def place(self) -> tuple[int, int]:
        """The poked pixel as (row, column)."""
        size_px = self.x0.shape[-1]
        x, y, *_ = self.pokes[0]
        return min(int(y * size_px), size_px - 1), min(int(x * size_px), size_px - 1)


def read_still(argument: str, size_px: int) -> PokedStill:
    """The still and arrow that an argument names, cut to the largest square about the arrow's middle.

    Raises:
        ModelError: the argument has another form, the file is no picture, or the arrow does not fit into the square.
    """
    match = _ARROW.fullmatch(argument)
    if match is None:
        raise ModelError(f"'{argument}' names no still; write FILE@x0,y0:x1,y1, tail and tip of the arrow from 0 to 1.")
    try:
        picture = np.ascontiguousarray(load_rgba8(Path(match[1]))[..., :3])
    except ImageError as error:
        raise ModelError(f"{match[1]}: {error.sentence}") from error
    try:
        ends = np.array([float(number) for number in match.groups()[1:]]).reshape(2, 2)
    except ValueError as error:
        raise ModelError(f"'{argument}' holds something that is no number; write FILE@x0,y0:x1,y1.") from error
    size = np.array(picture.shape[1::-1])
    side = int(size.min())
    middle = ends.mean(axis=0) * size
    left, top = np.clip(middle - side / 2, 0, size - side).astype(int)
    tail, tip = (ends * size - (left, top)) / side
    if min(tail.min(), tip.min()) < 0 or max(tail.max(), tip.max()) > 1 or np.array_equal(tail, tip):
        raise ModelError(f"The arrow of '{argument}' must have a length and lie inside a square of the picture; move its ends.")
    square = cv2.resize(picture[top : top + side, left : left + side], (size_px, size_px), interpolation=cv2.INTER_AREA)
    x0 = torch.from_numpy(square).permute(2, 0, 1).float() / 127.5 - 1
    return PokedStill(Path(match[1]).stem, x0, [[*tail, *(tip - tail)]])
