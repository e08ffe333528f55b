"""Composites whose masks are known: things before photographs, several of a kind, in front and behind, out of focus, on stalks.

Every composite is a square with one thing that is asked for, the group of its kind, and the parts of the thing that have names.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.pictures import random_square
from ..data.procedural.foliage import foliage, scene_green
from ..data.procedural.garden import background
from ..data.procedural.motion import Array
from ..data.procedural.painting import placed_cutout, random_look, strip
from ..data.procedural.plants import Looks, Plant, random_looks, random_plant
from ..data.procedural.scenes import Patch
from ..data.procedural.skeleton import find_limbs
from .canvas import Canvas, Owner, blurred, lit, photographed
from .squares import BAR
from .stock import Picture, Stock

TRIES = 8
LEAST_SEEN_PX, LEAST_SEEN_SHARE, MOST_OF_PICTURE = 60, 0.25, 0.9
"""What can be asked for: so many pixels of it at 192 px, such a share of the whole of it, and not the whole picture."""
BARRED = 0.2
_LEAST_PART_SHARE, _MOST_PART_SHARE = 0.02, 0.8
_SURE = 0.5


class Kind(enum.Enum):
    """How a composite is laid out."""

    ONE = "one"
    """A thing, among others that are unlike it."""
    ALIKE = "alike"
    """Several of a kind side by side, one of them asked for."""
    PLANT = "plant"
    """A plant among plants of its looks; its leaves are its parts."""
    STALK = "stalk"
    """A thing on a thin stalk, of which it is a part."""
    PHOTO = "photo"
    """A photograph as it is, its mask a larger network's."""


SHARES = {Kind.ONE: 0.36, Kind.ALIKE: 0.26, Kind.PLANT: 0.14, Kind.STALK: 0.1, Kind.PHOTO: 0.14}


@dataclass(frozen=True)
class Composite:
    """RGB (S, S, 3), and masks (S, S) in [0, 1] of the thing that is asked for and of all of its kind; None where unknown.

    `parts` (S, S) numbers the thing's parts from 0 on, -1 where a place belongs to none.
    """

    rgb: NDArray[np.uint8]
    thing: Array
    group: Array | None
    parts: NDArray[np.int32]
    kind: Kind

    def part_at(self, x_px: int, y_px: int) -> Array | None:
        """The part that a pixel shows, or None where that is no part that could be told from the thing."""
        number = self.parts[y_px, x_px]
        if number < 0:
            return None
        part = self.thing * (self.parts == number)
        share = part.sum() / max(float(self.thing.sum()), 1e-6)
        return np.asarray(part, np.float32) if _LEAST_PART_SHARE < share < _MOST_PART_SHARE else None


def random_composite(
    rng: np.random.Generator, stock: Stock, size_px: int, kind: Kind | None = None, *, bars: bool = True
) -> Composite:
    """A composite of that kind, or of any; some have grey `bars`, as where a square reaches beyond a picture."""
    kinds = [one for one in SHARES if one is not Kind.PHOTO or stock.masked]
    shares = np.array([SHARES[one] for one in kinds])
    for _ in range(TRIES * TRIES):
        chosen = kind or kinds[rng.choice(len(kinds), p=shares / shares.sum())]
        found = _MAKERS[chosen](rng, stock, size_px)
        if found is not None and bars and rng.random() < BARRED:
            found = _barred(rng, found)
        if found is not None:
            return found
    raise ValueError(f"no composite of the kind {kind} in {TRIES * TRIES} tries: its things can hardly be seen")


def _barred(rng: np.random.Generator, composite: Composite) -> Composite | None:
    """Grey above and below, or left and right; None where too little of the thing would be left."""
    side = len(composite.rgb)
    first, last = (int(side * share) for share in rng.uniform(0, 0.28, 2))
    window = (slice(first, side - last), slice(None))
    if rng.random() < 0.5:
        window = (window[1], window[0])
    rgb, parts = np.full_like(composite.rgb, BAR), np.full_like(composite.parts, -1)
    rgb[window], parts[window] = composite.rgb[window], composite.parts[window]
    thing, group = (None if mask is None else np.zeros_like(mask) for mask in (composite.thing, composite.group))
    for kept, mask in ((thing, composite.thing), (group, composite.group)):
        if kept is not None and mask is not None:
            kept[window] = mask[window]
    if thing is None or thing.sum() < 0.4 * composite.thing.sum():
        return None
    return Composite(rgb, thing, group, parts, composite.kind)


def _extent(rng: np.random.Generator, size_px: int) -> float:
    ranges = ((0.14, 0.35), (0.35, 0.95), (0.95, 1.7))
    return size_px * float(rng.uniform(*ranges[rng.choice(3, p=(0.25, 0.55, 0.2))]))


def _place(rng: np.random.Generator, size_px: int, margin: float = 0.08) -> Array:
    return (rng.uniform(margin, 1 - margin, 2) * size_px).astype(np.float32)


def _start(rng: np.random.Generator, stock: Stock, size_px: int) -> Canvas:
    behind = background(rng, stock.pictures(), size_px)
    if rng.random() < 0.15:
        behind = cv2.GaussianBlur(behind, (0, 0), rng.uniform(0.01, 0.03) * size_px)
    return Canvas(np.asarray(behind, np.float32))


def _put(rng: np.random.Generator, canvas: Canvas, patch: Patch, owner: Owner | None, soft: float | None = None) -> None:
    """Paint a patch as it would stand there: lit, perhaps with a shadow, perhaps out of focus."""
    patch = lit(rng, patch, canvas.rgb.mean((0, 1)))
    sigma_px = soft if soft is not None else float(rng.choice([0.0, rng.uniform(0.003, 0.015)], p=[0.75, 0.25])) * canvas.size_px
    if sigma_px > 0.3:
        patch = blurred(patch, sigma_px)
    if rng.random() < 0.35:
        shift = rng.integers(-8, 9, 2) * canvas.size_px // 192
        canvas.darken(
            patch, (int(shift[0]), int(shift[1])), float(rng.uniform(0.006, 0.04) * canvas.size_px), rng.uniform(0.15, 0.6)
        )
    canvas.paint(patch, owner)


def _sprite(
    rng: np.random.Generator, stock: Stock, thing: Picture | None, extent: float, centre: Array, tilt: float = 30
) -> Patch:
    if thing is None and rng.random() < 0.08:
        return _blob(rng, stock, extent, centre)
    return placed_cutout(rng, stock.pictures(stock.thing(rng) if thing is None else thing), extent, centre, 0, tilt)


def _blob(rng: np.random.Generator, stock: Stock, extent: float, centre: Array) -> Patch:
    """A smooth random outline full of a photograph: what no network has a name for."""
    side = max(8, int(extent))
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radius = 1 + sum(rng.normal(0, 0.3 / n) * np.cos(n * angle + rng.uniform(0, 6.3)) for n in range(1, 7))
    points = np.stack([np.cos(angle), np.sin(angle) * rng.uniform(0.4, 1)], -1) * np.clip(radius, 0.2, 2)[:, None]
    points = (points - points.min(0)) / np.ptp(points, axis=0).max() * (side - 3) + 1
    alpha = cv2.fillPoly(np.zeros((side, side), np.float32), [np.round(points * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    texture = (
        cv2.resize(random_square(rng, stock.photos, 0.2, 0.9), (side, side), interpolation=cv2.INTER_AREA)[..., ::-1] / 255.0
    )
    rgba = np.dstack([texture * alpha[..., None], alpha]).astype(np.float32)
    low = np.floor(centre - side / 2).astype(int)
    return Patch(rgba, (int(low[1]), int(low[0])))


def _bystanders(rng: np.random.Generator, stock: Stock, canvas: Canvas, first: int, odds: tuple[float, ...]) -> None:
    for number in range(int(rng.choice(len(odds), p=odds))):
        patch = _sprite(rng, stock, None, _extent(rng, canvas.size_px) * 0.8, _place(rng, canvas.size_px, -0.1))
        _put(rng, canvas, patch, Owner(first + number, first + number))


def _in_front(rng: np.random.Generator, stock: Stock, canvas: Canvas) -> None:
    """Something before the things, mostly at the picture's side."""
    if rng.random() < 0.3:
        at = _place(rng, canvas.size_px, -0.15)
        _put(rng, canvas, _sprite(rng, stock, None, _extent(rng, canvas.size_px) * 0.7, at), None)


def _mark_limbs(rng: np.random.Generator, canvas: Canvas, patch: Patch, thing: int) -> None:
    for number, limb in enumerate(find_limbs(rng, patch.texture[..., 3], 5)):
        if limb.parent < 0:
            canvas.mark(patch.corner, limb.region, thing, number)


def _one(rng: np.random.Generator, stock: Stock, size_px: int) -> Composite | None:
    canvas = _start(rng, stock, size_px)
    _bystanders(rng, stock, canvas, 10, (0.35, 0.3, 0.2, 0.15))
    patch = _sprite(rng, stock, None, _extent(rng, size_px), _place(rng, size_px))
    _put(rng, canvas, patch, Owner(0, 0))
    if rng.random() < 0.5:
        _mark_limbs(rng, canvas, patch, 0)
    _in_front(rng, stock, canvas)
    return _taken(rng, canvas, 0, Kind.ONE)


def _alike(rng: np.random.Generator, stock: Stock, size_px: int) -> Composite | None:
    canvas, thing = _start(rng, stock, size_px), stock.thing(rng)
    _bystanders(rng, stock, canvas, 100, (0.6, 0.25, 0.15))
    count, extent = int(rng.integers(2, 8)), float(rng.uniform(0.16, 0.6) * size_px)
    spread, tilt = rng.uniform(0, 0.35), rng.uniform(5, 60)
    corners = rng.permutation(9)[:count]
    for number, cell in enumerate(corners):
        free = _place(rng, size_px)
        grid = np.array([cell % 3 + 0.5, cell // 3 + 0.5], np.float32) * size_px / 3
        centre = grid + rng.normal(0, spread * size_px / 3, 2) if rng.random() < 0.8 else free
        sprite = _sprite(rng, stock, thing, extent * rng.uniform(0.75, 1.25), centre.astype(np.float32), tilt)
        _put(rng, canvas, sprite, Owner(number, 0))
    _in_front(rng, stock, canvas)
    return _taken(rng, canvas, int(rng.integers(count)), Kind.ALIKE)


def _plant(rng: np.random.Generator, stock: Stock, size_px: int) -> Composite | None:
    canvas = _start(rng, stock, size_px)
    green = scene_green(rng, canvas.rgb)
    for layer in foliage(rng, stock.pictures(), size_px, green):
        canvas.paint(layer.patch, None)
    pictures = stock.pictures(stock.thing(rng))
    count = int(rng.choice([1, 2, 3, 4], p=[0.4, 0.3, 0.2, 0.1]))
    looks = random_looks(rng, pictures, np.clip(green * rng.uniform(0.8, 1.25, 3), 0.03, 0.95).astype(np.float32))
    lean = -np.pi / 2 + rng.normal(0, 0.5)
    for thing in range(count):
        length = _extent(rng, size_px) if count == 1 else size_px * rng.uniform(0.3, 0.9)
        root = _place(rng, size_px) + np.array([0, 0.3 * length], np.float32)
        grown = random_plant(rng, pictures, _varied(rng, looks), root, lean + rng.normal(0, 0.25), max(length, 20.0))
        _plant_parts(rng, canvas, grown, thing)
    _in_front(rng, stock, canvas)
    return _taken(rng, canvas, int(rng.integers(count)), Kind.PLANT)


def _varied(rng: np.random.Generator, looks: Looks) -> Looks:
    return looks if rng.random() < 0.7 else Looks(looks.stem, looks.leaf, looks.middle, looks.petal)


def _plant_parts(rng: np.random.Generator, canvas: Canvas, plant: Plant, thing: int) -> None:
    sigma_px = float(rng.choice([0.0, rng.uniform(0.003, 0.015) * canvas.size_px], p=[0.75, 0.25]))
    light = rng.uniform(0.7, 1.2)
    for patch, joint, _ in plant.parts:
        texture = patch.texture.copy()
        texture[..., :3] = np.clip(texture[..., :3] * light, 0, texture[..., 3:])
        part = Patch(texture, patch.corner)
        if rng.random() < 0.4:  # leaves throw shadows on those behind them
            canvas.darken(part, (1, 2), 0.012 * canvas.size_px, 0.35)
        canvas.paint(blurred(part, sigma_px) if sigma_px > 0.3 else part, Owner(thing, 0, 100 * thing + joint))


def _stalk(rng: np.random.Generator, stock: Stock, size_px: int) -> Composite | None:
    canvas, head = _start(rng, stock, size_px), stock.thing(rng)
    _bystanders(rng, stock, canvas, 100, (0.6, 0.4))
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))
    look = random_look(rng, stock.pictures(), rng.uniform(0.1, 0.8, 3).astype(np.float32), 0.2)
    for thing in range(count):
        extent = size_px * rng.uniform(0.12, 0.45)
        centre = _place(rng, size_px, 0.15)
        turn = np.pi / 2 + rng.normal(0, 0.5) if rng.random() < 0.8 else rng.uniform(0, 2 * np.pi)
        along = np.array([np.cos(turn), np.sin(turn)])
        across = np.array([-along[1], along[0]]) * rng.normal(0, 0.15)
        way = np.linspace(0, 1, 16)[:, None]
        path = centre + rng.uniform(0.5, 2.5) * extent * (way * along + way**2 * across)
        width = size_px * rng.uniform(0.008, 0.035)
        sigma_px = float(rng.choice([0.0, rng.uniform(0.003, 0.012)], p=[0.75, 0.25])) * size_px
        _put(
            rng,
            canvas,
            strip(rng, look, path.astype(np.float32), width, width * rng.uniform(0.6, 1.4)),
            Owner(thing, 0),
            sigma_px,
        )
        sprite = _sprite(rng, stock, head, extent, centre, 40)
        _put(rng, canvas, sprite, Owner(thing, 0, thing), sigma_px)
    _in_front(rng, stock, canvas)
    return _taken(rng, canvas, int(rng.integers(count)), Kind.STALK)


def _photo(rng: np.random.Generator, stock: Stock, size_px: int) -> Composite | None:
    picture = stock.masked[rng.integers(len(stock.masked))]
    mask = picture[..., 3] > 127
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    height, width = mask.shape
    least = 0.5 * float(max(np.ptp(rows), np.ptp(columns))) + 1
    side = int(rng.uniform(min(least, min(height, width) - 1), min(height, width)))
    middle = rows[rng.integers(len(rows))], columns[rng.integers(len(columns))]
    top, left = (
        int(np.clip(at - rng.uniform(0.2, 0.8) * side, 0, limit - side)) for at, limit in zip(middle, mask.shape, strict=True)
    )
    crop = picture[top : top + side, left : left + side]
    crop = cv2.resize(crop[:, ::-1] if rng.random() < 0.5 else crop, (size_px, size_px), interpolation=cv2.INTER_AREA)
    canvas = Canvas(np.ascontiguousarray(crop[..., 2::-1], np.float32) / 255)
    seen = np.ascontiguousarray(crop[..., 3], np.float32) / 255
    canvas.seen[0], canvas.kinds[0], canvas.whole_px[0] = seen, 0, float(seen.sum())
    found = _taken(rng, canvas, 0, Kind.PHOTO)
    return None if found is None else Composite(found.rgb, found.thing, None, found.parts, found.kind)


def _taken(rng: np.random.Generator, canvas: Canvas, wanted: int, kind: Kind) -> Composite | None:
    """The picture of a canvas with this thing asked for, or None where too little of it can be seen."""
    thing = canvas.seen[wanted]
    seen_px, all_px = float(thing.sum()), canvas.size_px**2
    least_px = LEAST_SEEN_PX * (canvas.size_px / 192) ** 2
    if not max(least_px, LEAST_SEEN_SHARE * min(canvas.whole_px[wanted], all_px)) < seen_px < MOST_OF_PICTURE * all_px:
        return None
    if thing.max() < 0.9:
        return None
    same = [seen for number, seen in canvas.seen.items() if canvas.kinds[number] == canvas.kinds[wanted]]
    group = np.clip(np.sum(same, axis=0), 0, 1).astype(np.float32)
    parts = np.where(thing > _SURE, canvas.parts, -1).astype(np.int32)
    return Composite(photographed(rng, canvas.rgb), np.clip(thing, 0, 1), group, parts, kind)


_MAKERS: dict[Kind, Callable[[np.random.Generator, Stock, int], Composite | None]] = {
    Kind.ONE: _one,
    Kind.ALIKE: _alike,
    Kind.PLANT: _plant,
    Kind.STALK: _stalk,
    Kind.PHOTO: _photo,
}
