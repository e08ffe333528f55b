"""The recipe `animated`: cut-outs that move as the frames of an animation do, whose flow was estimated and looked at.

What is read of an animation is its motion alone: the flow within its alpha, where there and back agree, fitted to a mesh over the
first frame. The clip shows the first frame on the moved mesh, so that its flow is exact whatever the estimate was worth.
Animations whose motion can't be read, or would tear the mesh, are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pictures import Pictures, read_bgr
from .elastic import Tissue
from .meshed import Meshed
from .motion import Array, Chain, length
from .objects import middle
from .scenes import Layer, Patch, Scene
from .swinging import MOST_TORN
from .things import scene_around, swinging_thing

SIDE_PX = 128
"""At which flow is estimated."""
LEAST_AGREEING = 0.85
"""Share of the thing whose flow there and back agrees, at every time, for a motion to be believed."""
_TRIES = 8
_APART_PX = 1.0
_VERTICES = 80
_SMOOTHING = 0.05  # weight of an edge beside that of a triangle's flow
_BLUR_PX = 5
_EXAGGERATED = 0.8, 1.8


def animated_scene(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int) -> Scene:
    """A scene around a cut-out that moves as its animation does; around one that swings, where none can be read."""

    def draw(green: Array, cutout: int | None) -> Layer:
        for _ in range(_TRIES if pictures.animations else 0):
            layer = _moving(rng, pictures.animations[rng.integers(len(pictures.animations))], size_px, frames)
            if layer is not None:
                return layer
        return swinging_thing(rng, pictures, size_px, frames, green, cutout)

    return scene_around(rng, pictures, size_px, frames, draw)


def _moving(rng: np.random.Generator, files: Sequence[Path], size_px: int, frames: int) -> Layer | None:
    """Some frames of an animation as a layer; None where its motion can't be read."""
    step = 2 if len(files) > 2 * frames and rng.random() < 0.3 else 1
    first = int(rng.integers(max(1, len(files) - step * frames)))
    shown = [read_bgr(file) for file in files[first : first + step * frames + 1 : step]]
    pictures = [picture for picture in shown if picture is not None and picture.shape[2] == 4]
    if len(pictures) <= frames:
        return None
    extent = int(size_px * rng.choice([rng.uniform(0.6, 1.0), rng.uniform(1.0, 1.6)], p=[0.7, 0.3]))
    patch = _placed(rng, pictures[0], extent, middle(rng, size_px, 0.15))
    if (patch.texture[..., 3] > 0.5).sum() < 0.02 * size_px**2:
        return None
    factor, flows = float(rng.uniform(*_EXAGGERATED)), _flows(pictures)
    if flows is None:
        return None
    meshed = Meshed.of(patch, _VERTICES)
    poses = _fitted(meshed, flows, extent, factor)
    if meshed.torn(poses) > MOST_TORN:
        return None
    motion = meshed.motion(poses, np.zeros(len(meshed.mesh.triangles)), size_px)
    return Layer(meshed.patch, Chain((motion,)), touched=True)


def _placed(rng: np.random.Generator, picture: NDArray[np.uint8], extent: int, centre: Array) -> Patch:
    """A square picture (H, H, 4) BGRA, its side `extent` px, tinted, around a place."""
    rgba = picture[..., [2, 1, 0, 3]].astype(np.float32) / 255
    rgba[..., :3] *= rgba[..., 3:]
    rgba = cv2.resize(rgba, (extent, extent), interpolation=cv2.INTER_AREA)
    rgba[..., :3] = np.clip(rgba[..., :3] * rng.uniform(0.75, 1.2, 3).astype(np.float32), 0, rgba[..., 3:])
    column, row = np.floor(centre - extent / 2).astype(int)
    return Patch(rgba.astype(np.float32), (int(row), int(column)))


def _flows(pictures: Sequence[NDArray[np.uint8]]) -> Array | None:
    """Flow from the first picture to the others within its alpha, and how far it is known there: (T, S, S, 3), px of S and a
    share. None where there and back disagree. Estimates start from the one before.
    """
    small = [np.asarray(cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)) for picture in pictures]
    opaque, grey = [picture[..., 3] > 127 for picture in small], [_grey(picture) for picture in small]
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = np.zeros((2, SIDE_PX, SIDE_PX, 2), np.float32)
    grid = np.stack(np.meshgrid(*(np.arange(SIDE_PX, dtype=np.float32),) * 2), -1)
    flows = []
    for number in range(1, len(small)):
        there = np.asarray(estimator.calc(grey[0], grey[number], there.copy()), np.float32)
        back = np.asarray(estimator.calc(grey[number], grey[0], back.copy()), np.float32)
        x, y = np.moveaxis(grid + there, -1, 0)
        missed = there + cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        on = cv2.remap(opaque[number].astype(np.float32), x, y, cv2.INTER_LINEAR) > 0.5
        agree = (opaque[0] & on & (length(missed) < _APART_PX)).astype(np.float32)
        if agree.sum() < LEAST_AGREEING * opaque[0].sum():
            return None
        flows.append(_smoothed(there, agree))
    return np.stack(flows)


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A cut-out before a colour unlike its own."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    behind = 255 * (picture[picture[..., 3] > 127].mean() < 128) if (picture[..., 3] > 127).any() else 0
    return cv2.cvtColor((picture[..., :3] * alpha + behind * (1 - alpha)).astype(np.uint8), cv2.COLOR_BGR2GRAY)


def _smoothed(flow: Array, weight: Array) -> Array:
    """The weighted mean of a flow around each pixel (S, S, 2), and the weight there: (S, S, 3)."""
    size = (_BLUR_PX, _BLUR_PX)
    total = cv2.blur(weight, size)
    mean = cv2.blur(flow * weight[..., None], size) / np.maximum(total, 1e-6)[..., None]
    return np.dstack([mean, total]).astype(np.float32)


def _fitted(meshed: Meshed, flows: Array, extent: int, factor: float) -> NDArray[np.float64]:
    """Poses (T, V, 2) of a mesh that follow flows (T, S, S, 3) times a factor, and what is near where they are not known."""
    places, rows = meshed.middles()
    x, y = ((places - meshed.patch.corner[::-1] + 0.5) * (SIDE_PX / extent) - 0.5).astype(np.float32).T
    smoothing = _SMOOTHING * Tissue.even(meshed.vertices, meshed.mesh.triangles).laplacian()
    poses = []
    for flow in flows:
        read = cv2.remap(flow, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 3).astype(np.float64)
        weighed = rows.T * read[:, 2]
        least = 1e-6 * np.eye(len(meshed.vertices))
        moved = np.linalg.solve(weighed @ rows + smoothing + least, weighed @ read[:, :2])
        poses.append(meshed.vertices + moved * factor * extent / SIDE_PX)
    return np.stack(poses)
