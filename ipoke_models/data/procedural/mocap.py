"""Captured human motion as joint positions: the humanoid files of pybullet_data (zlib licence), data/motions/humanoid3d_*.txt.

A file is JSON with "Frames" of 44 numbers: duration in s, root position, root rotation, then one rotation a joint in the
order below, as a quaternion (w first), or as an angle about z for knees and elbows. x is forward, y up, z to the right.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

FRAME_VALUES = 44
JOINTS = (
    "pelvis", "chest", "neck", "right hip", "right knee", "right ankle", "right shoulder", "right elbow",
    "left hip", "left knee", "left ankle", "left shoulder", "left elbow",
)  # fmt: skip
PARENTS = (-1, 0, 1, 0, 3, 4, 1, 6, 0, 8, 9, 1, 11)
_HINGES = frozenset({4, 7, 9, 12})
_OFFSETS = np.array(
    [
        [0, 0, 0], [0, 0.236, 0], [0, 0.224, 0],
        [0, 0, 0.085], [0, -0.422, 0], [0, -0.410, 0], [-0.024, 0.244, 0.183], [0, -0.275, 0],
        [0, 0, -0.085], [0, -0.422, 0], [0, -0.410, 0], [-0.024, 0.244, -0.183], [0, -0.275, 0],
    ]
)  # fmt: skip
_ENDS = {"head": (2, (0, 0.24, 0)), "right toes": (5, (0.18, -0.03, 0)), "right hand": (7, (0, -0.27, 0)),
         "left toes": (10, (0.18, -0.03, 0)), "left hand": (12, (0, -0.27, 0))}  # fmt: skip
POINTS = (*JOINTS, *_ENDS)
"""Names of the tracked points: the joints, then the ends of head, hands and feet."""


@dataclass(frozen=True)
class CapturedMotion:
    """Positions (F, 18, 3) of `POINTS` in metres, and the time between two of them."""

    positions: Array
    frame_s: float


def read_motion(path: Path) -> CapturedMotion | None:
    """Read one file; None if it holds no motion of this humanoid."""
    try:
        frames = np.array(json.loads(path.read_text(encoding="utf-8"))["Frames"], np.float64)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if frames.ndim != 2 or frames.shape[1] != FRAME_VALUES or len(frames) < 2:
        return None
    return CapturedMotion(_positions(frames).astype(np.float32), float(frames[0, 0]))


def _positions(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    rotations: list[NDArray[np.float64]] = []
    places: list[NDArray[np.float64]] = []
    column = 4
    for joint, parent in enumerate(PARENTS):
        width = 1 if joint in _HINGES else 4
        own = _about_z(frames[:, column]) if width == 1 else _rotation(frames[:, column : column + 4])
        column += width
        if parent < 0:
            rotations.append(own)
            places.append(frames[:, 1:4])
        else:
            places.append(places[parent] + rotations[parent] @ _OFFSETS[joint])
            rotations.append(rotations[parent] @ own)
    ends = [places[joint] + rotations[joint] @ np.array(offset) for joint, offset in _ENDS.values()]
    return np.stack([*places, *ends], axis=1)


def _rotation(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    w, x, y, z = (quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], 1)


def _about_z(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    zero = np.zeros_like(angle)
    return _rotation(np.stack([np.cos(angle / 2), zero, zero, np.sin(angle / 2)], -1))
