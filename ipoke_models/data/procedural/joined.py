"""The recipe `joined`: things that are made of several, and move as one elastic body.

A thing on a stem, a thing that hangs on a cord, and two things that touch. Thin parts carry thick and heavy ones, which lag
behind and swing on.
"""

from __future__ import annotations

import numpy as np

from ..pictures import Pictures
from .elastic import Places
from .motion import Array
from .objects import middle
from .painting import placed_cutout, random_look, strip
from .puppets import still_puppet
from .scenes import Layer, Patch, Scene, merged
from .swinging import Held, swinging
from .things import scene_around

LEAST_WIDTH_PX = 1.3
_AS_BUILT = 0.85
"""How often what seems to carry a thing holds it."""


def joined_scene(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int) -> Scene:
    """A scene around things that are joined."""

    def draw(green: Array, cutout: int | None) -> Layer:
        kind = rng.random()
        if kind < 0.35:
            patch, held = _on_stem(rng, pictures, size_px, green, cutout), Held.GROUND
        elif kind < 0.7:
            patch, held = _hanging(rng, pictures, size_px, cutout), Held.TOP
        else:
            return swinging(rng, _pair(rng, pictures, size_px, cutout), size_px, frames)
        return swinging(rng, patch, size_px, frames, held if rng.random() < _AS_BUILT else None)

    return scene_around(rng, pictures, size_px, frames, draw)


def _on_stem(rng: np.random.Generator, pictures: Pictures, size_px: int, green: Array, cutout: int | None) -> Patch:
    root = rng.uniform([0.2, 0.8], [0.8, 1.15]) * size_px
    lean = rng.normal(0, 0.3)
    top = root + rng.uniform(0.35, 0.8) * size_px * np.array([np.sin(lean), -np.cos(lean)])
    colour = green.astype(np.float64) if rng.random() < 0.6 else rng.uniform(0.05, 0.95, 3)
    width = rng.uniform(0.02, 0.07) * size_px
    stem = _strip(rng, pictures, colour, [root, top], width, width * rng.uniform(0.4, 1.1), rng.normal(0, 0.12))
    return merged([stem, _thing(rng, pictures, rng.uniform(0.2, 0.55) * size_px, top, cutout)])


def _hanging(rng: np.random.Generator, pictures: Pictures, size_px: int, cutout: int | None) -> Patch:
    hook = rng.uniform([0.2, -0.15], [0.8, 0.25]) * size_px
    extent = rng.uniform(0.25, 0.6) * size_px
    end = hook + np.array([rng.normal(0, 0.05), rng.uniform(0.2, 0.6)]) * size_px
    width = rng.uniform(0.015, 0.04) * size_px
    centre = end + np.array([0, 0.35 * extent])
    cord = _strip(rng, pictures, rng.uniform(0.05, 0.95, 3), [hook, centre], width, width, rng.normal(0, 0.03))
    return merged([cord, _thing(rng, pictures, extent, centre, cutout)])


def _pair(rng: np.random.Generator, pictures: Pictures, size_px: int, cutout: int | None) -> Patch:
    """Two things, the second one somewhere on the first, before or behind it."""
    first = _thing(rng, pictures, rng.uniform(0.35, 0.75) * size_px, middle(rng, size_px, 0.2), cutout)
    rows, columns = np.nonzero(first.texture[..., 3] > 0.5)
    place = rng.integers(len(rows)) if len(rows) else 0
    corner = np.array(first.corner[::-1], np.float32)
    centre = corner + (np.array([columns[place], rows[place]]) if len(rows) else 0)
    second = _thing(rng, pictures, rng.uniform(0.25, 0.6) * size_px, centre, None)
    return merged([first, second] if rng.random() < 0.5 else [second, first])


def _thing(rng: np.random.Generator, pictures: Pictures, extent: float, centre: Array, cutout: int | None) -> Patch:
    if pictures.cutouts:
        return placed_cutout(rng, pictures, extent, centre, cutout)
    return still_puppet(rng, pictures, round(extent), extent, centre).patch


def _strip(
    rng: np.random.Generator, pictures: Pictures, colour: Places, ends: list[Places], first: float, last: float, bow: float
) -> Patch:
    """A strip between two ends, `bow` of its length off the straight line in its middle."""
    start, end = ends
    along = np.linspace(0, 1, 12)[:, None]
    across = np.array([start[1] - end[1], end[0] - start[0]])
    path = start + along * (end - start) + 4 * bow * along * (1 - along) * across
    look = random_look(rng, pictures, colour.astype(np.float32), 0.2)
    return strip(rng, look, path.astype(np.float32), max(first, LEAST_WIDTH_PX), max(last, LEAST_WIDTH_PX))
