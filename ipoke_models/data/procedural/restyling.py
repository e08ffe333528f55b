"""Copies of cut-outs in other colours and with photographs' textures, so that a model can't learn the pictures by heart."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pictures import random_square, shrink

SIDE_PX = 160
"""Longest side of a copy: enough for models of 64 px, and many fit into memory."""

_LUMA = np.array([0.114, 0.587, 0.299], np.float32)


def restyled(cutouts: Sequence[NDArray[np.uint8]], photos: Sequence[NDArray[np.uint8]], copies: int) -> list[NDArray[np.uint8]]:
    """`copies` of each cut-out (H, W, 4) BGRA with new colours, most of them with a piece of a photograph (H, W, 3) on them."""
    rng = np.random.default_rng(0)
    return [_restyle(rng, cutout, photos) for cutout in cutouts for _ in range(copies)]


def _restyle(rng: np.random.Generator, cutout: NDArray[np.uint8], photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    small = shrink(cutout, SIDE_PX)
    colour = small[..., :3].astype(np.float32) / 255
    if photos and rng.random() < 0.75:
        piece = cv2.resize(random_square(rng, photos, 0.2, 0.8), small.shape[1::-1], interpolation=cv2.INTER_AREA)
        share = rng.uniform(0.2, 1.0)
        colour = (1 - share) * colour + share * (piece.astype(np.float32) / 255)
    return np.dstack((_recoloured(rng, colour), small[..., 3]))


def _recoloured(rng: np.random.Generator, colour: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn the hue anywhere, change saturation, contrast and brightness; one in eight has its light and dark exchanged."""
    luma = (colour @ _LUMA)[..., None]
    turn = rng.uniform(0, 2 * np.pi)
    axis = np.full(3, 3**-0.5)
    cross = np.cross(np.eye(3), axis)
    rotation = np.cos(turn) * np.eye(3) + np.sin(turn) * cross + (1 - np.cos(turn)) * np.outer(axis, axis)
    chroma = (colour - luma) @ rotation.astype(np.float32) * rng.uniform(0.3, 1.5)
    middle = float(luma.mean())
    contrast = rng.uniform(0.5, 1.3) * (-1 if rng.random() < 0.125 else 1)
    mixed = (luma - middle) * contrast + np.clip(middle + rng.normal(0, 0.2), 0.15, 0.85) + chroma
    return np.asarray(np.clip(mixed, 0, 1) * 255 + 0.5, np.uint8)
