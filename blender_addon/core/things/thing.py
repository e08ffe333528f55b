"""What a plate's pokes move: a soft mask from alpha or an artist's own, mended by strokes. No bpy.

Masks are (H, W) float32 in [0, 1], the first row on top. Places are fractions of the plate's width and height.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from ..._vendor.client import Level, Stroke, ThingOrigin
from ..._vendor.ipoke_body.components import connected
from ..._vendor.ipoke_values.names import CLICK_REACH, CUT_OUT_ALPHA, CUT_OUT_SHARE, THING_LEAST
from ..gestures.plane import Vec2

SIDE_PX = 512
"""Masks in Blender's own Python are no larger than this; a plate's own size takes part in sampling only."""
REACH_PX = 2

Mask = Any  # numpy's array types are not there for a type checker inside Blender


class Source(StrEnum):
    """Where an artist lets the thing come from."""

    AUTO = "AUTO"
    PICTURE = "PICTURE"
    IMAGE = "IMAGE"
    REGION = "REGION"


@dataclass(frozen=True, slots=True)
class ThingSetting:
    """What an artist has set of the thing; `image` is the name of the own mask's image."""

    source: Source = Source.AUTO
    level: Level = Level.THING
    strokes: tuple[Stroke, ...] = ()
    image: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class KnownThing:
    """A thing as far as Blender needs it: its mask, no side longer than `SIDE_PX`, where it came from, and the mask's hash."""

    mask: Mask
    origin: ThingOrigin
    sha256: str

    @classmethod
    def of(cls, mask: Mask, origin: ThingOrigin) -> KnownThing | None:
        """The thing of a mask; None where it marks nothing."""
        if not (mask > THING_LEAST).any():
            return None
        grey = np.rint(mask * 255).astype(np.uint8)
        return cls(mask, origin, hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).hexdigest())


def marked(pixels: Mask) -> Mask:
    """What an image of (H, W, 4) pixels in [0, 1] marks: its alpha where that says something, else its brightness."""
    alpha = pixels[..., 3]
    return np.clip(alpha if (alpha < 1).any() else pixels[..., :3].max(axis=2), 0, 1)


def is_cut_out(alpha: Mask) -> bool:
    """Whether a good part of a picture with this alpha is transparent."""
    return bool((alpha <= CUT_OUT_ALPHA).mean() > CUT_OUT_SHARE)


def reduced_shape(size_px: tuple[int, int]) -> tuple[int, int]:
    """Height and width of what `reduced` makes of a mask of this width and height."""
    step = -(-max(size_px) // SIDE_PX)
    return -(-size_px[1] // step), -(-size_px[0] // step)


def reduced(mask: Mask) -> Mask:
    """The mask at a whole fraction of its size, no side longer than `SIDE_PX`, by means of squares."""
    height, width = mask.shape
    step = -(-max(height, width) // SIDE_PX)
    if step < 2:
        return np.ascontiguousarray(mask, np.float32)
    padded = np.pad(mask, ((0, -height % step), (0, -width % step)), mode="edge").astype(np.float32)
    squares = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step)
    return squares.mean(axis=(1, 3), dtype=np.float32)


def parts_below(alpha: Mask, places: Sequence[Vec2]) -> Mask | None:
    """The parts of a cut-out that places stand on or are near to; None where one of them is too far from any part."""
    labels = _parts(alpha > THING_LEAST)
    chosen = {_part_near(labels, place) for place in places}
    if 0 in chosen:
        return None
    kept = np.isin(labels, list(chosen))
    soft = labels == 0  # faint edges belong to the part that they touch
    return np.where(kept | (soft & grown(kept, REACH_PX)), alpha, np.float32(0))


def painted(mask: Mask, strokes: Iterable[Stroke]) -> Mask:
    """The mask with strokes painted over it, in their order; their edges are a pixel wide."""
    result = np.array(mask, np.float32)
    for stroke in strokes:
        if stroke.radius > 0:
            box, cover = _cover(mask.shape[:2], stroke)
            here = result[box]
            result[box] = np.maximum(here, cover) if stroke.adds else np.minimum(here, 1 - cover)
    return result


def grown(mask: Mask, by_px: int) -> Mask:
    """The mask, each place as the largest within `by_px` of it."""
    height, width = mask.shape
    padded = np.pad(mask, by_px)
    wide = np.maximum.reduce([padded[:, dx : dx + width] for dx in range(2 * by_px + 1)])
    return np.maximum.reduce([wide[dy : dy + height] for dy in range(2 * by_px + 1)])


def holds(mask: Mask, places: Sequence[Vec2]) -> bool:
    """Whether there are places, and all of them lie on a mask."""
    height, width = mask.shape
    rows = [(min(int(y * height), height - 1), min(int(x * width), width - 1)) for x, y in places]
    return bool(rows) and all(mask[row, column] > THING_LEAST for row, column in rows)


def clicks(strokes: Iterable[Stroke]) -> tuple[Vec2, ...]:
    """The places that strokes without a radius point at."""
    return tuple(point for stroke in strokes if stroke.radius == 0 and stroke.adds for point in stroke.points)


def _part_near(labels: Mask, place: Vec2) -> int:
    """The part at a place or nearest to it; 0 where there is none within reach."""
    height, width = labels.shape
    x, y = min(int(place[0] * width), width - 1), min(int(place[1] * height), height - 1)
    reach = int(CLICK_REACH * max(labels.shape))
    if labels[y, x] or reach < 1:
        return int(labels[y, x])
    top, left = max(0, y - reach), max(0, x - reach)
    window = labels[top : y + reach + 1, left : x + reach + 1]
    rows, columns = np.nonzero(window)
    distances = np.hypot(rows + top - y, columns + left - x)
    if not len(distances) or distances.min() > CLICK_REACH * max(labels.shape):
        return 0
    return int(window[rows[distances.argmin()], columns[distances.argmin()]])


def _cover(shape: tuple[int, int], stroke: Stroke) -> tuple[tuple[slice, slice], Mask]:
    """How much of each pixel a stroke covers, inside the box around it."""
    height, width = shape
    radius_px = stroke.radius * max(shape)
    points = np.asarray(stroke.points, np.float64) * (width, height)
    low = np.clip(np.floor(points.min(axis=0) - radius_px - 1), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + radius_px + 1), 0, (width, height)).astype(int)
    x, y = np.arange(low[0], high[0]) + 0.5, (np.arange(low[1], high[1]) + 0.5)[:, None]
    nearest_px = np.full((high[1] - low[1], high[0] - low[0]), np.inf)
    for start, end in zip(points, [*points[1:], points[-1]], strict=True):
        np.minimum(nearest_px, _distance(x, y, start, end), out=nearest_px)
    return (slice(low[1], high[1]), slice(low[0], high[0])), np.clip(radius_px + 0.5 - nearest_px, 0, 1).astype(np.float32)


def _distance(x: Mask, y: Mask, start: Mask, end: Mask) -> Mask:
    along = end - start
    square = float(along @ along) or 1.0
    part = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / square, 0, 1)
    return np.hypot(x - start[0] - part * along[0], y - start[1] - part * along[1])


def _parts(mask: Mask) -> Mask:
    """(H, W): 0 outside the mask, else a number that pixels share which hang together, corners included."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    first, second = _touching(rows, starts, ends, mask.shape[0])
    labels = np.zeros(mask.shape, np.intp)
    labels[mask] = np.repeat(connected(len(rows), first, second) + 1, ends - starts)
    return labels


def _touching(rows: Mask, starts: Mask, ends: Mask, height: int) -> tuple[Mask, Mask]:
    """Pairs of runs of pixels in neighbouring rows that touch."""
    offsets = np.searchsorted(rows, np.arange(height + 1))
    firsts, seconds = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for row in range(height - 1):
        above = np.arange(offsets[row], offsets[row + 1])
        below = slice(offsets[row + 1], offsets[row + 2])
        low = np.searchsorted(ends[below], starts[above]) + offsets[row + 1]
        high = np.searchsorted(starts[below], ends[above], side="right") + offsets[row + 1]
        counts = high - low
        firsts.append(np.repeat(above, counts))
        seconds.append(np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts))
    return np.concatenate(firsts), np.concatenate(seconds)
