"""Analytic deformations of the plane with exact inverses, and the damped oscillators that drive them.

Every deformation maps a position `q` in the start frame to its position at each of T later times. Positions and
displacements are in pixels of the working resolution, (..., 2) as (x, y), y down. No torch, no pictures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

NOWHERE = -4096.0
"""Either coordinate of a place that no picture has."""


def response(rng: np.random.Generator, frames: int, frequency: float, damping: float, arrive: bool) -> Array:
    """Return the (T,) answer of a damped oscillator to a push, scaled to a largest magnitude of one.

    With `arrive` the push is a step (`1 - exp(-d t) (cos w t + d/w sin w t)`, it settles where it was pushed), without
    it an impulse (`exp(-d t) sin w t`, it swings back). `frequency` is in cycles a clip, `damping` relative to critical.
    """
    time = np.arange(1, frames + 1, dtype=np.float32) / frames
    omega = 2 * np.pi * frequency
    decay = damping * omega
    damped = omega * np.sqrt(max(1e-4, 1 - damping**2))
    swing = np.exp(-decay * time)
    if arrive:
        curve = 1 - swing * (np.cos(damped * time) + decay / damped * np.sin(damped * time))
    else:
        curve = swing * np.sin(damped * time + rng.uniform(0, 0.3))
    return (curve / max(1e-3, float(np.abs(curve).max()))).astype(np.float32)


def length(offset: Array) -> Array:
    """Lengths (...) of offsets (..., 2)."""
    x, y = offset[..., 0], offset[..., 1]
    return np.asarray(np.sqrt(x * x + y * y))


def rotate(offset: Array, angle: Array) -> Array:
    """Rotate offsets (..., 2) by angles (...) in radians; positive turns x towards y (clockwise on the screen)."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = offset[..., 0], offset[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1).astype(np.float32)


class _Turn(ABC):
    """Turning about an anchor by an angle that depends on the distance to it.

    The distance is kept, so the inverse is the same turn with the opposite angle: exact.
    """

    anchor: Array
    angle: Array

    @abstractmethod
    def share(self, distance: Array) -> Array:
        """Share of the angle that applies at distances (...) px from the anchor."""

    def angles_at(self, position: Array) -> Array:
        """Turning angles (..., ) of positions (..., 2) whose first axis is time or broadcasts against it."""
        distance = length(position - self.anchor)
        angle = self.angle.reshape(-1, *([1] * (distance.ndim - 1)))
        return (angle * self.share(distance)).astype(np.float32)

    def forward(self, position: Array) -> Array:
        """Carry (1 or T, ..., 2) from the start frame to each time: (T, ..., 2)."""
        return self.anchor + rotate(position - self.anchor, self.angles_at(position))

    def inverse(self, position: Array) -> Array:
        """Undo `forward`."""
        return self.anchor + rotate(position - self.anchor, -self.angles_at(position))


@dataclass(frozen=True)
class Bend(_Turn):
    """Bending about an anchor: what lies at distance d turns by `angle(t) * (d / length) ** stiffness`."""

    anchor: Array  # (2,)
    length: float
    stiffness: float
    angle: Array  # (T,)

    def share(self, distance: Array) -> Array:
        """Share of the angle that applies at distances (...) px from the anchor."""
        return np.asarray(np.minimum(distance / self.length, 1.5) ** self.stiffness)


@dataclass(frozen=True)
class Hinge(_Turn):
    """A soft joint: within `radius` px of the anchor the turn sets in smoothly, beyond it is rigid."""

    anchor: Array  # (2,)
    radius: float
    angle: Array  # (T,)

    def share(self, distance: Array) -> Array:
        """Share of the angle that applies at distances (...) px from the anchor."""
        near = np.minimum(distance / self.radius, 1.0)
        return np.asarray(near * near * (3 - 2 * near))


@dataclass(frozen=True)
class Follow:
    """Rigid motion of a part that hangs on a bending parent at `joint`: it moves and turns with the parent there."""

    parent: Bend | Hinge
    joint: Array  # (2,)

    def forward(self, position: Array) -> Array:
        """Carry (1 or T, ..., 2) from the start frame to each time: (T, ..., 2)."""
        target, angle = self._frame(position.ndim)
        return target + rotate(position - self.joint, angle)

    def inverse(self, position: Array) -> Array:
        """Undo `forward`."""
        target, angle = self._frame(position.ndim)
        return self.joint + rotate(position - target, -angle)

    def _frame(self, dimensions: int) -> tuple[Array, Array]:
        joint = self.joint.reshape(*([1] * (dimensions - 1)), 2)
        return self.parent.forward(joint), self.parent.angles_at(joint)


@dataclass(frozen=True)
class Bumps:
    """Sum of Gaussian pulls: `q + sum_m shift_m(t) exp(-|q - centre_m|^2 / (2 radius_m^2))`.

    The inverse is a fixed-point iteration, which converges because the shifts are kept under the radii.
    """

    centres: Array  # (M, 2)
    radii: Array  # (M,)
    shifts: Array  # (T, M, 2)

    def forward(self, position: Array) -> Array:
        """Carry (1 or T, ..., 2) from the start frame to each time: (T, ..., 2)."""
        return position + self._displacement(position)

    def inverse(self, position: Array, iterations: int = 12) -> Array:
        """Undo `forward` to about a hundredth of a pixel."""
        guess = position
        for _ in range(iterations):
            guess = position - self._displacement(guess)
        return guess

    def _displacement(self, position: Array) -> Array:
        total = np.zeros((len(self.shifts), *position.shape[1:]), np.float32)
        for centre, radius, shift in zip(self.centres, self.radii, self.shifts.swapaxes(0, 1), strict=True):
            offset = position - centre
            weight = np.exp(-(offset**2).sum(-1, keepdims=True) / (2 * radius**2))
            total += weight * shift.reshape(-1, *([1] * (position.ndim - 2)), 2)
        return total


@dataclass(frozen=True)
class Shift:
    """Translation by `offset(t)`, (T, 2)."""

    offset: Array

    def forward(self, position: Array) -> Array:
        """Carry (1 or T, ..., 2) from the start frame to each time: (T, ..., 2)."""
        return position + self.offset.reshape(-1, *([1] * (position.ndim - 2)), 2)

    def inverse(self, position: Array) -> Array:
        """Undo `forward`."""
        return position - self.offset.reshape(-1, *([1] * (position.ndim - 2)), 2)


@dataclass(frozen=True)
class Affine:
    """An affine map for each time: `matrix(t) q + offset(t)`, (T, 2, 2) and (T, 2)."""

    matrix: Array
    offset: Array

    def forward(self, position: Array) -> Array:
        """Carry (1 or T, ..., 2) from the start frame to each time: (T, ..., 2)."""
        return _times(self.matrix, position) + self.offset.reshape(-1, *([1] * (position.ndim - 2)), 2)

    def inverse(self, position: Array) -> Array:
        """Undo `forward`."""
        inverse = np.linalg.inv(self.matrix).astype(np.float32)
        return _times(inverse, position - self.offset.reshape(-1, *([1] * (position.ndim - 2)), 2))


def _times(matrix: Array, position: Array) -> Array:
    entries = matrix.reshape(-1, *([1] * (position.ndim - 2)), 2, 2)
    x, y = position[..., 0], position[..., 1]
    rows = [entries[..., row, 0] * x + entries[..., row, 1] * y for row in (0, 1)]
    return np.stack(rows, axis=-1).astype(np.float32)


@dataclass(frozen=True)
class Ripple:
    """Travelling waves in a sheet that is pinned along a line: cloth.

    `q + w(q) sum_m amplitude_m(t) direction_m sin(number_m . q - phase_m(t))` with `w` rising from 0 on the pinned line to 1
    at `length` px from it and on. The inverse is a fixed-point iteration, which converges while amplitude times slope stays
    under 0.6.
    """

    pin: Array  # (2,), a point of the pinned line
    away: Array  # (2,), unit vector from the line into the sheet
    length: float
    numbers: Array  # (M, 2) radians a px
    directions: Array  # (M, 2)
    amplitudes: Array  # (T, M) px
    phases: Array  # (T, M)

    def forward(self, position: Array) -> Array:
        """Carry (1 or T, ..., 2) from the start frame to each time: (T, ..., 2)."""
        return position + self._displacement(position)

    def inverse(self, position: Array, iterations: int = 20) -> Array:
        """Undo `forward` to about a hundredth of a pixel."""
        guess = position
        for _ in range(iterations):
            guess = position - self._displacement(guess)
        return guess

    def _displacement(self, position: Array) -> Array:
        weight = np.clip((position - self.pin) @ self.away / self.length, 0, 1)
        total = np.zeros((len(self.phases), *position.shape[1:]), np.float32)
        for m, (number, direction) in enumerate(zip(self.numbers, self.directions, strict=True)):
            shape = (-1, *([1] * (position.ndim - 2)))
            wave = self.amplitudes[:, m].reshape(shape) * np.sin(position @ number - self.phases[:, m].reshape(shape))
            total += (weight * wave)[..., None] * direction
        return total


@dataclass(frozen=True)
class Sampled:
    """A motion that is known at pixels: exact there, elsewhere that of the nearest pixel.

    `there` (T, h, w, 2) are displacements of the start frame's pixels from `start` (x, y) on, zero beyond them; `origins`
    (T, H, W, 2) are the places that the later frames show at their pixels from `later` on, `NOWHERE` where they show nothing.
    """

    there: Array
    start: tuple[int, int]
    origins: Array
    later: tuple[int, int]

    def forward(self, position: Array) -> Array:
        """Carry (1 or T, ..., 2) from the start frame to each time: (T, ..., 2)."""
        return position + _looked_up(self.there, self.start, position, 0.0)

    def inverse(self, position: Array) -> Array:
        """Undo `forward`; `NOWHERE` where nothing is seen."""
        nearest = np.rint(position)
        return _looked_up(self.origins, self.later, nearest, NOWHERE) + (position - nearest)

    def window(self) -> Array:
        """The corners (2, 2) as (x, y) of what is seen of it later."""
        height, width = self.origins.shape[1:3]
        return np.array([self.later, (self.later[0] + width - 1, self.later[1] + height - 1)], np.float32)


def _looked_up(fields: Array, corner: tuple[int, int], position: Array, otherwise: float) -> Array:
    """Fields (T, h, w, 2) at the pixels nearest to positions (1 or T, ..., 2): (T, ..., 2)."""
    frames, height, width = fields.shape[:3]
    columns, rows = (np.rint(position[..., axis]).astype(np.int64) - corner[axis] for axis in (0, 1))
    known = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    times = np.arange(frames).reshape(-1, *([1] * (position.ndim - 2)))
    found = fields[times, np.where(known, rows, 0), np.where(known, columns, 0)]
    return np.where(known[..., None], found, np.float32(otherwise)).astype(np.float32)


Deformation = Bend | Hinge | Follow | Bumps | Shift | Affine | Ripple | Sampled


@dataclass(frozen=True)
class Chain:
    """Deformations applied one after the other; an empty chain stands still."""

    parts: tuple[Deformation, ...] = field(default=())

    def forward(self, position: Array, frames: int) -> Array:
        """Carry (..., 2) of the start frame to each of T times: (T, ..., 2)."""
        moved = np.broadcast_to(position, (frames, *position.shape)).astype(np.float32)
        for part in self.parts:
            moved = part.forward(moved)
        return moved

    def outline(self, perimeter: Array, frames: int) -> Array:
        """Points (..., 2) around all that is later seen of a patch whose perimeter (N, 2) is given."""
        if self.parts and isinstance(self.parts[-1], Sampled):
            return self.parts[-1].window()
        return self.forward(perimeter, frames)

    def inverse(self, position: Array, frames: int) -> Array:
        """Where each position (..., 2) of each later frame was in the start frame: (T, ..., 2)."""
        origin = np.broadcast_to(position, (frames, *position.shape)).astype(np.float32)
        for part in reversed(self.parts):
            origin = part.inverse(origin)
        return origin
