"""One question for a thing inside the worker: plate and strokes in, masks out. No torch, no sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..plate.brush import paint
from ..plate.errors import PlateError
from ..plate.finding import (
    EdgeFollower,
    Patch,
    Picture,
    Places,
    check_says_something,
    check_size,
    fills_picture,
    parts_of_alpha,
    picture_of,
    thing_of_clean_plate,
)
from ..plate.image import PlateImage, shrunk_mask, shrunk_px
from ..plate.stage import lock_of
from ..plate.thing import says_what_the_thing_is
from ..protocol.errors import ErrorCode, IpokeError
from ..protocol.messages import FindThing, Level, Stroke, ThingFound, ThingOrigin, ThingStart
from .asked_thing import decode_file
from .model_port import Fetch, Field, JobCancelledError, Tell

SEEN_SIDE_PX = 2048
"""Long side of the picture that the network looks at squares of."""
_SURE = 0.5
_CLICKS_OF_A_STROKE = 6
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]


class SegmenterUnavailableError(IpokeError):
    """No segmenter is installed, or it is damaged."""

    code = ErrorCode.BAD_MODEL


class ClickError(IpokeError):
    """A click stands on nothing."""

    code = ErrorCode.BAD_POKES


class Segmenter(Protocol):
    """What a job needs of a network that finds what clicks stand on."""

    max_clicks: int

    def find(self, key: object, picture: Callable[[], NDArray[np.uint8]], strokes: Sequence[Stroke]) -> dict[Level, Patch]:
        """Coarse masks of part, thing and group under strokes, of which clicks are taken.

        What is computed of the picture, RGB (H, W, 3) of 8 bits, is kept under the `key` for the next strokes.
        """


@dataclass(frozen=True)
class Thing:
    """Soft masks (H, W) in [0, 1] of a thing, each within the next, with their scores, and how they came about."""

    origin: ThingOrigin
    masks: dict[Level, tuple[Field, float]]
    reason: str = ""


class ThingJob:
    """Answers one question. `fetch(sha256)` brings an upload, `segmenter()` a network or SegmenterUnavailableError."""

    def __init__(
        self, request: FindThing, key: object, plate: PlateImage, fetch: Fetch, segmenter: Callable[[], Segmenter]
    ) -> None:
        """`key` tells the plate from others."""
        self._request, self._key, self._plate, self._fetch, self._segmenter = request, key, plate, fetch, segmenter
        self._size_px = shrunk_px(plate.size_px, request.long_side_px or max(plate.size_px))
        self._places = Places.of([_thinned(stroke) for stroke in request.strokes])

    def run(self, tell: Tell, cancelled: Callable[[], bool]) -> None:
        """Find the thing and send its masks; raises JobCancelledError, PlateError and ClickError."""
        cv2.setNumThreads(-1)  # an artist waits, and nothing else runs here
        thing = self._find()
        if cancelled():
            raise JobCancelledError
        level = self._request.level
        masks = {one: thing.masks[one] for one in thing.masks if one is level or not self._request.alone}
        files = []
        for mask, _ in masks.values():
            paint(mask, self._request.strokes)
            if thing.origin in (ThingOrigin.MASK, ThingOrigin.STROKES):
                check_says_something(mask)
            files.append(_png(mask))
        levels = tuple(masks)
        scores = tuple(score for _, score in masks.values())
        chosen = levels.index(level) if level in levels else 0
        tell(ThingFound(self._request.job_id, thing.origin, levels, scores, chosen, thing.reason), *files)

    def _find(self) -> Thing:
        start, plate = self._request.start, self._plate
        if start is ThingStart.MASK:
            return self._alone(ThingOrigin.MASK, self._own_mask())
        if start is ThingStart.ALPHA or (start is ThingStart.AUTO and says_what_the_thing_is(plate)):
            return self._alone(ThingOrigin.ALPHA, self._of_alpha())
        if start is ThingStart.AUTO and self._request.clean_sha256 is not None:
            different = thing_of_clean_plate(plate, self._clean_plate(), self._places, self._picture())
            if different is not None:
                return self._alone(ThingOrigin.CLEAN_PLATE, different)
        return self._of_segmenter()

    def _alone(self, origin: ThingOrigin, mask: Field) -> Thing:
        return Thing(origin, {self._request.level: (mask, 1.0)})

    def _picture(self) -> Picture:
        return picture_of(self._plate, self._size_px)

    def _own_mask(self) -> Field:
        assert self._request.mask_sha256 is not None
        mask = lock_of(decode_file(self._fetch(self._request.mask_sha256), "thing's mask", self._request))
        check_size(mask, self._plate)
        return np.array(shrunk_mask(mask, self._size_px))

    def _of_alpha(self) -> Field:
        if not says_what_the_thing_is(self._plate):
            raise PlateError("The plate has no alpha that says where the thing is; give its mask, or click on it.")
        mask = parts_of_alpha(self._plate, self._places, self._size_px)
        if mask is None:
            raise ClickError("A click lies where the plate is transparent; click on the thing.")
        return mask

    def _clean_plate(self) -> PlateImage:
        assert self._request.clean_sha256 is not None
        clean = decode_file(self._fetch(self._request.clean_sha256), "clean plate", self._request)
        if clean.size_px != self._plate.size_px:
            raise PlateError("The clean plate has another size than the plate; save it like the plate.")
        return clean

    def _of_segmenter(self) -> Thing:
        try:
            segmenter = self._segmenter()
            found = segmenter.find(self._key, self._seen, prompts(self._request.strokes, segmenter.max_clicks))
        except SegmenterUnavailableError as error:
            return self._nothing(error.sentence)
        if not (found[self._request.level].values > _SURE).any():
            return self._nothing("Nothing is found under the click; mark the thing with strokes, or give its mask.")
        edges = EdgeFollower(self._picture())
        levels = [self._request.level] if self._request.alone else list(found)
        masks = {level: edges.of_patch(found[level], self._places, alone=level is not Level.GROUP) for level in levels}
        if fills_picture(masks[self._request.level]):
            return self._nothing("What is found fills the picture; mark the thing with strokes, or give its mask.")
        return Thing(ThingOrigin.SEGMENTER, {level: (mask, found[level].score) for level, mask in _nested(masks).items()})

    @property
    def _painted(self) -> bool:
        return any(stroke.radius > 0 and stroke.adds for stroke in self._request.strokes)

    def _nothing(self, reason: str) -> Thing:
        """What strokes alone say, or that nothing was found."""
        if not self._painted:
            return Thing(ThingOrigin.NONE, {}, reason)
        blank = np.zeros(self._size_px[::-1], np.float32)
        return Thing(ThingOrigin.STROKES, {self._request.level: (blank, 1.0)}, reason)

    def _seen(self) -> NDArray[np.uint8]:
        size_px = shrunk_px(self._plate.size_px, SEEN_SIDE_PX)
        return np.asarray(cv2.cvtColor(picture_of(self._plate, size_px), cv2.COLOR_BGR2RGB))


def _nested(masks: dict[Level, Field]) -> dict[Level, Field]:
    """Masks of which each holds those before it."""
    if Level.THING in masks and len(masks) == len(Level):
        np.minimum(masks[Level.PART], masks[Level.THING], out=masks[Level.PART])
        np.maximum(masks[Level.GROUP], masks[Level.THING], out=masks[Level.GROUP])
    return masks


def prompts(strokes: Sequence[Stroke], most_clicks: int) -> list[Stroke]:
    """Strokes as rows of few clicks; of too many the first that adds and the last ones."""
    rows = [replace(_thinned(stroke), radius=0.0) for stroke in strokes]
    while len(rows) > 1 and sum(len(row.points) for row in rows) > most_clicks:
        rows.pop(1 if rows[0].adds else 0)
    return [replace(row, points=row.points[:most_clicks]) for row in rows]


def _thinned(stroke: Stroke) -> Stroke:
    """A stroke by some of its places, evenly apart along it."""
    points = np.array(stroke.points)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    count = min(_CLICKS_OF_A_STROKE, len(points))
    at = np.linspace(0, along[-1], count)
    chosen = dict.fromkeys(int(np.abs(along - place).argmin()) for place in at)
    return replace(stroke, points=tuple(stroke.points[index] for index in chosen))


def _png(mask: Field) -> bytes:
    good, data = cv2.imencode(".png", cv2.convertScaleAbs(mask, alpha=255), _PNG)
    if not good:
        raise PlateError("A mask can't be encoded as PNG; use a smaller plate.")
    return data.tobytes()
