"""Things that answer a pull as one elastic body: many answers to one poke, since where it is held, which part gives way, how
stiff, how heavy and how damped it is are drawn anew for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_body.mesh import NOWHERE, Indices
from ipoke_body.solver import Edges

from .elastic import SUBSTEPS, Force, Handle, Nature, Places, Tissue, Weights, swing
from .meshed import Meshed
from .motion import Chain
from .scenes import Layer, Patch

TRIES = 4
LEAST_VERTICES, MOST_VERTICES = 40, 75
MOST_TORN = 0.05
_LONGEST_PULL = 0.75  # of the way along the thing from what holds it


class Held(Enum):
    """What holds a thing."""

    GROUND = "ground"
    TOP = "top"
    HINGE = "hinge"
    TRUNK = "trunk"
    PINS = "pins"
    BORDER = "border"
    NOTHING = "nothing"


_HELD = {Held.GROUND: 0.32, Held.TOP: 0.12, Held.HINGE: 0.12, Held.TRUNK: 0.14, Held.PINS: 0.14, Held.NOTHING: 0.16}
_KEPT_AT_BORDER = 0.7


def swinging(rng: np.random.Generator, patch: Patch, size_px: int, frames: int, kind: Held | None = None) -> Layer:
    """A layer of a thing that is held somewhere, pulled elsewhere, and swings; `kind` says what holds it, or the draw does."""
    thing = _Thing.of(rng, patch)
    kind = kind or _what_holds(rng, thing, size_px)
    held = _held(rng, thing, kind, size_px)
    for number in range(TRIES):
        poses, tail = _pulled(rng, thing, held, kind, size_px, frames, 0.6**number)
        if thing.meshed.torn(poses) < MOST_TORN:
            break
    height = rng.choice([-1.0, 1.0]) * thing.ways([tail])
    return Layer(thing.meshed.patch, Chain((thing.meshed.motion(poses, height, size_px),)), touched=True)


@dataclass(frozen=True)
class _Thing:
    """A thing of F triangles: the middle of each one's pixels is one of its `places` (F, 2), made of vertices by `rows` (F, V);
    its pixels' thickness is `thick` (F,) px."""

    meshed: Meshed
    tissue: Tissue
    places: Places
    rows: Weights
    thick: Weights

    @classmethod
    def of(cls, rng: np.random.Generator, patch: Patch) -> _Thing:
        meshed = Meshed.of(patch, int(rng.integers(LEAST_VERTICES, MOST_VERTICES)))
        thick = _thickness(meshed)
        stiffness = np.clip(thick / np.median(thick), 0.05, 4) ** rng.uniform(0.3, 2.0)
        edges = Edges.of(meshed.mesh.triangles, stiffness * _weak_spots(rng, meshed, thick))
        places, rows = meshed.middles()
        return cls(meshed, Tissue(meshed.vertices, edges, _masses(rng, meshed)), places, rows, thick)

    @property
    def size_px(self) -> float:
        """The longer side of the box around it."""
        return float(np.ptp(self.places, axis=0).max()) + 1

    def ways(self, starts: list[int] | Indices) -> Weights:
        """(F,): how far it is to each place along the thing from the nearest of these places; twice its size without any."""
        far = np.full(len(self.tissue.rest), 2 * self.size_px)
        for start in starts:
            corners = self.meshed.mesh.triangles[start]
            far[corners] = np.minimum(far[corners], np.hypot(*(self.tissue.rest[corners] - self.places[start]).T))
        edges = self.tissue.edges
        lengths = np.abs(self.tissue.sides)
        while True:
            nearer = np.minimum(far, np.minimum.reduceat(far[edges.other] + lengths, edges.starts))
            if np.array_equal(nearer, far):
                return np.asarray(self.rows @ far)
            far = nearer

    def near(self, place: int, distance: float) -> NDArray[np.bool_]:
        """Which places (F,) are no farther than that from one of them, which is among them."""
        return np.asarray(np.hypot(*(self.places - self.places[place]).T) <= distance)


def _thickness(meshed: Meshed) -> Weights:
    """(F,): how wide the thing is at each triangle, in px: the widest disc that holds its pixels and lies in the thing."""
    on = (meshed.owner != NOWHERE).astype(np.uint8)
    wide, radius = on.astype(np.float32), 1
    while (opened := cv2.morphologyEx(on, cv2.MORPH_OPEN, _disc(radius))).any() and radius < max(on.shape) / 2:
        wide[opened > 0] = 2 * radius + 1
        radius = max(radius + 1, int(1.3 * radius))
    owner, count = meshed.owner[on > 0], len(meshed.mesh.triangles)
    return np.asarray(np.bincount(owner, wide[on > 0], count) / np.maximum(np.bincount(owner, minlength=count), 1)).clip(1)


def _disc(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)


def _weak_spots(rng: np.random.Generator, meshed: Meshed, thick: Weights) -> Weights:
    """(F,): factor of the stiffness; some things give way at a few places only, as if there were joints."""
    centres = meshed.vertices[meshed.mesh.triangles].mean(1)
    factor = np.ones(len(centres))
    if rng.random() < 0.45:
        for spot in rng.integers(len(centres), size=int(rng.integers(1, 4))):
            near = np.hypot(*(centres - centres[spot]).T) < rng.uniform(0.6, 1.2) * thick[spot] + 1
            factor[near] *= rng.uniform(0.03, 0.2)
    return factor


def _at_corners(meshed: Meshed, values: NDArray[np.generic]) -> Weights:
    """Values (F,) of triangles, averaged at the vertices (V,)."""
    corners = meshed.mesh.triangles.reshape(-1)
    sums, counts = np.bincount(corners, np.repeat(values, 3)), np.bincount(corners)
    return np.asarray(sums / counts)


def _masses(rng: np.random.Generator, meshed: Meshed) -> Weights:
    """(V,): of its pixels each; one part may be several times as heavy as the rest."""
    count = len(meshed.vertices)
    areas = np.bincount(meshed.owner[meshed.owner != NOWHERE], minlength=len(meshed.mesh.triangles))
    mass = _at_corners(meshed, areas)
    if rng.random() < 0.5:
        away = np.hypot(*(meshed.vertices - meshed.vertices[rng.integers(count)]).T)
        spread = rng.uniform(0.15, 0.4) * np.ptp(meshed.vertices, axis=0).max()
        mass = mass * (1 + rng.uniform(1, 6) * np.exp(-((away / spread) ** 2)))
    mass = np.maximum(mass, 0.05 * mass.mean())
    return np.asarray(mass / mass.mean())


def _what_holds(rng: np.random.Generator, thing: _Thing, size_px: int) -> Held:
    if _beyond(thing, size_px).any() and rng.random() < _KEPT_AT_BORDER:
        return Held.BORDER
    kinds = list(_HELD)
    return kinds[int(rng.choice(len(kinds), p=list(_HELD.values())))]


def _beyond(thing: _Thing, size_px: int) -> NDArray[np.bool_]:
    return np.asarray(((thing.places < 0.5) | (thing.places > size_px - 1.5)).any(axis=1))


def _held(rng: np.random.Generator, thing: _Thing, kind: Held, size_px: int) -> NDArray[np.bool_]:
    """Which places (F,) are held."""
    count = len(thing.places)
    x, y = thing.places.T
    share = rng.uniform(0.03, 0.2) * np.ptp(y)
    held = np.zeros(count, bool)
    if kind is Held.GROUND:
        held = y >= y.max() - share
    elif kind is Held.TOP:
        held = y <= y.min() + share
        if rng.random() < 0.5:
            held &= np.abs(x - x[np.argmin(y)]) < 0.12 * thing.size_px
    elif kind is Held.HINGE:
        ends = [np.argmin(y), np.argmax(y), np.argmin(x), np.argmax(x), rng.integers(count)]
        held[ends[int(rng.choice(5, p=[0.35, 0.2, 0.15, 0.15, 0.15]))]] = True
    elif kind is Held.TRUNK:
        centre = int(np.argmax(thing.thick * rng.uniform(0.9, 1.0, count)))
        held = thing.near(centre, rng.uniform(0.35, 0.7) * thing.thick[centre])
    elif kind is Held.PINS:
        for spot in rng.integers(count, size=int(rng.integers(1, 4))):
            held |= thing.near(int(spot), rng.uniform(0.04, 0.15) * thing.size_px)
    elif kind is Held.BORDER:
        held = _beyond(thing, size_px)
    return held


def _pulled(
    rng: np.random.Generator,
    thing: _Thing,
    held: NDArray[np.bool_],
    kind: Held,
    size_px: int,
    frames: int,
    shrunk: float,
) -> tuple[NDArray[np.float64], int]:
    """Poses (T, V, 2), and the place that was pulled."""
    nearest = thing.ways(np.flatnonzero(held))
    tail = _tail(rng, thing, nearest, size_px)
    pull = shrunk * _pull(rng, thing, nearest, held, tail, size_px)
    grip = rng.choice([0.0, rng.uniform(0.03, 0.2)], p=[0.25, 0.75]) * thing.size_px
    period = float(np.exp(rng.uniform(np.log(2.5), np.log(30))))
    loose = kind is Held.NOTHING
    path, stiffness = _course(rng, frames, may_let_go=not loose)
    handle = Handle(thing.rows[thing.near(tail, grip)].mean(0), path[:, None] * pull, stiffness)
    rest_pull = 0.0
    if kind in (Held.HINGE, Held.TOP) and rng.random() < 0.6:
        rest_pull = float(rng.uniform(0.1, 0.6))
    friction = float(np.exp(rng.uniform(np.log(0.03), np.log(0.6)))) + (rng.uniform(0.1, 1.0) if loose else 0.0)
    force = _wind(rng, thing, frames) if not loose and rng.random() < 0.25 else None
    return swing(thing.tissue, thing.rows[held], handle, Nature(period, friction, rest_pull), frames, force), tail


def _tail(rng: np.random.Generator, thing: _Thing, nearest: Weights, size_px: int) -> int:
    """A place inside the picture, mostly far from what is held."""
    inside = ((thing.places > 1) & (thing.places < size_px - 2)).all(1)
    far = np.where(nearest < 1.5 * thing.size_px, nearest / thing.size_px, 1.0)
    odds = np.where(inside, 1.0, 1e-6) * np.maximum(far, 1e-3) ** rng.uniform(0.5, 3)
    return int(rng.choice(len(odds), p=odds / odds.sum()))


def _pull(rng: np.random.Generator, thing: _Thing, nearest: Weights, held: NDArray[np.bool_], tail: int, size_px: int) -> Places:
    """(2,) px: how far the tail is pulled; hardly away from what holds it, which things would not follow."""
    angle = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(angle), np.sin(angle)])
    size = (0.04 + rng.gamma(2.0, 0.07)) * size_px
    if not held.any():
        return np.asarray(way * size)
    outwards = thing.places[tail] - thing.places[held].mean(0)
    outwards = outwards / (np.linalg.norm(outwards) + 1e-6)
    along = float(way @ outwards)
    way = way - outwards * along * (0.85 if along > 0 else rng.uniform(0, 0.7))
    return np.asarray(way / (np.linalg.norm(way) + 1e-6) * min(size, _LONGEST_PULL * float(nearest[tail])))


def _course(rng: np.random.Generator, frames: int, may_let_go: bool) -> tuple[Weights, Weights]:
    """How far along its pull the tail is drawn, and how hard, at each substep (T * SUBSTEPS,)."""
    time = np.arange(1, frames * SUBSTEPS + 1) / (frames * SUBSTEPS)
    draw = rng.random()
    arrives = rng.uniform(0.15, 0.6) if draw < 0.35 else rng.uniform(0.6, 1.0)
    along = np.clip(time / arrives, 0, 1)
    eased = along * along * (3 - 2 * along)
    path = eased if rng.random() < 0.7 else along ** rng.uniform(0.5, 1.5)
    hard = 1.0 if rng.random() < 0.7 else float(np.exp(rng.uniform(np.log(0.002), np.log(0.1))))
    stiffness = np.full(len(time), hard)
    if may_let_go and draw < 0.2:
        stiffness[time > arrives + rng.uniform(0, 0.2)] = 0
    return path, stiffness


def _wind(rng: np.random.Generator, thing: _Thing, frames: int) -> Force:
    """Gusts that set in at some time and run over the thing; what is thin takes more of them."""
    angle = rng.normal(0, 0.4) + rng.choice([0, np.pi])
    way = np.array([np.cos(angle), np.sin(angle)])
    begins, speed = rng.uniform(0, 0.5) * frames, rng.uniform(0.5, 3.0) * frames
    waves = rng.uniform(0.5, 2.5, 3) * 2 * np.pi / frames
    phases = rng.uniform(0, 2 * np.pi, 3)
    thick = _at_corners(thing.meshed, thing.thick)
    size = rng.uniform(0.02, 0.12) * thing.size_px * np.clip(np.median(thick) / thick, 0.3, 3)
    along = thing.tissue.rest @ way
    late = (along - along.min()) / thing.size_px * frames / speed

    def force(substep: int) -> Places:
        time = substep / SUBSTEPS - begins - late
        gust = 0.4 + 0.6 * np.sin(waves * time[:, None] + phases).mean(1)
        return np.asarray((size * gust * np.clip(time / 2, 0, 1))[:, None] * way)

    return force
