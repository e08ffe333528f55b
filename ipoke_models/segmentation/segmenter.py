"""The door: load a segmenter, prepare a picture once, ask for the masks under strokes as often as wanted.

The masks are a function of picture and strokes alone: what is kept between calls only saves time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..checkpoint import read_card
from ..errors import ModelError
from .colours import Place, told_by_colours
from .config import GROUP, PART, THING
from .folder import SegmenterManifest, read_segmenter
from .interaction import under_clicks
from .network import NEGATIVE, POSITIVE, as_input, with_channels_last
from .network import Segmenter as Network
from .squares import Square, box_of, closer_square, cut, placed, whole_square

LEAST_PICTURE_PX = 16
_KEPT_SQUARES = 6
_KEPT_ANSWERS = 2
"""Answers that a square keeps, of the network's over the most strokes that one may build on."""
_GROWTH = 2
"""How often a closer square grows where the thing is cut off by it."""
_EDGE_SHARE = 0.04
"""Share of a square's side along which a thing may leave it."""
_SURE = 0.5


class StrokeError(ModelError):
    """Strokes or a picture that can't be used. One sentence."""


@dataclass(frozen=True)
class Stroke:
    """A click, or a row of clicks: places (x, y) in fractions of the picture's width and height."""

    points: tuple[tuple[float, float], ...]
    positive: bool = True


@dataclass(frozen=True)
class LevelMask:
    """Probabilities (S, S) in [0, 1] over a square of the picture, and the IoU in [0, 1] that is expected of them.

    Those of the thing are told by colours where the network is not sure, and part lies within it.
    """

    values: NDArray[np.float32]
    square: Square
    score: float


@dataclass(frozen=True)
class Found:
    """Masks of part, thing and group under some strokes."""

    part: LevelMask
    thing: LevelMask
    group: LevelMask

    def on_picture(self, size_px: tuple[int, int]) -> NDArray[np.float32]:
        """The three masks (3, H, W) at the picture's pixels, each within the next."""
        part, thing, group = (placed(one.values, one.square, size_px) for one in (self.part, self.thing, self.group))
        return np.stack([np.minimum(part, thing), thing, np.maximum(group, thing)])


@dataclass
class _View:
    """A square with its features, and after each row of strokes that was asked for the logits (3, S/2, S/2) and scores.

    `told` has the things' masks (R, R) as they are shown, by colours where the network is not sure.
    """

    rgb: Tensor
    features: list[Tensor]
    found: dict[tuple[Stroke, ...], tuple[Tensor, Tensor]] = field(default_factory=dict)
    told: dict[tuple[Stroke, ...], NDArray[np.float32]] = field(default_factory=dict)


@dataclass
class Prepared:
    """A picture (H, W, 3) and what was computed of it."""

    picture: NDArray[np.uint8]
    views: dict[Square, _View] = field(default_factory=dict)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.picture.shape[1], self.picture.shape[0]


class Segmenter:
    """A loaded segmenter. The same picture and strokes give the same masks, bit for bit with as many threads of PyTorch."""

    def __init__(self, manifest: SegmenterManifest, network: Network, folder: Path, device: torch.device) -> None:
        self.name, self.sha256, self.folder, self.device = manifest.name, manifest.sha256, folder, device
        self.size_px, self.max_clicks = manifest.networks.size_px, manifest.networks.max_clicks
        self.network = with_channels_last(network)

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return read_card(self.folder)

    def prepare(self, picture: NDArray[np.uint8]) -> Prepared:
        """Features of a whole picture, RGB (H, W, 3), for any strokes on it; the picture is kept, not copied.

        Raises:
            StrokeError: it is no such picture.
        """
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise StrokeError(f"The segmenter needs RGB of 8 bits, (H, W, 3), not {picture.dtype} {picture.shape}.")
        if min(picture.shape[:2]) < LEAST_PICTURE_PX:
            raise StrokeError(
                f"The picture is {picture.shape[1]} x {picture.shape[0]} px; give one of {LEAST_PICTURE_PX} px at least."
            )
        prepared = Prepared(picture)
        self._view(prepared, whole_square(prepared.size_px))
        return prepared

    def masks(self, prepared: Prepared, strokes: Sequence[Stroke]) -> Found:
        """What is under the strokes, in the order in which they were made; each corrects what was found with those before.

        Raises:
            StrokeError: no stroke is positive, there are too many clicks, or one is not on the picture.
        """
        self._check(strokes)
        drawn = tuple(strokes)
        whole = whole_square(prepared.size_px)
        logits, scores = self._ask(prepared, whole, drawn)
        square = self._closer(prepared, whole, drawn)
        near, near_scores = (logits, scores) if square == whole else self._ask(prepared, square, drawn)
        thing = self._told(prepared, square, drawn)
        part = np.minimum(cv2.resize(_sure(near[PART]), thing.shape, interpolation=cv2.INTER_LINEAR), thing)
        return Found(
            LevelMask(part, square, float(near_scores[PART])),
            LevelMask(thing, square, float(near_scores[THING])),
            LevelMask(_sure(logits[GROUP]), whole, float(scores[GROUP])),
        )

    def _check(self, strokes: Sequence[Stroke]) -> None:
        points = [point for stroke in strokes for point in stroke.points]
        if not any(stroke.positive and stroke.points for stroke in strokes):
            raise StrokeError("There is no stroke that adds; click on the thing first.")
        if len(points) > self.max_clicks:
            raise StrokeError(
                f"The strokes have {len(points)} clicks, but the segmenter takes {self.max_clicks}; leave some out."
            )
        for x, y in points:
            if not (math.isfinite(x) and math.isfinite(y) and 0 <= x <= 1 and 0 <= y <= 1):
                raise StrokeError(f"The click at {x:g}, {y:g} is not on the picture; both must lie between 0 and 1.")

    def _closer(self, prepared: Prepared, whole: Square, strokes: tuple[Stroke, ...]) -> Square:
        """Around what the first adding stroke finds in the whole picture, and all strokes; larger where that cuts the thing."""
        first = next(stroke for stroke in strokes if stroke.positive and stroke.points)
        logits, _ = self._ask(prepared, whole, (first,))
        size_px = prepared.size_px
        clicks = [(x, y) for x, y, _ in _places(size_px, strokes)]
        own = _places(size_px, (first,))
        square = closer_square(size_px, box_of(_clicked(logits[THING], whole, own), whole), clicks)
        for _ in range(_GROWTH):
            if square == whole:
                break
            near, _ = self._ask(prepared, square, (first,))
            if not _leaves(_clicked(near[THING], square, own), square, size_px):
                break
            centre_x, centre_y, reach = square.x + square.side / 2, square.y + square.side / 2, square.side / 2
            square = closer_square(size_px, (centre_x - reach, centre_y - reach, centre_x + reach, centre_y + reach), clicks)
        return square

    def _view(self, prepared: Prepared, square: Square) -> _View:
        if square not in prepared.views:
            pixels = torch.from_numpy(cut(prepared.picture, square, self.size_px)).to(self.device)
            rgb = as_input(pixels[None])
            with torch.inference_mode():
                prepared.views[square] = _View(rgb, self.network.encoder(rgb))
            while len(prepared.views) > _KEPT_SQUARES:  # the whole picture's, which comes first, stays
                prepared.views.pop(list(prepared.views)[1])
        return prepared.views[square]

    def _ask(self, prepared: Prepared, square: Square, strokes: tuple[Stroke, ...]) -> tuple[Tensor, Tensor]:
        """Logits and scores in a square after all strokes, one after the other."""
        view = self._view(prepared, square)
        for count in range(1, len(strokes) + 1):
            if strokes[:count] not in view.found:
                view.found[strokes[:count]] = self._decode(prepared, square, view, strokes[:count])
                _forget(view.found, _KEPT_ANSWERS * self.max_clicks)
        return view.found[strokes]

    def _told(self, prepared: Prepared, square: Square, strokes: tuple[Stroke, ...]) -> NDArray[np.float32]:
        """The thing's mask (R, R) in a square after all strokes, as it is shown."""
        logits, _ = self._ask(prepared, square, strokes)
        view = self._view(prepared, square)
        if strokes not in view.told:
            places = _places(prepared.size_px, strokes)
            view.told[strokes] = told_by_colours(prepared.picture, square, _sure(logits[THING]), places)
            _forget(view.told, _KEPT_ANSWERS)
        return view.told[strokes]

    def _decode(self, prepared: Prepared, square: Square, view: _View, strokes: tuple[Stroke, ...]) -> tuple[Tensor, Tensor]:
        side = self.size_px // 2
        previous = torch.zeros(1, 1, side, side)
        if strokes[:-1] in view.found:  # a correction is of what was shown
            shown = self._told(prepared, square, strokes[:-1])
            previous = torch.from_numpy(cv2.resize(shown, (side, side), interpolation=cv2.INTER_AREA))[None, None]
        clicks = _clicks_in(square, prepared.size_px, strokes).to(self.device)
        with torch.inference_mode():
            masks = self.network.decoder(view.rgb, view.features, clicks, previous.to(self.device))
        return masks.logits[0].cpu(), masks.scores[0].cpu()


def load_segmenter(folder: str | Path, device: str = "cpu") -> Segmenter:
    """Load a segmenter from its folder.

    Raises:
        ModelError: there is no segmenter, or its files are damaged.
    """
    manifest, network = read_segmenter(Path(folder), device)
    return Segmenter(manifest, network, Path(folder), torch.device(device))


def _forget(kept: dict[tuple[Stroke, ...], Any], most: int) -> None:
    while len(kept) > most:
        kept.pop(next(iter(kept)))


def _places(size_px: tuple[int, int], strokes: Sequence[Stroke]) -> list[Place]:
    """All clicks, px of the picture, the picture's far edges on its last pixels."""
    width, height = size_px
    return [
        (min(x * width, width - 0.5), min(y * height, height - 0.5), stroke.positive)
        for stroke in strokes
        for x, y in stroke.points
    ]


def _clicks_in(square: Square, size_px: tuple[int, int], strokes: Sequence[Stroke]) -> Tensor:
    """(1, K, 3) in fractions of the square; clicks outside it are left out."""
    rows = [
        ((x - square.x) / square.side, (y - square.y) / square.side, POSITIVE if adds else NEGATIVE)
        for x, y, adds in _places(size_px, strokes)
        if square.holds(x, y)
    ]
    return torch.tensor([rows or [(0.5, 0.5, 0.0)]], dtype=torch.float32)


def _clicked(logits: Tensor, square: Square, clicks: Sequence[Place]) -> NDArray[np.bool_]:
    """What is found (S, S) over a square under clicks that add, or all that is found where they are on none of it."""
    thing, pixels = (logits > 0).numpy(), len(logits) / square.side
    places = [
        (int((x - square.x) * pixels), int((y - square.y) * pixels)) for x, y, adds in clicks if adds and square.holds(x, y)
    ]
    return under_clicks(np.asarray(thing), places)


def _leaves(thing: NDArray[np.bool_], square: Square, size_px: tuple[int, int]) -> bool:
    """Whether a thing (S, S) is cut off by its square where the picture goes on."""
    least = _EDGE_SHARE * len(thing)
    sides = (
        (thing[0], square.y > 0),
        (thing[-1], square.y + square.side < size_px[1]),
        (thing[:, 0], square.x > 0),
        (thing[:, -1], square.x + square.side < size_px[0]),
    )
    return any(goes_on and float(side.sum()) > least for side, goes_on in sides)


def _sure(logits: Tensor) -> NDArray[np.float32]:
    return np.asarray(logits.sigmoid().numpy(), np.float32)
