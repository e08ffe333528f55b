"""The recipe `objects`: one thing of any kind moves, all of it, among others that stand still.

Cut-outs with limbs, puppets, cloth and plants, up to larger than the picture; neighbours may look like the poked thing
(the same cut-out, the same greens), stand before or behind it, and never move.
"""

from __future__ import annotations

import numpy as np

from ..pictures import Pictures
from .cloth import moving_cloth
from .cutouts import moving_cutout
from .foliage import TRIES, foliage, moving_plant, scene_green, still_plant
from .garden import background
from .motion import Array
from .painting import placed_cutout
from .puppets import puppet, still_puppet
from .scenes import Layer, Scene, lively


def objects_scene(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int) -> Scene:
    """Background, still things, the moving one, and sometimes a still one before it."""
    behind = background(rng, pictures, size_px)
    green = scene_green(rng, behind)
    cutout = int(rng.integers(len(pictures.cutouts))) if pictures.cutouts else None
    count = int(rng.choice([0, 1, 2, 3], p=[0.3, 0.35, 0.2, 0.15]))
    layers = foliage(rng, pictures, size_px, green) if rng.random() < 0.2 else []
    layers += [bystander(rng, pictures, size_px, green, cutout) for _ in range(count)]
    layers += _moving(rng, pictures, size_px, frames, green, cutout)
    if rng.random() < 0.25:
        layers.append(bystander(rng, pictures, size_px, green, cutout, before=True))
    return Scene(behind, tuple(layers))


def _moving(
    rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int, green: Array, cutout: int | None
) -> list[Layer]:
    shares = [0.58, 0.14, 0.1, 0.18] if pictures.cutouts else [0.0, 0.4, 0.2, 0.4]
    kind = rng.choice(["cutout", "puppet", "cloth", "plant"], p=shares)
    if kind == "plant":
        return moving_plant(rng, pictures, size_px, frames, green)
    for _ in range(TRIES):
        if kind == "cloth":
            layers = moving_cloth(rng, pictures, size_px, frames)
        elif kind == "puppet":
            height = size_px * rng.choice([rng.uniform(0.55, 0.95), rng.uniform(0.95, 1.5)], p=[0.75, 0.25])
            layers = puppet(rng, pictures, size_px, frames, height, middle(rng, size_px, 0.15))
        else:
            extent = size_px * rng.choice([rng.uniform(0.4, 0.9), rng.uniform(0.9, 1.7)], p=[0.65, 0.35])
            patch = placed_cutout(rng, pictures, extent, middle(rng, size_px, 0.2), cutout)
            layers = moving_cutout(rng, patch, size_px, frames)
        if lively(layers, size_px, frames):
            break
    return layers


def bystander(
    rng: np.random.Generator, pictures: Pictures, size_px: int, green: Array, cutout: int | None, before: bool = False
) -> Layer:
    """Something that stands still; one `before` the moving thing keeps to the picture's sides."""
    draw = rng.random()
    side = rng.choice([rng.uniform(0, 0.15), rng.uniform(0.85, 1.0)]) if before else rng.uniform(0, 1)
    centre = np.array([side, rng.uniform(0.2, 0.95)], np.float32) * size_px
    if pictures.cutouts and draw < 0.65:
        number = cutout if rng.random() < 0.3 else None
        return Layer(placed_cutout(rng, pictures, rng.uniform(0.3, 0.8) * size_px, centre, number))
    if draw < 0.75:
        return still_puppet(rng, pictures, size_px, rng.uniform(0.4, 0.9) * size_px, centre)
    return still_plant(rng, pictures, size_px, green, before)


def middle(rng: np.random.Generator, size_px: int, spread: float) -> Array:
    """A place (2,) px near the picture's middle, at most `spread` of its side away."""
    return ((0.5 + rng.uniform(-spread, spread, 2)) * size_px).astype(np.float32)
