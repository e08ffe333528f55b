"""The named recipes of procedural scenes.

A recipe that has been released is pinned: the same name, seed and number stand for the same clip for ever.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..pictures import ALL_SUBJECTS, PHOTO_SUBJECTS, Pictures
from .animated import animated_scene
from .foliage import plants_scene, stems_scene
from .garden import garden_scene
from .joined import joined_scene
from .objects import objects_scene
from .scenes import Scene
from .things import things_scene

GARDEN, PLANTS, OBJECTS, STEMS = "garden", "plants", "objects", "stems"
THINGS, JOINED, ANIMATED = "things", "joined", "animated"
RECIPES: dict[str, Callable[[np.random.Generator, Pictures, int, int], Scene]] = {
    GARDEN: garden_scene,
    PLANTS: plants_scene,
    OBJECTS: objects_scene,
    STEMS: stems_scene,
    THINGS: things_scene,
    JOINED: joined_scene,
    ANIMATED: animated_scene,
}


def scene_of(recipe: str, seed: int, index: int, pictures: Pictures, size_px: int, frames: int) -> Scene:
    """Scene `index` of the endless sequence that a recipe and a seed stand for."""
    return RECIPES[recipe](np.random.default_rng([seed, index]), pictures, size_px, frames)


def subjects_of(recipe: str) -> tuple[str, ...]:
    """The subjects of cut-outs that a recipe draws from."""
    return ALL_SUBJECTS if recipe in (THINGS, JOINED, ANIMATED) else PHOTO_SUBJECTS
