"""Plants for procedural scenes: herbs, shrubs, grass tufts, fronds, rosettes, with leaves that ride on bending stems.

A plant is grown first (parts and joints in the start frame), then its joints are swung, or it is merged and stands still.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..pictures import Pictures
from .dynamics import poke, random_joints
from .motion import Array, Bend, Chain, Deformation, Follow
from .painting import Look, flower, leaf, placed_cutout, random_look, strip
from .scenes import Layer, Patch, merged


@dataclass(frozen=True)
class Joint:
    """Where a part bends: what lies `length` px from the anchor turns by the joint's angle."""

    anchor: Array
    length: float
    parent: int
    stiffness: float


@dataclass(frozen=True)
class Looks:
    """Looks of a plant's parts."""

    stem: Look
    leaf: Look
    petal: Look
    middle: Look


@dataclass
class Plant:
    """Joints, parents first, and parts from back to front, each with the number of its joint and whether it bends there.

    A part that does not bend at its joint (a flower head on its stem) is carried along stiffly.
    """

    joints: list[Joint] = field(default_factory=list)
    parts: list[tuple[Patch, int, Array | None]] = field(default_factory=list)

    def joint(self, anchor: Array, length: float, parent: int, stiffness: float) -> int:
        """Add a joint and return its number."""
        self.joints.append(Joint(anchor.astype(np.float32), length, parent, stiffness))
        return len(self.joints) - 1

    def add(self, patch: Patch, joint: int, carried_at: Array | None = None) -> None:
        """Add a part that bends at a joint, or that is carried by the joint's part at a place on it."""
        self.parts.append((patch, joint, carried_at))

    def still(self) -> Layer:
        """The plant as one layer that stands still."""
        return Layer(merged(patch for patch, _, _ in self.parts))

    def moving(self, rng: np.random.Generator, size_px: int, frames: int, light: bool = False) -> list[Layer]:
        """Poke a random joint, the larger the likelier, and let all swing.

        A poked leaf drags its stem along, which gives way by a share of the leaf's angle, and there may be wind. Where leaves are
        `light`, it gives way by a share of how far the leaf's end moves, without wind, and the poke is on the joint's own parts.
        """
        lengths = np.array([joint.length for joint in self.joints])
        touchable = np.isin(np.arange(len(lengths)), [joint for _, joint, _ in self.parts]) if light else True
        odds = lengths * touchable
        poked = int(rng.choice(len(odds), p=odds / odds.sum()))
        stiffness = np.array([1.0 if joint.parent < 0 else 1.6 for joint in self.joints], np.float32)
        joints = random_joints(rng, [joint.parent for joint in self.joints], stiffness)
        angle = float(rng.choice([-1, 1]) * (0.05 + rng.gamma(1.8, 0.1)) * size_px / lengths[poked])
        if light:
            angles = poke(rng, joints, poked, angle, rng.uniform(0.0, 0.2) * lengths / lengths[joints.parents], frames, wind=0.0)
        else:
            angles = poke(rng, joints, poked, angle, rng.uniform(0.1, 0.5), frames)
        bends = [Bend(j.anchor, j.length, j.stiffness, angles[:, n]) for n, j in enumerate(self.joints)]
        return [
            Layer(patch, self._motion(bends, joint, carried_at), touched=light and joint == poked)
            for patch, joint, carried_at in self.parts
        ]

    def _motion(self, bends: list[Bend], number: int, carried_at: Array | None) -> Chain:
        steps: list[Deformation] = [bends[number] if carried_at is None else Follow(bends[number], carried_at)]
        while (parent := self.joints[number].parent) >= 0:
            steps.append(Follow(bends[parent], self.joints[number].anchor))
            number = parent
        return Chain(tuple(steps))


def random_looks(rng: np.random.Generator, pictures: Pictures, green: Array) -> Looks:
    """Looks around one green; petals of any colour."""
    return Looks(
        random_look(rng, pictures, green * rng.uniform(0.6, 1.1), 0.1),
        random_look(rng, pictures, green, rng.uniform(0.05, 0.3)),
        random_look(rng, pictures, rng.uniform(0.2, 1.0, 3).astype(np.float32), 0.1),
        random_look(rng, pictures, rng.uniform(0.1, 0.9, 3).astype(np.float32), 0.05),
    )


def random_plant(rng: np.random.Generator, pictures: Pictures, looks: Looks, root: Array, lean: float, length: float) -> Plant:
    """A plant of a random kind from its root in the direction `lean` (radians, x towards y), about `length` px long."""
    kind = KINDS[rng.choice(len(KINDS), p=SHARES)]
    return kind(rng, pictures, looks, root.astype(np.float32), lean, length)


def _path(rng: np.random.Generator, root: Array, lean: float, length: float, bow: float, points: int = 16) -> Array:
    heights = np.linspace(0, 1, points)[:, None]
    direction = np.array([np.cos(lean), np.sin(lean)])
    across = np.array([-direction[1], direction[0]]) * rng.uniform(-bow, bow)
    return (root + length * (heights * direction + heights**2 * across)).astype(np.float32)


def _stem(rng: np.random.Generator, plant: Plant, looks: Looks, path: Array, parent: int, thickness: float) -> int:
    length = float(np.linalg.norm(np.ptp(path[[0, -1]], axis=0)))
    joint = plant.joint(path[0], length, parent, rng.uniform(0.8, 1.6))
    plant.add(strip(rng, looks.stem, path, thickness, max(1.0, 0.55 * thickness)), joint)
    return joint


def _leaves(rng: np.random.Generator, plant: Plant, looks: Looks, stem: int, path: Array, count: int, reach: float) -> None:
    lean = float(np.arctan2(*(path[-1] - path[0])[::-1]))
    slender = rng.uniform(0.1, 0.32)
    for number in range(count):
        at = path[min(len(path) - 1, int((0.15 + 0.85 * (number + rng.uniform(0, 0.8)) / count) * len(path)))]
        side = (-1) ** number if rng.random() < 0.8 else -((-1) ** number)
        size = reach * rng.uniform(0.7, 1.2)
        joint = plant.joint(at, size, stem, rng.uniform(0.0, 0.8))
        plant.add(leaf(rng, looks.leaf, at, lean + side * rng.uniform(0.4, 1.4), size, slender), joint)


def _herb(rng: np.random.Generator, pictures: Pictures, looks: Looks, root: Array, lean: float, length: float) -> Plant:
    plant, path = Plant(), _path(rng, root, lean, length, 0.25)
    stem = _stem(rng, plant, looks, path, -1, max(1.5, length * rng.uniform(0.025, 0.06)))
    _leaves(rng, plant, looks, stem, path, int(rng.integers(3, 11)), length * rng.uniform(0.2, 0.45))
    if rng.random() < 0.65:
        _head(rng, plant, pictures, looks, stem, path[-1], length * rng.uniform(0.25, 0.6))
    return plant


def _head(
    rng: np.random.Generator, plant: Plant, pictures: Pictures, looks: Looks, stem: int, centre: Array, extent: float
) -> None:
    if pictures.cutouts and rng.random() < 0.25:
        plant.add(placed_cutout(rng, pictures, extent, centre, tilt=90), stem, centre)
    else:
        plant.add(flower(rng, looks.petal, looks.middle, centre, extent), stem, centre)


def _shrub(rng: np.random.Generator, pictures: Pictures, looks: Looks, root: Array, lean: float, length: float) -> Plant:
    plant, path = Plant(), _path(rng, root, lean, length * rng.uniform(0.6, 1), 0.2)
    thickness = max(1.8, length * rng.uniform(0.03, 0.07))
    stem = _stem(rng, plant, looks, path, -1, thickness)
    for number in range(int(rng.integers(2, 5))):
        at = path[int(rng.uniform(0.3, 0.9) * len(path))]
        side = (-1) ** number * rng.uniform(0.4, 1.1)
        branch = _path(rng, at, lean + side, length * rng.uniform(0.35, 0.6), 0.25, 10)
        joint = _stem(rng, plant, looks, branch, stem, max(1.2, 0.6 * thickness))
        _leaves(rng, plant, looks, joint, branch, int(rng.integers(3, 6)), length * rng.uniform(0.14, 0.28))
        if rng.random() < 0.3:
            _head(rng, plant, pictures, looks, joint, branch[-1], length * rng.uniform(0.15, 0.3))
    _leaves(rng, plant, looks, stem, path, int(rng.integers(0, 4)), length * rng.uniform(0.15, 0.3))
    return plant


def _tuft(rng: np.random.Generator, pictures: Pictures, looks: Looks, root: Array, lean: float, length: float) -> Plant:
    """Blades on one root that hardly bends: a poked blade pulls the others a little."""
    plant = Plant()
    crown = plant.joint(root, length, -1, 0.0)
    spread, width = rng.uniform(0.03, 0.15) * length, max(1.8, length * rng.uniform(0.025, 0.06))
    for _ in range(int(rng.integers(7, 16))):
        foot = root + np.array([-np.sin(lean), np.cos(lean)]) * rng.normal(0, spread)
        blade = _path(rng, foot, lean + rng.normal(0, 0.35), length * rng.uniform(0.5, 1), 0.5, 10)
        joint = plant.joint(blade[0], float(np.linalg.norm(blade[-1] - blade[0])), crown, rng.uniform(0.8, 1.5))
        plant.add(strip(rng, looks.leaf, blade, width, 0.4 * width), joint)
    return plant


def _frond(rng: np.random.Generator, pictures: Pictures, looks: Looks, root: Array, lean: float, length: float) -> Plant:
    plant, path = Plant(), _path(rng, root, lean, length, 0.5, 20)
    stem = _stem(rng, plant, looks, path, -1, max(1.4, 0.03 * length))
    slender, reach, open_angle = rng.uniform(0.12, 0.25), length * rng.uniform(0.2, 0.4), rng.uniform(0.6, 1.3)
    for number in range(4, 20, 2 if rng.random() < 0.6 else 3):
        tangent = path[number] - path[number - 1]
        along = float(np.arctan2(tangent[1], tangent[0]))
        for side in (-1, 1):
            size = reach * (0.35 + 0.65 * np.sin(np.pi * (number / 20) ** 0.8)) + 1
            joint = plant.joint(path[number], size, stem, rng.uniform(0.1, 0.6))
            plant.add(leaf(rng, looks.leaf, path[number], along + side * open_angle, size, slender), joint)
    return plant


def _rosette(rng: np.random.Generator, pictures: Pictures, looks: Looks, root: Array, lean: float, length: float) -> Plant:
    plant = Plant()
    crown = plant.joint(root, length, -1, 0.0)
    count, fan = int(rng.integers(5, 12)), rng.uniform(0.8, 1.6)
    order = rng.permutation(count)
    slender = rng.uniform(0.06, 0.25)
    for number in order:
        angle = lean + fan * (2 * number / (count - 1) - 1) + rng.normal(0, 0.1)
        size = length * rng.uniform(0.6, 1.0)
        joint = plant.joint(root + rng.normal(0, 0.02 * length, 2), size, crown, rng.uniform(0.3, 1.2))
        plant.add(leaf(rng, looks.leaf, plant.joints[joint].anchor, angle, size, slender), joint)
    if rng.random() < 0.3:
        stalk = _path(rng, root, lean, length * rng.uniform(0.8, 1.1), 0.2)
        stem = _stem(rng, plant, looks, stalk, crown, max(1.3, 0.03 * length))
        _head(rng, plant, pictures, looks, stem, stalk[-1], length * rng.uniform(0.2, 0.4))
    return plant


KINDS: tuple[Callable[[np.random.Generator, Pictures, Looks, Array, float, float], Plant], ...] = (
    _herb,
    _shrub,
    _tuft,
    _frond,
    _rosette,
)
SHARES = (0.35, 0.25, 0.12, 0.14, 0.14)
