"""Photo cut-outs that move: with limbs on soft joints, bending as one, bulging, or carried along stiffly."""

from __future__ import annotations

import numpy as np

from .dynamics import poke, random_joints
from .motion import Affine, Array, Bend, Bumps, Chain, Deformation, Hinge, length, response
from .scenes import Layer, Patch
from .skeleton import Limb, find_limbs

LARGEST_ANGLE = 0.8


def moving_cutout(rng: np.random.Generator, patch: Patch, size_px: int, frames: int) -> list[Layer]:
    """Layers of a cut-out that is poked: by its limbs where it has any, otherwise as a whole."""
    draw = rng.random()
    if draw < 0.55 and (limbs := find_limbs(rng, patch.texture[..., 3], int(rng.integers(1, 6)))):
        return _jointed(rng, patch, limbs, size_px, frames)
    whole: list[Deformation] = []
    if draw < 0.8:
        whole.append(_bend(rng, patch, size_px, frames))
    if draw > 0.7:
        whole.append(_carried(rng, patch, size_px, frames))
    if rng.random() < 0.25:
        whole.insert(0, _bulge(rng, patch, frames))
    return [Layer(patch, Chain(tuple(whole)))]


def _jointed(rng: np.random.Generator, patch: Patch, limbs: list[Limb], size_px: int, frames: int) -> list[Layer]:
    """The body and its limbs, some of them behind it."""
    corner = np.array(patch.corner[::-1], np.float32)
    lengths = np.array([float(length(limb.tip - limb.joint)) for limb in limbs])
    poked = int(rng.integers(len(limbs)))
    parents = [limb.parent for limb in limbs]
    joints = random_joints(rng, parents, np.where(np.array(parents) < 0, 1.0, 1.5).astype(np.float32))
    angle = float(rng.choice([-1, 1]) * (0.05 + rng.gamma(1.8, 0.1)) * size_px / max(lengths[poked], 0.15 * size_px))
    angles = poke(rng, joints, poked, angle, rng.uniform(0.1, 0.6), frames)
    whole = (_bend(rng, patch, size_px, frames),) if rng.random() < 0.4 else ()
    hinges = [Hinge(limb.joint + corner, limb.radius * rng.uniform(1.5, 2.2), angles[:, n]) for n, limb in enumerate(limbs)]
    before: list[Layer] = []
    behind: list[Layer] = []
    for number, limb in enumerate(limbs):
        chain = [hinges[number], *((hinges[limb.parent],) if limb.parent >= 0 else ()), *whole]
        cut_off = [other.region for other in limbs if other.parent == number]
        layer = Layer(_piece(patch, limb, cut_off), Chain(tuple(chain)))
        alone = limb.parent < 0 and not cut_off
        (behind if alone and number != poked and rng.random() < 0.25 else before).append(layer)
    limbless = ~np.any([limb.region for limb in limbs], axis=0)
    body = Layer(Patch(patch.texture * limbless[..., None], patch.corner), Chain(whole), poked=True)
    return [*behind, body, *before]


def _piece(patch: Patch, limb: Limb, cut_off: list[np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]) -> Patch:
    """A limb with the half of its joint that faces it, so that no gap opens there."""
    rows, columns = np.mgrid[: patch.texture.shape[0], : patch.texture.shape[1]].astype(np.float32)
    offset = np.stack([columns, rows], -1) - limb.joint
    outward = limb.tip - limb.joint
    facing = offset @ (outward / (length(outward) + 1e-6)) > -0.2 * limb.radius
    kept = limb.region | ((length(offset) <= limb.radius + 1) & facing)
    for region in cut_off:
        kept &= ~region
    found_rows, found_columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
    top, left = found_rows[0], found_columns[0]
    box = slice(top, found_rows[-1] + 1), slice(left, found_columns[-1] + 1)
    return Patch(patch.texture[box] * kept[box][..., None], (patch.corner[0] + int(top), patch.corner[1] + int(left)))


def _points(rng: np.random.Generator, patch: Patch) -> Array:
    rows, columns = np.nonzero(patch.texture[::2, ::2, 3] > 0.5)
    points = np.stack([2 * columns + patch.corner[1], 2 * rows + patch.corner[0]], -1).astype(np.float32)
    return points if len(points) else np.array([patch.corner[::-1]], np.float32)


def _bend(rng: np.random.Generator, patch: Patch, size_px: int, frames: int) -> Bend:
    points = _points(rng, patch)
    low = points[points[:, 1] >= np.quantile(points[:, 1], 0.92)]
    pool = low if rng.random() < 0.6 else points
    anchor = pool[rng.integers(len(pool))]
    reach = float(length(points - anchor).max()) + 1e-3
    angle = rng.choice([-1, 1]) * min(LARGEST_ANGLE, (0.05 + rng.gamma(1.8, 0.1)) * size_px / reach)
    return Bend(anchor, reach, rng.uniform(0.4, 2.0), np.float32(angle) * _curve(rng, frames))


def _bulge(rng: np.random.Generator, patch: Patch, frames: int) -> Bumps:
    points = _points(rng, patch)
    centre = points[rng.integers(len(points))]
    radius = rng.uniform(0.15, 0.35) * float(np.ptp(points, axis=0).max() + 4)
    turn = rng.uniform(0, 2 * np.pi)
    shift = rng.uniform(0.3, 0.8) * radius * np.array([np.cos(turn), np.sin(turn)])
    shifts = _curve(rng, frames)[:, None, None] * shift
    return Bumps(centre[None], np.array([radius], np.float32), shifts.astype(np.float32))


def _carried(rng: np.random.Generator, patch: Patch, size_px: int, frames: int) -> Affine:
    """Shifted and turned as one stiff piece."""
    points = _points(rng, patch)
    pivot = points.mean(0)
    turn = rng.uniform(0, 2 * np.pi)
    shift = (0.03 + rng.gamma(1.8, 0.06)) * size_px * np.array([np.cos(turn), np.sin(turn)])
    curve = _curve(rng, frames)
    angle = rng.normal(0, 0.2) * _curve(rng, frames)
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1).astype(np.float32)
    return Affine(matrix, (pivot + curve[:, None] * shift - matrix @ pivot).astype(np.float32))


def _curve(rng: np.random.Generator, frames: int) -> Array:
    return response(rng, frames, rng.uniform(0.25, 1.2), rng.uniform(0.1, 0.7), bool(rng.random() < 0.85))
