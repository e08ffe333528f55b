"""Painted parts of procedural scenes: leaves, blades, stems, flowers, limbs and sheets as premultiplied patches."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..pictures import Pictures, random_square
from .motion import Array
from .scenes import Patch, merged

SUPERSAMPLING = 4
GRAIN_SIDE_PX = 96


@dataclass(frozen=True)
class Look:
    """What the parts of one thing have in common: a colour, how much it varies, and a grain (G, G, 3) without mean."""

    colour: Array
    variety: float
    grain: Array

    def shade(self, rng: np.random.Generator) -> Array:
        """A colour (3,) of this look."""
        return np.clip(self.colour * rng.uniform(1 - self.variety, 1 + self.variety) + rng.normal(0, 0.03, 3), 0.02, 0.98).astype(
            np.float32
        )

    def grain_of(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """A piece (h, w, 3) of the grain from a random place, mirrored where it is too small."""
        rows, columns = (
            GRAIN_SIDE_PX - 1 - np.abs((start + np.arange(side)) % (2 * GRAIN_SIDE_PX - 2) - GRAIN_SIDE_PX + 1)
            for start, side in zip(rng.integers(2 * GRAIN_SIDE_PX, size=2), (height, width), strict=True)
        )
        return self.grain[rows[:, None], columns]


def random_look(rng: np.random.Generator, pictures: Pictures, colour: Array, variety: float) -> Look:
    """A look of that colour, its grain made of noise or of a photograph's."""
    return Look(colour.astype(np.float32), variety, _grain(rng, pictures))


def _grain(rng: np.random.Generator, pictures: Pictures) -> Array:
    if pictures.photos and rng.random() < 0.6:
        piece = np.ascontiguousarray(random_square(rng, pictures.photos, 0.2, 0.6)[..., ::-1])
        grain = cv2.resize(piece, (GRAIN_SIDE_PX, GRAIN_SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        grain -= grain.mean((0, 1))
        return np.asarray(grain * rng.uniform(0.3, 0.8), np.float32)
    cells = int(rng.integers(12, 40))
    noise = rng.normal(0, 1, (cells, cells, 1)).astype(np.float32)
    noise = cv2.resize(noise, (GRAIN_SIDE_PX, GRAIN_SIDE_PX), interpolation=cv2.INTER_CUBIC)[..., None]
    return np.asarray(np.repeat(noise, 3, -1) * rng.uniform(0.02, 0.08), np.float32)


def coverage(outlines: list[Array]) -> Patch:
    """Antialiased union of polygons (N, 2) px as coverage (h, w, 1)."""
    points = np.concatenate(outlines)
    low, high = np.floor(points.min(0)).astype(int) - 1, np.ceil(points.max(0)).astype(int) + 2
    width, height = high - low
    canvas = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)
    for outline in outlines:
        fine = ((outline - low + 0.5) * SUPERSAMPLING - 0.5) * 16
        cv2.fillPoly(canvas, [np.round(fine).astype(np.int32)], 255, shift=4)
    mask = cv2.resize(canvas, (int(width), int(height)), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return Patch(mask[..., None], (int(low[1]), int(low[0])))


def painted(rng: np.random.Generator, look: Look, mask: Patch, colour: Array) -> Patch:
    """Fill a coverage with a colour (3,) or (h, w, 3) and the look's grain."""
    cover = mask.texture
    paint = np.clip(colour + look.grain_of(rng, *cover.shape[:2]), 0, 1)
    return Patch(np.concatenate([paint * cover, cover], -1).astype(np.float32), mask.corner)


def local(mask: Patch, origin: Array, along: Array) -> tuple[Array, Array]:
    """Coordinates of a patch's pixels along a unit vector and across it, px from `origin`."""
    rows, columns = np.mgrid[: mask.texture.shape[0], : mask.texture.shape[1]].astype(np.float32)
    x, y = columns + mask.corner[1] - origin[0], rows + mask.corner[0] - origin[1]
    return x * along[0] + y * along[1], y * along[0] - x * along[1]


def leaf(rng: np.random.Generator, look: Look, joint: Array, angle: float, reach: float, slender: float) -> Patch:
    """A leaf from its joint outwards, its halves lit differently, with a rib; `slender` is half its width over its length."""
    along = np.linspace(0, 1, 16)
    half = np.maximum(slender * reach * np.sin(np.pi * along ** rng.uniform(0.6, 1.2)), 0.35)
    sag = rng.uniform(-0.25, 0.25) * reach * along**2
    outline = np.concatenate([np.stack([along * reach, sag + half], -1), np.stack([along * reach, sag - half], -1)[::-1]])
    unit = np.array([np.cos(angle), np.sin(angle)])
    turn = np.stack([unit, [-unit[1], unit[0]]])
    mask = coverage([(joint + outline @ turn).astype(np.float32)])
    u, v = local(mask, joint, unit)
    v = v - sag[-1] * (u / reach) ** 2
    light = 1 + rng.normal(0, 0.12) * np.sign(v) + rng.uniform(-0.3, 0.3) * (u / reach - 0.5)
    rib = rng.uniform(-0.25, 0.3) * np.exp(-((v / max(0.6, 0.16 * slender * reach)) ** 2))
    return painted(rng, look, mask, look.shade(rng) * (light + rib)[..., None])


def strip(rng: np.random.Generator, look: Look, path: Array, first: float, last: float) -> Patch:
    """A stem or blade along a path (N, 2), its width running from `first` to `last` px, lit from one side."""
    tangent = np.gradient(path, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], -1) / (np.linalg.norm(tangent, axis=-1, keepdims=True) + 1e-6)
    half = np.linspace(first, last, len(path))[:, None] / 2
    # One polygon a piece: where a path bends sharply, a single outline would cross itself and leave holes.
    left, right = path + half * normal, path - half * normal
    pieces = [np.stack([left[i], left[i + 1], right[i + 1], right[i]]) for i in range(len(path) - 1)]
    return painted(rng, look, coverage([piece.astype(np.float32) for piece in pieces]), look.shade(rng))


def capsule(rng: np.random.Generator, look: Look, first: Array, last: Array, radii: tuple[float, float]) -> Patch:
    """A limb with round ends from a place to another, brighter along one side."""
    along = (last - first) / (np.linalg.norm(last - first) + 1e-6)
    across = np.array([-along[1], along[0]])
    circle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    unit = np.stack([np.cos(circle), np.sin(circle)], -1)
    sides = [first + radii[0] * across, last + radii[1] * across, last - radii[1] * across, first - radii[0] * across]
    outlines = [np.stack(sides), first + radii[0] * unit, last + radii[1] * unit]
    mask = coverage([outline.astype(np.float32) for outline in outlines])
    _, v = local(mask, first, along)
    light = 1 + rng.uniform(-0.35, 0.35) * v / max(radii)
    return painted(rng, look, mask, look.shade(rng) * light[..., None])


def disc(rng: np.random.Generator, look: Look, centre: Array, radii: tuple[float, float], turn: float = 0.0) -> Patch:
    """An ellipse, brighter on one side."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    unit = np.array([np.cos(turn), np.sin(turn)])
    points = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], -1)
    mask = coverage([(centre + points @ np.stack([unit, [-unit[1], unit[0]]])).astype(np.float32)])
    u, v = local(mask, centre, unit)
    light = 1 + rng.uniform(-0.3, 0.3) * u / radii[0] + rng.uniform(-0.3, 0.3) * v / radii[1]
    return painted(rng, look, mask, look.shade(rng) * light[..., None])


def flower(rng: np.random.Generator, petals: Look, middle: Look, centre: Array, extent: float) -> Patch:
    """A ring or two of petals around a disc."""
    count = int(rng.integers(5, 12))
    first = rng.uniform(0, 2 * np.pi)
    slender = min(0.4, rng.uniform(1.2, 2.2) / count)
    squash = rng.uniform(0.6, 1.0)
    patches = []
    for ring in range(int(rng.integers(1, 3))):
        for number in range(count):
            angle = first + 2 * np.pi * (number + 0.5 * ring) / count
            reach = 0.5 * extent * (1 - 0.25 * ring) * float(np.hypot(np.cos(angle), squash * np.sin(angle)))
            patches.append(leaf(rng, petals, centre, angle, reach, slender))
    size = rng.uniform(0.1, 0.22) * extent
    patches.append(disc(rng, middle, centre, (size, squash * size)))
    return merged(patches)


def placed_cutout(
    rng: np.random.Generator, pictures: Pictures, extent: float, centre: Array, number: int | None = None, tilt: float = 20
) -> Patch:
    """A cut-out (a random one unless numbered), mirrored, turned, tinted, its long side `extent` px, around `centre`."""
    cutout = pictures.cutouts[rng.integers(len(pictures.cutouts)) if number is None else number]
    rgba = (cutout[:, ::-1] if rng.random() < 0.5 else cutout)[..., [2, 1, 0, 3]].astype(np.float32) / 255
    rgba[..., :3] *= rgba[..., 3:]
    scale = extent / max(rgba.shape[:2])
    if scale < 1:
        size = (max(2, round(rgba.shape[1] * scale)), max(2, round(rgba.shape[0] * scale)))
        rgba, scale = cv2.resize(rgba, size, interpolation=cv2.INTER_AREA), 1.0
    rgba[..., :3] = np.clip(rgba[..., :3] * rng.uniform(0.75, 1.2, 3).astype(np.float32), 0, rgba[..., 3:])
    height, width = rgba.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), rng.uniform(-tilt, tilt), scale)
    reach = np.abs(matrix[:, :2]) @ [width, height]
    low = np.floor(centre - reach / 2).astype(int) - 1
    columns, rows = np.ceil(reach).astype(int) + 3
    matrix[:, 2] += centre - low - [(width - 1) / 2, (height - 1) / 2]
    texture = cv2.warpAffine(rgba, matrix, (int(columns), int(rows)), flags=cv2.INTER_LINEAR)
    return Patch(np.clip(texture, 0, 1).astype(np.float32), (int(low[1]), int(low[0])))
