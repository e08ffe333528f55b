"""Hanging and flying cloth for procedural scenes: a patterned sheet, pinned along one edge, with travelling waves."""

from __future__ import annotations

import cv2
import numpy as np

from ..pictures import Pictures
from .garden import background
from .motion import Array, Bend, Chain, Ripple, response
from .painting import coverage, local
from .scenes import Layer, Patch

STEEPEST = 0.55
"""Bound on amplitude times slope of all waves together: the inverse's fixed point converges by this factor a step."""


def moving_cloth(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int) -> list[Layer]:
    """A sheet that hangs from its upper edge, or flies from one of its sides, and is poked."""
    hangs = rng.random() < 0.65
    away = np.array([0.0, 1.0] if hangs else [rng.choice([-1.0, 1.0]), 0.0])
    away = away + rng.normal(0, 0.12, 2)
    away /= np.linalg.norm(away)
    length, width = rng.uniform(0.45, 1.0) * size_px, rng.uniform(0.3, 0.9) * size_px
    centre = rng.uniform(0.35, 0.65, 2) * size_px
    pin = (centre - 0.5 * length * away).astype(np.float32)
    return [Layer(_sheet(rng, pictures, size_px, pin, away, length, width), _flutter(rng, size_px, frames, pin, away, length))]


def _flutter(rng: np.random.Generator, size_px: int, frames: int, pin: Array, away: Array, length: float) -> Chain:
    across = np.array([-away[1], away[0]])
    count = int(rng.integers(1, 4))
    numbers = rng.uniform(0.3, 1.4, (count, 1)) * 2 * np.pi / length * (away + rng.uniform(-0.7, 0.7, (count, 1)) * across)
    directions = across + rng.normal(0, 0.3, (count, 1)) * away
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    wanted = rng.uniform(0.03, 0.12, count) * size_px
    steepness = float((wanted * (np.linalg.norm(numbers, axis=-1) + 1 / length)).sum())
    wanted *= min(1.0, STEEPEST / steepness)
    frequency, damping = rng.uniform(0.3, 1.0), rng.uniform(0.1, 0.6)
    curves = [response(rng, frames, frequency * rng.uniform(0.8, 1.3), damping, bool(rng.random() < 0.75)) for _ in range(count)]
    time = np.arange(1, frames + 1)[:, None] / frames
    phases = rng.uniform(0, 2 * np.pi, count) + 2 * np.pi * rng.uniform(0.0, 0.8, count) * time
    ripple = Ripple(
        pin,
        away.astype(np.float32),
        length,
        numbers.astype(np.float32),
        directions.astype(np.float32),
        (np.stack(curves, -1) * wanted).astype(np.float32),
        phases.astype(np.float32),
    )
    angle = rng.choice([-1, 1]) * rng.gamma(1.8, 0.08) * size_px / length
    sway = np.float32(angle) * response(rng, frames, frequency, damping, bool(rng.random() < 0.8))
    return Chain((ripple, Bend(pin, length, rng.uniform(0.5, 1.5), sway)))


def _sheet(
    rng: np.random.Generator, pictures: Pictures, size_px: int, pin: Array, away: Array, length: float, width: float
) -> Patch:
    across = np.array([-away[1], away[0]])
    along = np.linspace(0, 1, 12)[:, None]
    taper, hem = rng.uniform(-0.25, 0.25), rng.uniform(0, 0.05) * length
    left = pin + along * length * away + (0.5 + taper * along) * width * across
    right = pin + along * length * away - (0.5 + taper * along) * width * across
    bottom = np.linspace(left[-1], right[-1], 12) + (hem * np.sin(np.linspace(0, rng.uniform(3, 15), 12)))[:, None] * away
    mask = coverage([np.concatenate([left, bottom, right[::-1]]).astype(np.float32)])
    u, v = local(mask, pin, away)
    folds = 1 + rng.uniform(0.0, 0.2) * np.sin(v * 2 * np.pi * rng.uniform(1, 5) / width + rng.uniform(-0.5, 0.5) * u / length)
    paint = np.clip(_pattern(rng, pictures, size_px, u / length, v / width) * folds[..., None], 0, 1)
    return Patch(np.concatenate([paint * mask.texture, mask.texture], -1).astype(np.float32), mask.corner)


def _pattern(rng: np.random.Generator, pictures: Pictures, size_px: int, u: Array, v: Array) -> Array:
    first, second = rng.uniform(0.1, 0.95, (2, 3))
    if pictures.photos and rng.random() < 0.5:
        picture = background(rng, pictures, size_px)
        return np.asarray(cv2.resize(picture, u.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    stripes = np.sin(2 * np.pi * rng.uniform(2, 6) * u) * (rng.random() < 0.7)
    columns = np.sin(2 * np.pi * rng.uniform(2, 6) * v) * (rng.random() < 0.7)
    mix = np.clip(0.5 + 2 * (stripes + columns) / 2, 0, 1)[..., None]
    return np.asarray(first * mix + second * (1 - mix), np.float32)
