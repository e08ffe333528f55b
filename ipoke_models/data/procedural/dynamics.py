"""Damped joints that hang on each other: how the parts of a plant, an animal or a puppet swing after a push.

Each joint is a driven damped oscillator in its parent's frame. A child lags behind because its parent's acceleration
pushes it the other way: `a = w^2 (target + wind - angle) - 2 d w v - inertia * parent's acceleration`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .motion import Array

SUBSTEPS = 8
LARGEST_ANGLE = 0.9
STRONGEST_WIND = 0.2


@dataclass(frozen=True)
class Joints:
    """J joints: number of the parent (-1 for none, parents first), cycles a clip, damping relative to critical, inertia."""

    parents: NDArray[np.int64]
    frequency: Array
    damping: Array
    inertia: Array


@dataclass(frozen=True)
class Push:
    """What sets J joints in motion: angles they are held at from now on, speeds they start with, and gusts."""

    held: Array
    """(J,) radians."""
    speed: Array
    """(J,) radians a clip."""
    gusts: Array
    """(J,) radians, the largest push of the wind."""


def random_joints(rng: np.random.Generator, parents: list[int], stiffness: Array) -> Joints:
    """Joints of one body: like each other, the stiffer the faster."""
    count = len(parents)
    frequency = rng.uniform(0.3, 1.0) * stiffness * rng.uniform(0.85, 1.2, count)
    damping = rng.uniform(0.1, 0.6) * rng.uniform(0.8, 1.25, count)
    return Joints(
        np.array(parents, np.int64),
        frequency.astype(np.float32),
        damping.astype(np.float32),
        (rng.uniform(0.0, 0.7) * rng.uniform(0.6, 1.0, count)).astype(np.float32),
    )


def poke(
    rng: np.random.Generator,
    joints: Joints,
    poked: int,
    angle: float,
    reaction: float | Array,
    frames: int,
    wind: float = STRONGEST_WIND,
) -> Array:
    """Angles (T, J) in radians after a poke that turns one joint by about `angle` in the end; none over `LARGEST_ANGLE`.

    The poked joint is held where it was pushed or let go again. A joint's parent gives way by a share of its angle,
    one `reaction` for all or (J,), and so on towards the root; what hangs on them lags behind, and there may be `wind`,
    radians at most.
    """
    push = _push(rng, joints, poked, reaction, wind)
    angles = swing(rng, joints, push, frames)
    reached = max(abs(float(angles[-1, poked])), 0.4 * float(np.abs(angles[:, poked]).max()), 0.05)
    return (LARGEST_ANGLE * np.tanh(angles * angle / reached / LARGEST_ANGLE)).astype(np.float32)


def _push(rng: np.random.Generator, joints: Joints, poked: int, reaction: float | Array, wind: float) -> Push:
    wanted = np.zeros(len(joints.parents), np.float32)
    reactions = np.broadcast_to(reaction, wanted.shape)
    share, joint = 1.0, poked
    while joint >= 0:
        wanted[joint] += share
        share, joint = share * float(reactions[joint]), int(joints.parents[joint])
    gusts = np.full_like(wanted, rng.choice([0.0, 0.0, rng.uniform(0.0, wind)]))
    still = np.zeros_like(wanted)
    if rng.random() < 0.25:
        return Push(still, wanted * 2 * np.pi * joints.frequency, gusts)
    return Push(wanted, still, gusts)


def swing(rng: np.random.Generator, joints: Joints, push: Push, frames: int) -> Array:
    """Angles (T, J) in radians, zero at the start frame."""
    omega = 2 * np.pi * joints.frequency
    wind = _gusts(rng, frames)
    step_s = 1 / (frames * SUBSTEPS)
    angle, speed = np.zeros_like(omega), push.speed.copy()
    absolute = np.zeros(len(omega) + 1, np.float32)
    angles = []
    for number in range(frames * SUBSTEPS):
        drive = push.held + push.gusts * wind[number] - angle
        acceleration = omega**2 * drive - 2 * joints.damping * omega * speed - joints.inertia * absolute[joints.parents]
        absolute[:-1] = acceleration + absolute[joints.parents]
        speed = speed + acceleration * step_s
        angle = angle + speed * step_s
        if number % SUBSTEPS == SUBSTEPS - 1:
            angles.append(angle)
    return np.stack(angles).astype(np.float32)


def _gusts(rng: np.random.Generator, frames: int) -> Array:
    """Wind that starts from calm and swells, at most one in magnitude: (T * SUBSTEPS,)."""
    knots = np.concatenate([[0.0], np.cumsum(rng.normal(0, 0.5, 4))])
    curve = np.interp(np.linspace(0, 4, frames * SUBSTEPS), np.arange(5), knots)
    return (curve / max(1.0, float(np.abs(curve).max()))).astype(np.float32)
