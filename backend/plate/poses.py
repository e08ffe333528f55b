"""Owns what a model's motion makes of a body: the poses of its clip. No torch, no sockets.

The model says where each place of the thing is to go; the body gives way as one elastic thing. Tails go on the model's own way,
turned and scaled so that they end at their tips exactly.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..body import Body
from ..protocol.messages import Region
from .motion import Motion

Points = NDArray[np.float64]

TARGET_WEIGHT = 0.05
"""How strongly a vertex is drawn to where the model moves it most surely, beside edges of weight 0.58."""
_LEAST_WAY = 0.25  # of an arrow: a way that ends nearer to its start has no direction to be turned from


def poses_of(body: Body, motion: Motion, region: Region, size_px: tuple[int, int], arrows: Points, pins: Points) -> Points:
    """Key poses (T + 1, V, 2) in fractions of the plate: the still's, then one for each frame of the clip.

    `arrows` (N, 4) are x, y, dx, dy and `pins` (P, 2) places, in fractions of the plate of `size_px`.
    """
    size = np.array(size_px, np.float64)
    rest, tails = body.rest, arrows[:, :2]
    moved, trust = _read(motion, rest, region, size)
    reach = np.hypot(moved[..., 0], moved[..., 1]).max(axis=0) * trust
    weight = TARGET_WEIGHT * reach / max(float(reach.max()), 1e-12)
    places = np.concatenate([tails, pins])
    held = body.held(places, weight)
    ways = _read(motion, tails, region, size)[0]
    ways = np.stack([_ended(way, goal, size) for way, goal in zip(ways.swapaxes(0, 1), arrows[:, 2:], strict=True)], axis=1)
    shifts = np.zeros((len(moved) - 1, 1, len(places), 2))
    shifts[:, 0, : len(tails)] = ways[1:]
    poses = held.poses(shifts, (rest + moved[1:])[:, None])
    return np.concatenate([rest[None], poses[:, 0]])


def _read(motion: Motion, places: Points, region: Region, size: Points) -> tuple[Points, Points]:
    """Shifts (T + 1, N, 2) in fractions of the plate at places (N, 2), and how far they are known (N,); 0 off the region."""
    corner, extent = np.array([region.x, region.y]), np.array([region.w, region.h])
    inside = (places * size - corner) / extent
    at_x, at_y = ((inside[:, axis] * motion.size_px - 0.5).astype(np.float32)[:, None] for axis in (0, 1))

    def seen(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.remap(plane, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))[:, 0]

    shifts = np.array([[seen(np.ascontiguousarray(plane)) for plane in shift] for shift in motion.shifts], np.float64)
    known = np.mean([seen(plane) for plane in motion.trust], axis=0)
    on = ((inside >= 0) & (inside <= 1)).all(axis=1)
    moved = shifts.transpose(0, 2, 1) * extent / motion.size_px / size
    return np.where(on[None, :, None], moved, 0.0), known * on


def _ended(way: Points, goal: Points, size: Points) -> Points:
    """The way (T + 1, 2) of a tail, turned and scaled so that it ends at `goal` (2,)."""
    steps, end = way * size @ (1, 1j), complex(*(goal * size))
    if abs(steps[-1]) >= _LEAST_WAY * abs(end):
        ended = steps * (end / steps[-1])
    else:
        ended = steps + (end - steps[-1]) * np.linspace(0, 1, len(steps))
    return np.column_stack([ended.real, ended.imag]) / size
