"""The recipe `garden`: a photo cut-out that bends, bulges and shifts, or an articulated plant with leaves on a bending stem.

Neighbours that stand still are part of every second scene, so that a poke doesn't leak onto them. The clips of this recipe
are pinned: shipped models say in their cards that they were trained on them. New ideas belong in the other recipes.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..pictures import Pictures, random_square
from .motion import Array, Bend, Bumps, Chain, Follow, Shift, response
from .scenes import Layer, Patch, Scene

SUPERSAMPLING = 4
LARGEST_ANGLE = 0.8


def garden_scene(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int) -> Scene:
    """Compose one scene; without pictures it is a plant before a synthetic background."""
    behind = background(rng, pictures, size_px)
    neighbour = [_still_neighbour(rng, pictures, size_px)] if rng.random() < 0.5 else []
    moving = (
        _cutout_object(rng, pictures, size_px, frames)
        if pictures.cutouts and rng.random() < 0.6
        else _plant(rng, pictures, size_px, frames)
    )
    layers = neighbour + moving if rng.random() < 0.7 else moving + neighbour
    return Scene(behind, tuple(layers))


def background(rng: np.random.Generator, pictures: Pictures, size_px: int) -> Array:
    """A piece of a photograph, or synthetic noise, sometimes out of focus: (S, S, 3) in [0, 1]."""
    if pictures.photos and rng.random() < 0.85:
        crop = random_square(rng, pictures.photos, 0.3, 1.0)[..., ::-1]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        picture = cv2.resize(np.ascontiguousarray(crop), (size_px, size_px), interpolation=cv2.INTER_AREA) / 255.0
    else:
        noise = sum(
            cv2.resize(rng.uniform(-1, 1, (n, n, 3)).astype(np.float32), (size_px, size_px), interpolation=cv2.INTER_CUBIC)
            / n**0.5
            for n in (2, 4, 8, 16)
        )
        picture = rng.uniform(0.15, 0.75, 3) + 0.25 * noise
    if rng.random() < 0.4:
        picture = cv2.GaussianBlur(np.asarray(picture, np.float32), (0, 0), rng.uniform(0.5, 2.5))
    return np.clip(picture, 0, 1).astype(np.float32)


def _placed_cutout(rng: np.random.Generator, pictures: Pictures, size_px: int, extent: float, centre: Array) -> Array:
    """A random cut-out, turned, mirrored, tinted and scaled to `extent` px along its long side: (S, S, 4)."""
    cutout = pictures.cutouts[rng.integers(len(pictures.cutouts))]
    if rng.random() < 0.5:
        cutout = cutout[:, ::-1]
    rgba = cutout[..., [2, 1, 0, 3]].astype(np.float32) / 255.0
    rgba[..., :3] = np.clip(rgba[..., :3] * rng.uniform(0.75, 1.2, 3) + rng.uniform(-0.08, 0.08), 0, 1)
    rgba[..., :3] *= rgba[..., 3:]
    height, width = rgba.shape[:2]
    scale = extent / max(height, width)
    if scale < 0.5:
        rgba = cv2.GaussianBlur(rgba, (0, 0), 0.4 / scale)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-20, 20), scale)
    matrix[:, 2] += centre - np.array([width / 2, height / 2])
    return np.clip(cv2.warpAffine(rgba, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR), 0, 1).astype(np.float32)


def _still_neighbour(rng: np.random.Generator, pictures: Pictures, size_px: int) -> Layer:
    if pictures.cutouts and rng.random() < 0.6:
        side = rng.choice([0.1, 0.9])
        centre = np.array([side, rng.uniform(0.2, 0.9)], np.float32) * size_px
        return Layer(Patch(_placed_cutout(rng, pictures, size_px, rng.uniform(0.3, 0.7) * size_px, centre)))
    root = np.array([rng.choice([rng.uniform(0, 0.25), rng.uniform(0.75, 1)]), rng.uniform(0.8, 1.05)], np.float32) * size_px
    return Layer(Patch(_leaf(rng, pictures, size_px, root, rng.uniform(-2.2, -0.9), rng.uniform(0.3, 0.7) * size_px)))


def _cutout_object(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int) -> list[Layer]:
    while True:
        extent = rng.uniform(0.6, 1.15) * size_px
        centre = (0.5 + rng.uniform(-0.18, 0.18, 2)).astype(np.float32) * size_px
        texture = _placed_cutout(rng, pictures, size_px, extent, centre)
        rows, columns = np.nonzero(texture[..., 3] > 0.5)
        if len(rows) > 0.04 * size_px**2:
            break
    points = np.stack([columns, rows], axis=-1).astype(np.float32)
    return [Layer(Patch(texture), _object_motion(rng, points, size_px, frames))]


def _object_motion(rng: np.random.Generator, points: Array, size_px: int, frames: int) -> Chain:
    extent = float(np.ptp(points, axis=0).max())
    frequency, damping = rng.uniform(0.25, 1.3), rng.uniform(0.1, 0.7)
    parts: list[Bend | Bumps | Shift] = []
    if rng.random() < 0.6:
        parts.append(_random_bumps(rng, points, extent, frames, frequency, damping))
    if rng.random() < 0.75 or not parts:
        low = points[points[:, 1] > np.quantile(points[:, 1], 0.92)]
        pool = low if len(low) and rng.random() < 0.6 else points
        anchor = pool[rng.integers(len(pool))] + rng.normal(0, 0.03 * size_px, 2).astype(np.float32)
        length = float(np.linalg.norm(points - anchor, axis=-1).max()) + 1e-3
        angle = _signed(rng) * min(LARGEST_ANGLE, rng.gamma(2.0, 0.1 * size_px) / length)
        curve = angle * response(rng, frames, frequency, damping, rng.random() < 0.75)
        parts.append(Bend(anchor.astype(np.float32), length, rng.uniform(0.4, 2.0), curve))
    if rng.random() < 0.2:
        direction = rng.normal(0, 0.05 * size_px, 2).astype(np.float32)
        parts.append(Shift(response(rng, frames, frequency, damping, True)[:, None] * direction))
    return Chain(tuple(parts))


def _random_bumps(rng: np.random.Generator, points: Array, extent: float, frames: int, frequency: float, damping: float) -> Bumps:
    count = int(rng.integers(1, 4))
    centres = points[rng.integers(len(points), size=count)]
    radii = rng.uniform(0.12, 0.35, count).astype(np.float32) * extent
    reach = rng.uniform(0.3, 0.95, count).astype(np.float32) * radii / (1 + 0.5 * (count - 1))
    angle = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.7, count)
    direction = np.stack([np.cos(angle), np.sin(angle)], -1) * reach[:, None]
    curves = [response(rng, frames, frequency * rng.uniform(0.8, 1.25), damping, rng.random() < 0.75) for _ in range(count)]
    return Bumps(centres, radii, (np.stack(curves, 1)[..., None] * direction).astype(np.float32))


def _plant(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int) -> list[Layer]:
    """A stem with leaves and mostly a flower head: leaves turn about their joints and ride on the stem."""
    root = np.array([rng.uniform(0.25, 0.75), rng.uniform(0.85, 1.05)], np.float32) * size_px
    lean = rng.uniform(-0.35, 0.35) - np.pi / 2
    length = rng.uniform(0.5, 0.85) * size_px
    heights = np.linspace(0, 1, 24)[:, None]
    direction = np.array([np.cos(lean), np.sin(lean)])
    bow = np.array([-direction[1], direction[0]]) * rng.uniform(-0.12, 0.12)
    path = (root + length * (heights * direction + np.sin(np.pi * heights) * bow)).astype(np.float32)
    frequency, damping = rng.uniform(0.25, 1.2), rng.uniform(0.1, 0.6)
    swing = _signed(rng) * min(LARGEST_ANGLE, rng.gamma(1.8, 0.11 * size_px) / length)
    stem_bend = Bend(root, length, rng.uniform(0.7, 1.6), swing * response(rng, frames, frequency, damping, rng.random() < 0.75))
    layers = [Layer(Patch(_stem(rng, pictures, size_px, path)), Chain((stem_bend,)))]
    count = int(rng.integers(2, 7))
    lively = int(rng.integers(count))
    for number in range(count):
        joint = path[int(rng.uniform(0.2, 0.95) * (len(path) - 1))]
        outward = lean + rng.choice([-1, 1]) * rng.uniform(0.4, 1.5)
        reach = rng.uniform(0.18, 0.42) * size_px
        own = _signed(rng) * (rng.uniform(0.1, LARGEST_ANGLE) if number == lively else rng.gamma(1.0, 0.08))
        wave = response(rng, frames, frequency * rng.uniform(0.8, 2.0), damping, rng.random() < 0.7)
        motion = Chain((Bend(joint, reach, rng.uniform(0.0, 0.8), np.float32(own) * wave), Follow(stem_bend, joint)))
        layers.append(Layer(Patch(_leaf(rng, pictures, size_px, joint, outward, reach)), motion))
    if rng.random() < 0.75:
        head = _flower(rng, pictures, size_px, path[-1], rng.uniform(0.2, 0.45) * size_px)
        layers.append(Layer(Patch(head), Chain((Follow(stem_bend, path[-1]),))))
    return layers


def _painted(rng: np.random.Generator, pictures: Pictures, size_px: int, mask: Array, colour: Array) -> Array:
    """Fill a coverage mask (S, S) with a colour, modulated by noise or by a piece of a photograph: (S, S, 4)."""
    shade = cv2.resize(rng.uniform(-1, 1, (10, 10, 1)).astype(np.float32), (size_px, size_px), interpolation=cv2.INTER_CUBIC)
    paint = colour + 0.18 * shade[..., None]
    if pictures.photos and rng.random() < 0.5:
        photo = background(rng, Pictures(photos=pictures.photos), size_px)
        paint = paint + 0.5 * (photo - photo.mean((0, 1)))
    return np.concatenate([np.clip(paint, 0, 1) * mask[..., None], mask[..., None]], -1).astype(np.float32)


def _coverage(size_px: int, outline: Array) -> Array:
    canvas = np.zeros((size_px * SUPERSAMPLING,) * 2, np.float32)
    cv2.fillPoly(canvas, [np.round(outline * SUPERSAMPLING).astype(np.int32)], 1.0)
    return np.asarray(cv2.resize(canvas, (size_px, size_px), interpolation=cv2.INTER_AREA), np.float32)


def _stem(rng: np.random.Generator, pictures: Pictures, size_px: int, path: Array) -> Array:
    canvas = np.zeros((size_px * SUPERSAMPLING,) * 2, np.float32)
    thickness = max(2, int(rng.uniform(0.015, 0.05) * size_px * SUPERSAMPLING))
    cv2.polylines(canvas, [np.round(path * SUPERSAMPLING).astype(np.int32)], False, 1.0, thickness)
    mask = np.asarray(cv2.resize(canvas, (size_px, size_px), interpolation=cv2.INTER_AREA), np.float32)
    return _painted(rng, pictures, size_px, mask, _green(rng) * 0.8)


def _leaf(rng: np.random.Generator, pictures: Pictures, size_px: int, joint: Array, angle: float, reach: float) -> Array:
    along = np.linspace(0, 1, 20)
    half = rng.uniform(0.1, 0.3) * reach * np.sin(np.pi * along ** rng.uniform(0.6, 1.3))
    sag = rng.uniform(-0.25, 0.25) * reach * along**2
    outline = np.concatenate([np.stack([along * reach, sag + half], -1), np.stack([along * reach, sag - half], -1)[::-1]])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    mask = _coverage(size_px, (joint + outline @ turn).astype(np.float32))
    return _painted(rng, pictures, size_px, mask, _green(rng))


def _flower(rng: np.random.Generator, pictures: Pictures, size_px: int, centre: Array, extent: float) -> Array:
    if pictures.cutouts and rng.random() < 0.6:
        return _placed_cutout(rng, pictures, size_px, extent, centre)
    angle = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    petals = int(rng.integers(4, 10))
    radius = 0.5 * extent * (0.65 + 0.35 * np.abs(np.cos(petals * angle / 2)))
    outline = centre + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    flower = _painted(
        rng, pictures, size_px, _coverage(size_px, outline.astype(np.float32)), rng.uniform(0.2, 1, 3).astype(np.float32)
    )
    middle = centre + 0.3 * radius.mean() * np.stack([np.cos(angle), np.sin(angle)], -1)
    disc = _painted(
        rng, pictures, size_px, _coverage(size_px, middle.astype(np.float32)), rng.uniform(0.1, 1, 3).astype(np.float32)
    )
    return (disc + (1 - disc[..., 3:]) * flower).astype(np.float32)


def _green(rng: np.random.Generator) -> Array:
    if rng.random() < 0.15:
        return rng.uniform(0.1, 0.9, 3).astype(np.float32)
    return np.array([rng.uniform(0.1, 0.5), rng.uniform(0.3, 0.75), rng.uniform(0.05, 0.35)], np.float32)


def _signed(rng: np.random.Generator) -> float:
    return float(rng.choice([-1.0, 1.0]))
