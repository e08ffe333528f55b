"""Clips of footage: a few frames of a source to a clip with estimated flow. No torch.

Flow is estimated between x0 and each frame, both ways, on squares of at least 256 px, and scaled to the model's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..optical_flow import LEAST_SIDE_PX, FlowEstimator, visible_places
from ..procedural.clips import Clip
from .layouts import Crop

Picture = NDArray[np.uint8]

CHANGE_LEVELS = 24
"""A change of grey by more than this many levels of 255 between two frames is motion, not noise."""
SUBJECT_MARGIN = 0.15
LEAST_SUBJECT_SHARE = 0.4
"""A square around the subject has at least this share of the picture's short side."""
GRABCUT_SIDE_PX = 128
GRABCUT_ROUNDS = 5


@dataclass(frozen=True)
class Square:
    """A square of a picture, px."""

    left: int
    top: int
    side: int

    def cut(self, picture: Picture, side_px: int) -> Picture:
        """This square of a picture (H, W, 3), scaled to (side_px, side_px, 3)."""
        piece = picture[self.top : self.top + self.side, self.left : self.left + self.side]
        interpolation = cv2.INTER_AREA if self.side > side_px else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(piece, (side_px, side_px), interpolation=interpolation), np.uint8)


@dataclass(frozen=True)
class Scan:
    """What decoding a whole source told: the number of good frames, and the square of it to use."""

    frames: int
    square: Square


def scan(frames: Iterable[Picture], crop: Crop) -> Scan | None:
    """Decode all of a source; None where there is nothing."""
    count = 0
    first = earlier = None
    shape: tuple[int, ...] = ()
    changed: NDArray[np.int64] | None = None
    for frame in frames:
        count += 1
        shape = frame.shape
        if crop is Crop.SUBJECT:
            grey = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (0, 0), 2)
            if first is None or earlier is None or changed is None:
                first, changed = grey, np.zeros(grey.shape, np.int64)
            else:
                changed += np.maximum(cv2.absdiff(grey, earlier), cv2.absdiff(grey, first)) > CHANGE_LEVELS
            earlier = grey
    if not count:
        return None
    return Scan(count, _centre(shape) if changed is None else _around(changed > 0))


def _centre(shape: tuple[int, ...]) -> Square:
    side = min(shape[:2])
    return Square((shape[1] - side) // 2, (shape[0] - side) // 2, side)


def _around(moving: NDArray[np.bool_]) -> Square:
    """The square around all that moves but its outermost hundredth, with a margin, inside the picture."""
    rows, columns = np.nonzero(moving)
    if not len(rows):
        return _centre(moving.shape)
    (top, bottom), (left, right) = (np.quantile(places, [0.01, 0.99]) for places in (rows, columns))
    short = min(moving.shape)
    side = min(short, max(int(LEAST_SUBJECT_SHARE * short), round(max(bottom - top, right - left) * (1 + 2 * SUBJECT_MARGIN))))
    corner = [
        int(np.clip((low + high - side) / 2, 0, limit - side))
        for low, high, limit in zip((left, top), (right, bottom), moving.shape[::-1], strict=True)
    ]
    return Square(corner[0], corner[1], side)


def windows(
    frames: Iterable[Picture], starts: list[int], offsets: list[int], square: Square, side_px: int
) -> Iterator[list[Picture]]:
    """For each start (ascending), the frames at start + offset as squares of `side_px`; each frame is decoded once."""
    wanted = {start + offset for start in starts for offset in offsets}
    held: dict[int, Picture] = {}
    waiting = list(starts)
    for number, frame in enumerate(frames):
        if number in wanted:
            held[number] = square.cut(frame, side_px)
        while waiting and number >= waiting[0] + offsets[-1]:
            start = waiting.pop(0)
            yield [held[start + offset] for offset in offsets]
            held = {kept: picture for kept, picture in held.items() if waiting and kept >= waiting[0]}
        if not waiting:
            return


def footage_clip(frames: list[Picture], size_px: int, estimate: FlowEstimator, people: bool) -> Clip:
    """A clip of T+1 frames, squares of at least `size_px`, scaled to it; what stands still in it is nobody's neighbour.

    With `people`, x0's foreground is cut out for the pokes.
    """
    forward = np.stack([estimate(frames[0], frame) for frame in frames[1:]])
    backward = np.stack([estimate(frame, frames[0]) for frame in frames[1:]])
    visible = np.stack([visible_places(back, forth) for back, forth in zip(backward, forward, strict=True)])
    small = np.stack([_resized(frame, size_px) for frame in frames])
    nowhere = np.zeros((size_px, size_px), bool)
    return Clip(
        frames=small,
        backward=_scaled(backward, size_px),
        visible=np.stack([_halftone(seen, size_px) for seen in visible]),
        forward=_scaled(forward, size_px),
        moving=nowhere,
        neighbour=nowhere,
        foreground=foreground(frames[0], size_px) if people else None,
    )


def estimation_side(size_px: int) -> int:
    """Side in px of the squares that flow is estimated on for a model of this size."""
    return max(LEAST_SIDE_PX, size_px)


def foreground(picture: Picture, size_px: int) -> NDArray[np.bool_]:
    """Who stands in the middle three fifths of a square picture, by GrabCut: (size_px, size_px); all of it if nobody is found."""
    side = GRABCUT_SIDE_PX
    image = cv2.cvtColor(_resized(picture, side), cv2.COLOR_RGB2BGR)
    mask = np.zeros((side, side), np.uint8)
    rectangle = (side // 5, 1, 3 * side // 5, side - 2)
    cv2.setRNGSeed(0)
    cv2.grabCut(image, mask, rectangle, np.zeros((1, 65)), np.zeros((1, 65)), GRABCUT_ROUNDS, cv2.GC_INIT_WITH_RECT)
    found = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
    smaller = _halftone(found, size_px)
    return smaller if smaller.any() else np.ones_like(smaller)


def _halftone(mask: NDArray[np.bool_], size_px: int) -> NDArray[np.bool_]:
    return np.asarray(cv2.resize(mask.astype(np.float32), (size_px, size_px), interpolation=cv2.INTER_AREA) > 0.5, bool)


def _scaled(flows: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
    scale = size_px / flows.shape[1]
    small = [cv2.resize(flow, (size_px, size_px), interpolation=cv2.INTER_AREA) for flow in flows]
    return (np.stack(small) * scale).astype(np.float32)


def _resized(picture: Picture, size_px: int) -> Picture:
    return np.asarray(cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA), np.uint8)
