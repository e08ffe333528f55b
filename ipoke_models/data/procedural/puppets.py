"""Puppets: layered figures of textured limbs, driven by captured motion or by swings of their joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pictures import Pictures
from .dynamics import poke, random_joints
from .mocap import PARENTS, POINTS, CapturedMotion
from .motion import Affine, Array, Chain
from .painting import Look, capsule, disc, random_look
from .scenes import Layer, Patch, merged

LONGEST_STRETCH = 1.5
_END_PARENTS = (2, 5, 7, 10, 12)
_ALL_PARENTS = (*PARENTS, *_END_PARENTS)
_WIDTHS = {"torso": 0.15, "arm": 0.055, "forearm": 0.045, "thigh": 0.08, "shin": 0.06, "foot": 0.045, "head": 0.11}


@dataclass(frozen=True)
class _Bone:
    first: int
    last: int
    part: str
    wear: int  # which look: 0 skin, 1 above, 2 below, 3 hair and shoes


def _index(name: str) -> int:
    return POINTS.index(name)


def _side(side: str) -> tuple[list[_Bone], list[_Bone]]:
    leg = [
        _Bone(_index(f"{side} ankle"), _index(f"{side} toes"), "foot", 3),
        _Bone(_index(f"{side} knee"), _index(f"{side} ankle"), "shin", 2),
        _Bone(_index(f"{side} hip"), _index(f"{side} knee"), "thigh", 2),
    ]
    arm = [
        _Bone(_index(f"{side} elbow"), _index(f"{side} hand"), "forearm", 0),
        _Bone(_index(f"{side} shoulder"), _index(f"{side} elbow"), "arm", 1),
    ]
    return leg, arm


def puppet(rng: np.random.Generator, pictures: Pictures, size_px: int, frames: int, height: float, centre: Array) -> list[Layer]:
    """A figure `height` px tall about `centre`, moving as it was captured, or poked where there is no motion capture."""
    if pictures.motions and rng.random() < 0.6:
        motion = pictures.motions[rng.integers(len(pictures.motions))]
        points, depth = _captured(rng, motion, frames)
    else:
        points, depth = _swung(rng, frames)
    extent = float(np.ptp(points[0], axis=0).max())
    middle = 0.5 * (points[0].min(0) + points[0].max(0))
    points = ((points - middle) * (height / extent) + centre).astype(np.float32)
    looks = [random_look(rng, pictures, colour, 0.1) for colour in _wardrobe(rng)]
    return _layers(rng, looks, points, depth, height / extent)


def still_puppet(rng: np.random.Generator, pictures: Pictures, size_px: int, height: float, centre: Array) -> Layer:
    """A figure that stands still."""
    return Layer(merged(layer.patch for layer in puppet(rng, pictures, size_px, 2, height, centre)))


def _wardrobe(rng: np.random.Generator) -> list[Array]:
    skin = np.array([0.85, 0.65, 0.52]) * rng.uniform(0.3, 1.1) if rng.random() < 0.7 else rng.uniform(0.1, 0.9, 3)
    return [np.asarray(colour, np.float32) for colour in (skin, *rng.uniform(0.05, 0.95, (3, 3)))]


def _captured(rng: np.random.Generator, motion: CapturedMotion, frames: int) -> tuple[Array, Array]:
    """Points (T + 1, P, 2), and depths (P,) at the start, of a piece of a captured motion seen from a random side, metres."""
    step_s = rng.uniform(0.02, 0.07)
    last = len(motion.positions) - 1
    span = frames * step_s / motion.frame_s
    first = rng.uniform(0, max(0.0, last - span))
    times = np.minimum(first + np.arange(frames + 1) * step_s / motion.frame_s, last)
    low = np.minimum(times.astype(int), last - 1)
    share = (times - low)[:, None, None]
    places = (1 - share) * motion.positions[low] + share * motion.positions[low + 1]
    # What is poked stays in the picture: the figure is followed most of the way it walks.
    places[..., ::2] -= places[:1, :1, ::2] + rng.uniform(0.75, 1.0) * (places[:, :1, ::2] - places[:1, :1, ::2])
    yaw = rng.uniform(0, 2 * np.pi)
    across = np.cos(yaw) * places[..., 0] + np.sin(yaw) * places[..., 2]
    depth = np.cos(yaw) * places[0, :, 2] - np.sin(yaw) * places[0, :, 0]
    return _connected(np.stack([across, -places[..., 1]], -1)), depth


def _connected(points: Array) -> Array:
    """The same poses with bounded foreshortening: a bone is never stretched by more than `LONGEST_STRETCH`."""
    bounded = points.copy()
    for point, parent in enumerate(_ALL_PARENTS):
        if parent < 0:
            continue
        bone = points[:, point] - points[:, parent]
        long = np.linalg.norm(bone, axis=-1, keepdims=True) + 1e-6
        kept = np.clip(long, max(long[0, 0], 0.05) / LONGEST_STRETCH, max(long[0, 0], 0.05) * LONGEST_STRETCH)
        bounded[:, point] = bounded[:, parent] + bone / long * kept
    return bounded


def _swung(rng: np.random.Generator, frames: int) -> tuple[Array, Array]:
    """Points and depths of a figure that stands in a random pose and is poked at a joint, metres."""
    rest = _rest_pose(rng)
    count = len(_ALL_PARENTS)
    moving = [point for point in range(count) if POINTS[point] not in ("pelvis", "right toes", "left toes")]
    poked = int(rng.choice(moving))
    # A point's angle turns the bone that ends there; the pelvis carries all.
    joints = random_joints(rng, list(_ALL_PARENTS), np.full(count, 1.3, np.float32))
    angle = float(rng.choice([-1, 1]) * (0.2 + rng.gamma(2.0, 0.2)))
    turns = poke(rng, joints, poked, angle, rng.uniform(0.05, 0.4), frames)
    points = np.repeat(rest[None], frames + 1, axis=0)
    total = np.zeros((frames + 1, count), np.float32)
    for point, parent in enumerate(_ALL_PARENTS):
        total[1:, point] = turns[:, point] + (total[1:, parent] if parent >= 0 else 0)
        if parent >= 0:
            bone = rest[point] - rest[parent]
            cos, sin = np.cos(total[:, point]), np.sin(total[:, point])
            points[:, point] = points[:, parent] + np.stack([cos * bone[0] - sin * bone[1], sin * bone[0] + cos * bone[1]], -1)
    return points, rng.normal(0, 0.05, count).astype(np.float32)


def _rest_pose(rng: np.random.Generator) -> Array:
    wide = rng.uniform(0.6, 1.2)
    rest = np.zeros((len(POINTS), 2), np.float32)
    bones: dict[str, tuple[float, float, float]] = {"chest": (0, -0.24, 0.1), "neck": (0, -0.22, 0.1), "head": (0, -0.24, 0.2)}
    for side, sign in (("right", 1), ("left", -1)):
        bones |= {
            f"{side} hip": (sign * 0.085 * wide, 0, 0.0),
            f"{side} knee": (sign * 0.06, 0.42, 0.3),
            f"{side} ankle": (0, 0.41, 0.3),
            f"{side} toes": (sign * 0.14, 0.05, 0.2),
            f"{side} shoulder": (sign * 0.18 * wide, -0.22, 0.0),
            f"{side} elbow": (sign * 0.16, 0.22, 0.9),
            f"{side} hand": (sign * 0.05, 0.26, 0.9),
        }
    for point, parent in enumerate(_ALL_PARENTS):
        if parent >= 0:
            x, y, freedom = bones[POINTS[point]]
            turn = rng.normal(0, freedom)
            cos, sin = np.cos(turn), np.sin(turn)
            rest[point] = rest[parent] + [cos * x - sin * y, sin * x + cos * y]
    return rest


def _layers(rng: np.random.Generator, looks: list[Look], points: Array, depth: Array, scale: float) -> list[Layer]:
    stout = rng.uniform(0.8, 1.3)
    sides = [(*_side(side), float(depth[_index(f"{side} shoulder")])) for side in ("right", "left")]
    sides.sort(key=lambda side: -side[2])
    torso, head = _Bone(0, 2, "torso", 1), _Bone(2, _index("head"), "head", 0)
    order = [*sides[0][0], *sides[1][0], *sides[0][1], torso, head, *sides[1][1]]
    return [_limb(rng, looks, bone, points, scale * stout) for bone in order]


def _limb(rng: np.random.Generator, looks: list[Look], bone: _Bone, points: Array, scale: float) -> Layer:
    first, last = points[0, bone.first], points[0, bone.last]
    radius = max(1.0, _WIDTHS[bone.part] * scale)
    look = looks[bone.wear]
    if bone.part == "head":
        patch = _head(rng, looks, first, last, radius)
    elif bone.part == "torso":
        patch = capsule(rng, look, first, last, (radius * 0.9, radius * 1.1))
    else:
        patch = capsule(rng, look, first, last, (radius, 0.8 * radius))
    return Layer(patch, _carried(points, bone))


def _head(rng: np.random.Generator, looks: list[Look], first: Array, last: Array, radius: float) -> Patch:
    middle = 0.55 * last + 0.45 * first
    turn = float(np.arctan2(*(last - first)[::-1]))
    hair = disc(rng, looks[3], 0.7 * last + 0.3 * first, (radius * 1.05, radius), turn)
    neck = capsule(rng, looks[0], first, middle, (0.5 * radius, 0.5 * radius))
    return merged([hair, neck, disc(rng, looks[0], middle, (1.1 * radius, 0.85 * radius), turn)])


def _carried(points: Array, bone: _Bone) -> Chain:
    """The affine maps that carry a bone of the start frame to each later one: turned, and stretched along itself."""
    span = points[:, bone.last] - points[:, bone.first]
    long = np.linalg.norm(span, axis=-1) + 1e-6
    unit = span / long[:, None]
    stretch = np.clip(long / long[0], 1 / LONGEST_STRETCH**2, LONGEST_STRETCH**2)
    turned = np.stack([unit, np.stack([-unit[:, 1], unit[:, 0]], -1)], -1)  # columns: along, across
    scaled = turned[1:] * np.stack([stretch[1:], np.ones_like(stretch[1:])], -1)[:, None]
    matrix = (scaled @ turned[0].T).astype(np.float32)
    offset = points[1:, bone.first] - matrix @ points[0, bone.first]
    return Chain((Affine(matrix, offset.astype(np.float32)),))
