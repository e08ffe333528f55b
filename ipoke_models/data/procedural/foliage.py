"""The recipes `plants` and `stems`: one plant moves, among others of nearly the same colours that stand still.

Most scenes are full of foliage, plants grow from any side and may be larger than the picture: what a poke must move is the
one plant it touches, all of it, and nothing beside or behind it. In `stems` leaves are light, there is no wind, and pokes
are on what they move: a poked leaf hardly moves its stem, a poked stem carries all that grows on it.
"""

from __future__ import annotations

import numpy as np

from ..pictures import Pictures
from .garden import background
from .motion import Array
from .painting import leaf, random_look
from .plants import Plant, random_looks, random_plant
from .scenes import Layer, Scene, lively, merged

TRIES = 6


def plants_scene(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int, light: bool = False) -> Scene:
    """Background, still foliage behind, the moving plant with `light` leaves or not, and sometimes still foliage before it."""
    behind = background(rng, pictures, size_px)
    green = scene_green(rng, behind)
    layers = foliage(rng, pictures, size_px, green)
    layers += [still_plant(rng, pictures, size_px, green) for _ in range(rng.choice([0, 1, 2, 3], p=[0.25, 0.3, 0.3, 0.15]))]
    layers += moving_plant(rng, pictures, size_px, frames, green, light)
    if rng.random() < 0.3:
        layers.append(still_plant(rng, pictures, size_px, green, before=True))
    return Scene(behind, tuple(layers))


def stems_scene(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int) -> Scene:
    """As `plants_scene`, with light leaves."""
    return plants_scene(rng, pictures, size_px, frames, light=True)


def scene_green(rng: np.random.Generator, behind: Array) -> Array:
    """The colour that a scene's foliage varies around: green, the background's own, or any."""
    draw = rng.random()
    if draw < 0.35:
        return np.asarray(np.clip(behind.mean((0, 1)) * rng.uniform(0.7, 1.4), 0.08, 0.9), np.float32)
    if draw < 0.9:
        return rng.uniform([0.1, 0.28, 0.05], [0.5, 0.7, 0.35]).astype(np.float32)
    return rng.uniform(0.1, 0.9, 3).astype(np.float32)


def foliage(rng: np.random.Generator, pictures: Pictures, size_px: int, green: Array) -> list[Layer]:
    """A thicket of leaves that stands still, as one layer; nothing in two scenes of five."""
    if rng.random() < 0.4:
        return []
    looks = [random_look(rng, pictures, green * rng.uniform(0.6, 1.2), 0.3) for _ in range(2)]
    low = rng.choice([0.0, rng.uniform(0.2, 0.8)])
    reach, slender = rng.uniform(0.15, 0.4) * size_px, rng.uniform(0.1, 0.35)
    upright = rng.random() < 0.5
    patches = []
    for _ in range(int(rng.integers(8, 30))):
        place = rng.uniform([-0.1, low], [1.1, 1.1]) * size_px
        angle = rng.normal(-np.pi / 2, 0.5) if upright else rng.uniform(0, 2 * np.pi)
        look = looks[rng.integers(len(looks))]
        patches.append(leaf(rng, look, place.astype(np.float32), angle, reach * rng.uniform(0.6, 1.3), slender))
    return [Layer(merged(patches))]


def moving_plant(
    rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int, green: Array, light: bool = False
) -> list[Layer]:
    """A plant that is poked, of any size up to larger than the picture, its leaves `light` or not."""
    for _ in range(TRIES):
        length = size_px * rng.choice([rng.uniform(0.4, 0.8), rng.uniform(0.7, 1.4)], p=[0.6, 0.4])
        root, lean = _rooted(rng, size_px, length, rng.uniform(0.2, 0.8))
        layers = _plant(rng, pictures, green, root, lean, length).moving(rng, size_px, frames, light)
        if lively(layers, size_px, frames):
            break
    return layers


def still_plant(rng: np.random.Generator, pictures: Pictures, size_px: int, green: Array, before: bool = False) -> Layer:
    """A plant that stands still, anywhere; one `before` the moving plant keeps to the picture's sides or is low."""
    length = size_px * rng.uniform(0.3, 0.7 if before else 1.0)
    along = rng.choice([rng.uniform(-0.05, 0.2), rng.uniform(0.8, 1.05)]) if before else rng.uniform(-0.05, 1.05)
    root, lean = _rooted(rng, size_px, length, float(along))
    return _plant(rng, pictures, green, root, lean, length).still()


def _plant(rng: np.random.Generator, pictures: Pictures, green: Array, root: Array, lean: float, length: float) -> Plant:
    looks = random_looks(rng, pictures, np.clip(green * rng.uniform(0.8, 1.25, 3), 0.03, 0.95).astype(np.float32))
    return random_plant(rng, pictures, looks, root, lean, length)


def _rooted(rng: np.random.Generator, size_px: int, length: float, along: float) -> tuple[Array, float]:
    """A root near one side of the picture, mostly the lower one, and the direction inwards."""
    side = rng.choice(4, p=[0.7, 0.12, 0.09, 0.09])  # below, above, left, right
    depth = rng.uniform(0.85, 1.1) if length > 0.6 * size_px else rng.uniform(0.6, 1.05)
    place = {0: (along, depth), 1: (along, 1 - depth), 2: (1 - depth, along), 3: (depth, along)}[int(side)]
    inwards = {0: -np.pi / 2, 1: np.pi / 2, 2: 0.0, 3: np.pi}[int(side)]
    return np.array(place, np.float32) * size_px, inwards + rng.uniform(-0.4, 0.4)
