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
from .choice import better
from .colours import Place, told_by_colours
from .config import GROUP, PART, THING
from .folder import SegmenterManifest, read_segmenter
from .interaction import under_clicks
from .network import NEGATIVE, POSITIVE, as_input, with_channels_last
from .network import Segmenter as Network
from .salience import Salience
from .squares import Square, box_of, closer_square, cut, moved, placed, whole_square

LEAST_PICTURE_PX = 16
SALIENCE_SIDE_PX = 192
"""Side of the squares in which things that stand out are looked for; larger ones find little more and take longer."""
_KEPT_SQUARES = 6
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

    Those of the thing are told by colours where the network is not sure, and part lies within it. Where what stands out takes the
    network's place, its mean salience is expected.
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
    """A square with its features, and under the strokes that were asked for the logits (3, S/2, S/2) and scores."""

    rgb: Tensor
    features: list[Tensor]
    found: dict[tuple[Stroke, ...], tuple[Tensor, Tensor]] = field(default_factory=dict)
    standing_out: NDArray[np.float32] | None = None


@dataclass
class Prepared:
    """A picture (H, W, 3) and what was computed of it: squares, and what is shown as the thing under strokes."""

    picture: NDArray[np.uint8]
    views: dict[Square, _View] = field(default_factory=dict)
    shown: dict[tuple[Stroke, ...], LevelMask] = field(default_factory=dict)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.picture.shape[1], self.picture.shape[0]


class Segmenter:
    """A loaded segmenter. The same picture and strokes give the same masks, bit for bit with as many threads of PyTorch."""

    def __init__(
        self,
        manifest: SegmenterManifest,
        network: Network,
        folder: Path,
        device: torch.device,
        salience: Salience | None = None,
    ) -> None:
        self.name, self.sha256, self.folder, self.device = manifest.name, manifest.sha256, folder, device
        self.size_px, self.max_clicks = manifest.networks.size_px, manifest.networks.max_clicks
        self.network = with_channels_last(network)
        self.salience = None if salience is None else with_channels_last(salience)

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
        thing = self._shown(prepared, drawn)
        near, near_scores = self._ask(prepared, thing.square, drawn)
        part = np.minimum(cv2.resize(_sure(near[PART]), thing.values.shape, interpolation=cv2.INTER_LINEAR), thing.values)
        logits, scores = self._ask(prepared, whole, drawn)
        return Found(
            LevelMask(part, thing.square, float(near_scores[PART])),
            thing,
            LevelMask(_sure(logits[GROUP]), whole, float(scores[GROUP])),
        )

    def _check(self, strokes: Sequence[Stroke]) -> None:
        points = [point for stroke in strokes for point in stroke.points]
        if not _adds(strokes):
            raise StrokeError("There is no stroke that adds; click on the thing first.")
        if len(points) > self.max_clicks:
            raise StrokeError(
                f"The strokes have {len(points)} clicks, but the segmenter takes {self.max_clicks}; leave some out."
            )
        for x, y in points:
            if not (math.isfinite(x) and math.isfinite(y) and 0 <= x <= 1 and 0 <= y <= 1):
                raise StrokeError(f"The click at {x:g}, {y:g} is not on the picture; both must lie between 0 and 1.")

    def _closer(self, prepared: Prepared, strokes: tuple[Stroke, ...]) -> Square:
        """Around what the first adding stroke finds in the whole picture, and all strokes; larger where that cuts the thing."""
        first = next(stroke for stroke in strokes if stroke.positive and stroke.points)
        whole = whole_square(prepared.size_px)
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

    def _shown(self, prepared: Prepared, strokes: tuple[Stroke, ...]) -> LevelMask:
        """The thing after all strokes, one after the other, as it is shown."""
        if strokes in prepared.shown:
            return prepared.shown[strokes]
        for drawn in (strokes[:count] for count in range(1, len(strokes) + 1)):
            if _adds(drawn) and drawn not in prepared.shown:
                prepared.shown[drawn] = self._thing(prepared, drawn)
                _forget(prepared.shown, self.max_clicks)
        return prepared.shown[strokes]

    def _thing(self, prepared: Prepared, strokes: tuple[Stroke, ...]) -> LevelMask:
        """The thing after strokes, of which the last that adds takes nothing away, and one that takes away adds nothing."""
        square, places = self._closer(prepared, strokes), _places(prepared.size_px, strokes)
        logits, scores = self._ask(prepared, square, strokes)
        found, score = _sure(logits[THING]), float(scores[THING])
        if self.salience is not None and len(strokes) == 1:
            clicks = [((x - square.x) / square.side, (y - square.y) / square.side) for x, y, _ in places]
            standing_out = better(found, self._standing_out(prepared, square), clicks)
            if standing_out is not found:
                found, score = standing_out, float(standing_out[standing_out > 0].mean())
        thing = told_by_colours(prepared.picture, square, found, places)
        if _adds(strokes[:-1]):
            before = self._shown(prepared, strokes[:-1])
            kept = moved(before.values, before.square, square, len(thing))
            thing = np.maximum(thing, kept) if strokes[-1].positive else np.minimum(thing, kept)
        return LevelMask(thing, square, score)

    def _standing_out(self, prepared: Prepared, square: Square) -> NDArray[np.float32]:
        """What stands out in a square, (S, S) in [0, 1]."""
        view = self._view(prepared, square)
        if view.standing_out is None:
            assert self.salience is not None
            pixels = torch.from_numpy(cut(prepared.picture, square, SALIENCE_SIDE_PX)).to(self.device)
            with torch.inference_mode():
                view.standing_out = _sure(self.salience(pixels.permute(2, 0, 1)[None] / 255)[0, 0].cpu())
        return view.standing_out

    def _ask(self, prepared: Prepared, square: Square, strokes: tuple[Stroke, ...]) -> tuple[Tensor, Tensor]:
        """Logits and scores in a square after all strokes, the last of which corrects what was shown before."""
        view = self._view(prepared, square)
        if strokes not in view.found:
            view.found[strokes] = self._decode(prepared, square, view, strokes)
            _forget(view.found, self.max_clicks)
        return view.found[strokes]

    def _decode(self, prepared: Prepared, square: Square, view: _View, strokes: tuple[Stroke, ...]) -> tuple[Tensor, Tensor]:
        side = self.size_px // 2
        previous = torch.zeros(1, 1, side, side)
        if _adds(strokes[:-1]):
            before = self._shown(prepared, strokes[:-1])
            previous[0, 0] = torch.from_numpy(moved(before.values, before.square, square, side))
        clicks = _clicks_in(square, prepared.size_px, strokes).to(self.device)
        with torch.inference_mode():
            masks = self.network.decoder(view.rgb, view.features, clicks, previous.to(self.device))
        return masks.logits[0].cpu(), masks.scores[0].cpu()


def load_segmenter(folder: str | Path, device: str = "cpu") -> Segmenter:
    """Load a segmenter from its folder.

    Raises:
        ModelError: there is no segmenter, or its files are damaged.
    """
    manifest, network, salience = read_segmenter(Path(folder), device)
    return Segmenter(manifest, network, Path(folder), torch.device(device), salience)


def _adds(strokes: Sequence[Stroke]) -> bool:
    return any(stroke.positive and stroke.points for stroke in strokes)


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
