"""Limbs of a silhouette: where a cut-out's legs, tails, necks, stalks begin, found from its shape alone.

The tip of a limb is a place far from the body along the inside of the silhouette; its joint lies on the way back to the
body; the largest disc about the joint that fits inside cuts the limb off. A long limb may have a second joint.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .motion import Array

ANALYSIS_SIDE_PX = 64
SHORTEST_LIMB = 0.2
LARGEST_SHARE = 0.6
FAR = 1 << 14

Mask = NDArray[np.uint8]
Place = tuple[int, int]


@dataclass(frozen=True)
class Limb:
    """A limb in px of the cut-out's patch: joint and tip (x, y), half width at the joint, the limb's pixels (h, w).

    `parent` is the number of the limb that it is a part of, or -1; a parent's pixels include its parts'.
    """

    joint: Array
    radius: float
    tip: Array
    region: NDArray[np.bool_]
    parent: int


@dataclass(frozen=True)
class _Cut:
    """A limb on the analysis grid."""

    joint: Place
    radius: float
    tip: Place
    region: Mask
    parent: int


def find_limbs(rng: np.random.Generator, alpha: Array, most: int) -> list[Limb]:
    """Up to `most` limbs of a silhouette (h, w), each perhaps with a second joint, the farthest-reaching first."""
    scale = min(1.0, ANALYSIS_SIDE_PX / max(alpha.shape))
    size = (max(3, round(alpha.shape[1] * scale)), max(3, round(alpha.shape[0] * scale)))
    mask = np.pad((cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 0.5).astype(np.uint8), 1)
    depth = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)
    if depth.max() < 2:
        return []
    return [_full_size(cut, mask, alpha.shape, scale) for cut in _cuts(rng, mask, depth, most)]


def _cuts(rng: np.random.Generator, mask: Mask, depth: Array, most: int) -> list[_Cut]:
    body = _highest(depth)
    steps = _steps_from(mask, body)
    free = steps < FAR
    cuts: list[_Cut] = []
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    for _ in range(2 * most):
        tip = _highest(np.where(free, steps, -1))
        if not free[tip] or steps[tip] < SHORTEST_LIMB * ANALYSIS_SIDE_PX or len(cuts) >= most:
            break
        path = _way_back(steps, tip)
        slim = [place for place in path[5:] if depth[place] < 0.7 * depth.max()]
        joint = _snapped(depth, slim[int(rng.beta(2.5, 1.2) * (len(slim) - 1))]) if slim else tip
        found = _cut(mask, depth, joint, tip, body, -1)
        if found is None or any((found.region & other.region).any() for other in cuts):
            free &= (rows - tip[0]) ** 2 + (columns - tip[1]) ** 2 > (0.15 * ANALYSIS_SIDE_PX) ** 2
            continue
        free &= ~np.asarray(cv2.dilate(found.region, np.ones((5, 5), np.uint8)), bool)
        cuts.append(found)
        within = [place for place in path if found.region[place]]
        if len(within) > 14 and rng.random() < 0.5:
            joint = _snapped(depth, within[int(rng.uniform(0.35, 0.6) * len(within))])
            further = _cut(mask, depth, joint, tip, body, len(cuts) - 1)
            if further is not None and not (further.region > found.region).any():
                cuts.append(further)
    return cuts


def _cut(mask: Mask, depth: Array, joint: Place, tip: Place, body: Place, parent: int) -> _Cut | None:
    """Cut off what lies beyond a disc about the joint, or nothing if that does not part the tip from the body."""
    for grow in (1.15, 1.4, 1.8):
        radius = grow * float(depth[joint]) + 0.7
        rest = cv2.circle(mask.copy(), joint[::-1], round(radius), 0, -1)
        _, labels = cv2.connectedComponents(rest, connectivity=4)
        if labels[tip] and labels[tip] != labels[body]:
            region = (labels == labels[tip]).astype(np.uint8)
            return _Cut(joint, radius, tip, region, parent) if region.sum() < LARGEST_SHARE * mask.sum() else None
    return None


def _full_size(cut: _Cut, mask: Mask, shape: tuple[int, ...], scale: float) -> Limb:
    """The limb on the patch's own grid; what lies outside the silhouette goes to the part that is nearer."""
    rest = mask & ~cut.region & 1
    nearer = cv2.distanceTransform(1 - rest, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - cut.region, cv2.DIST_L2, 3)
    inner = np.ascontiguousarray(nearer[1:-1, 1:-1])
    region = np.asarray(cv2.resize(inner, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) > 0, bool)
    joint, tip = ((np.array(place[::-1], np.float32) - 0.5) / np.float32(scale) - 0.5 for place in (cut.joint, cut.tip))
    return Limb(joint, cut.radius / scale, tip, region, cut.parent)


def _steps_from(mask: Mask, place: Place) -> NDArray[np.int32]:
    """Length of the shortest way inside the mask from a place to every pixel, in steps of alternating neighbourhoods."""
    steps = np.full(mask.shape, FAR, np.int32)
    front = np.zeros_like(mask)
    front[place] = 1
    kernels = [cv2.getStructuringElement(shape, (3, 3)) for shape in (cv2.MORPH_CROSS, cv2.MORPH_RECT)]
    for step in range(4 * ANALYSIS_SIDE_PX):
        new = (front == 1) & (steps == FAR)
        if not new.any():
            break
        steps[new] = step
        front = cv2.dilate(front, kernels[step % 2]) & mask
    return steps


def _way_back(steps: NDArray[np.int32], tip: Place) -> list[Place]:
    """Places from a tip down to where the steps begin."""
    row, column = tip
    path = [tip]
    while steps[row, column] > 0:
        near = steps[row - 1 : row + 2, column - 1 : column + 2]
        best = _highest(-near)
        if near[best] >= steps[row, column]:
            break
        row, column = row - 1 + best[0], column - 1 + best[1]
        path.append((row, column))
    return path


def _snapped(depth: Array, place: Place) -> Place:
    """The place nearby that lies deepest inside."""
    row, column = max(0, place[0] - 2), max(0, place[1] - 2)
    best = _highest(depth[row : place[0] + 3, column : place[1] + 3])
    return row + best[0], column + best[1]


def _highest(values: NDArray[np.generic]) -> Place:
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return int(row), int(column)
