"""The recipe `things`: a whole thing, held somewhere or nowhere, answers a pull as one elastic body over time.

Any cut-out, a puppet or a plant, alone or among still things. What its silhouette says about it, its thick and thin parts,
its ends and its narrow places, is all that there is to know before the poke; the rest is drawn anew (`swinging.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..pictures import Pictures
from .foliage import TRIES, scene_green, still_plant
from .garden import background
from .motion import Array
from .objects import bystander, middle
from .painting import placed_cutout
from .puppets import still_puppet
from .scenes import Layer, Patch, Scene, lively
from .swinging import swinging


def things_scene(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int) -> Scene:
    """Background, still things, the one that moves, and sometimes a still one before it."""

    def draw(green: Array, cutout: int | None) -> Layer:
        return swinging_thing(rng, pictures, size_px, frames, green, cutout)

    return scene_around(rng, pictures, size_px, frames, draw)


def scene_around(
    rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int, draw: Callable[[Array, int | None], Layer]
) -> Scene:
    """A scene around a thing that is drawn, of a green and a cut-out's number, until enough of it moves."""
    behind = background(rng, pictures, size_px)
    green = scene_green(rng, behind)
    cutout = int(rng.integers(len(pictures.cutouts))) if pictures.cutouts else None
    count = int(rng.choice([0, 1, 2], p=[0.5, 0.3, 0.2]))
    layers = [bystander(rng, pictures, size_px, green, cutout) for _ in range(count)]
    for _ in range(TRIES):
        moving = draw(green, cutout)
        if lively([moving], size_px, frames):
            break
    before = [bystander(rng, pictures, size_px, green, cutout, before=True)] if rng.random() < 0.15 else []
    return Scene(behind, (*layers, moving, *before))


def swinging_thing(
    rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int, green: Array, cutout: int | None
) -> Layer:
    """A cut-out, a figure or a plant that answers a pull."""
    return swinging(rng, _looks(rng, pictures, size_px, green, cutout), size_px, frames)


def _looks(rng: np.random.Generator, pictures: Pictures, size_px: int, green: Array, cutout: int | None) -> Patch:
    draw = rng.random() if pictures.cutouts else rng.uniform(0.8, 1)
    extent = size_px * rng.choice([rng.uniform(0.45, 0.9), rng.uniform(0.9, 1.6)], p=[0.75, 0.25])
    if draw < 0.8:
        tilt = 20 if rng.random() < 0.85 else 180
        return placed_cutout(rng, pictures, extent, middle(rng, size_px, 0.2), cutout, tilt)
    if draw < 0.9:
        return still_puppet(rng, pictures, size_px, extent, middle(rng, size_px, 0.15)).patch
    return still_plant(rng, pictures, size_px, green).patch
