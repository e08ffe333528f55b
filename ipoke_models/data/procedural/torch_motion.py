"""The deformations of `motion.py` in torch, for many layers at once and on any device.

Chains with the same kinds of steps are stacked, so that one call moves the points of all of them: positions (N, P, T, 2) px
of N layers, P points and T times. Nothing here waits for the device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .motion import NOWHERE, Affine, Array, Bend, Bumps, Chain, Deformation, Follow, Hinge, Ripple, Sampled, Shift

BUMPS_ITERATIONS, RIPPLE_ITERATIONS = 12, 20


@dataclass(frozen=True)
class Step:
    """One step of N stacked chains: both ways, positions (N, P, T or 1, 2) -> (N, P, T, 2)."""

    forward: Callable[[Tensor], Tensor]
    inverse: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Motion:
    """N stacked chains; without steps they stand still."""

    steps: tuple[Step, ...]

    def forward(self, position: Tensor) -> Tensor:
        """Carry (N, P, T or 1, 2) of the start frame to each time."""
        for step in self.steps:
            position = step.forward(position)
        return position

    def inverse(self, position: Tensor) -> Tensor:
        """Where each position (N, P, T or 1, 2) of each later frame was in the start frame."""
        for step in reversed(self.steps):
            position = step.inverse(position)
        return position


def signature(chain: Chain) -> tuple[str, ...]:
    """The kinds of a chain's steps: chains of the same signature can be stacked."""
    return tuple(_kind(part) for part in chain.parts)


def stack(chains: Sequence[Chain], device: torch.device) -> Motion:
    """Stack N chains of one signature; their parameters go to the device here and nowhere else."""
    columns = zip(*(chain.parts for chain in chains), strict=True)
    return Motion(tuple(_MAKERS[_kind(column[0]).partition(" ")[0]](column, device) for column in columns))


def _kind(part: Deformation) -> str:
    name = type(part).__name__
    return f"{name} {type(part.parent).__name__}" if isinstance(part, Follow) else name


def _tensor(values: Sequence[object], device: torch.device, *shape: int) -> Tensor:
    """Parameters of N steps, (N, *shape), as float32 on the device."""
    stacked = torch.from_numpy(np.stack([np.asarray(value, np.float32) for value in values]))
    return stacked.view(len(values), *shape).to(device)


def _rotate(offset: Tensor, angle: Tensor) -> Tensor:
    cos, sin = torch.cos(angle), torch.sin(angle)
    x, y = offset[..., 0], offset[..., 1]
    return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)


@dataclass(frozen=True)
class _Turn:
    """Turns about anchors (N, 1, 1, 2) by angles (N, 1, T) times a share that depends on the distance in units of `reach`."""

    anchor: Tensor
    angle: Tensor
    reach: Tensor
    stiffness: Tensor | None
    """(N, 1, 1), of bends; hinges have none."""

    def angles_at(self, position: Tensor) -> Tensor:
        x, y = (position - self.anchor).unbind(-1)
        distance = torch.sqrt(x * x + y * y) / self.reach
        if self.stiffness is not None:
            return self.angle * distance.clamp(max=1.5) ** self.stiffness
        near = distance.clamp(max=1.0)
        return self.angle * (near * near * (3 - 2 * near))

    def turned(self, position: Tensor, sign: float) -> Tensor:
        return self.anchor + _rotate(position - self.anchor, sign * self.angles_at(position))


def _turn(parts: Sequence[Deformation], device: torch.device) -> _Turn:
    turns = [part for part in parts if isinstance(part, Bend | Hinge)]
    bends = [turn for turn in turns if isinstance(turn, Bend)]
    return _Turn(
        _tensor([turn.anchor for turn in turns], device, 1, 1, 2),
        _tensor([turn.angle for turn in turns], device, 1, -1),
        _tensor([turn.length if isinstance(turn, Bend) else turn.radius for turn in turns], device, 1, 1),
        _tensor([bend.stiffness for bend in bends], device, 1, 1) if bends else None,
    )


def _turning(parts: Sequence[Deformation], device: torch.device) -> Step:
    turn = _turn(parts, device)
    return Step(partial(turn.turned, sign=1.0), partial(turn.turned, sign=-1.0))


def _following(parts: Sequence[Deformation], device: torch.device) -> Step:
    follows = [part for part in parts if isinstance(part, Follow)]
    parent = _turn([follow.parent for follow in follows], device)
    joint = _tensor([follow.joint for follow in follows], device, 1, 1, 2)
    target, angle = parent.turned(joint, 1.0), parent.angles_at(joint)
    return Step(
        lambda position: target + _rotate(position - joint, angle),
        lambda position: joint + _rotate(position - target, -angle),
    )


def _shifting(parts: Sequence[Deformation], device: torch.device) -> Step:
    offset = _tensor([part.offset for part in parts if isinstance(part, Shift)], device, 1, -1, 2)
    return Step(lambda position: position + offset, lambda position: position - offset)


def _mapping(parts: Sequence[Deformation], device: torch.device) -> Step:
    maps = [part for part in parts if isinstance(part, Affine)]
    offset = _tensor([part.offset for part in maps], device, 1, -1, 2)
    there, back = (
        _tensor(matrices, device, 1, -1, 2, 2)
        for matrices in ([part.matrix for part in maps], [np.linalg.inv(part.matrix) for part in maps])
    )
    return Step(lambda position: _times(there, position) + offset, lambda position: _times(back, position - offset))


def _times(matrix: Tensor, position: Tensor) -> Tensor:
    x, y = position[..., 0], position[..., 1]
    return torch.stack([matrix[..., row, 0] * x + matrix[..., row, 1] * y for row in (0, 1)], dim=-1)


def _displacing(displacement: Callable[[Tensor], Tensor], iterations: int) -> Step:
    def inverse(position: Tensor) -> Tensor:
        guess = position
        for _ in range(iterations):
            guess = position - displacement(guess)
        return guess

    return Step(lambda position: position + displacement(position), inverse)


def _padded(arrays: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.float32]]], axis: int, fill: float) -> list[object]:
    """Bring arrays to the same length along an axis."""
    most = max(array.shape[axis] for array in arrays)
    rests = [[(0, most - array.shape[axis] if axis == number else 0) for number in range(array.ndim)] for array in arrays]
    return [np.pad(array, rest, constant_values=fill) for array, rest in zip(arrays, rests, strict=True)]


def _bulging(parts: Sequence[Deformation], device: torch.device) -> Step:
    bumps = [part for part in parts if isinstance(part, Bumps)]
    count = max(len(part.radii) for part in bumps)
    centres = _tensor(_padded([part.centres for part in bumps], 0, 0.0), device, 1, 1, count, 2).unbind(-2)
    radii = _tensor(_padded([part.radii for part in bumps], 0, 1.0), device, 1, 1, count).unbind(-1)
    shifts = _tensor(_padded([part.shifts for part in bumps], 1, 0.0), device, 1, -1, count, 2).unbind(-2)

    def displacement(position: Tensor) -> Tensor:
        total = torch.zeros_like(position)
        for centre, radius, shift in zip(centres, radii, shifts, strict=True):
            weight = torch.exp(-((position - centre) ** 2).sum(-1) / (2 * radius**2))
            total = total + weight[..., None] * shift
        return total

    return _displacing(displacement, BUMPS_ITERATIONS)


def _rippling(parts: Sequence[Deformation], device: torch.device) -> Step:
    ripples = [part for part in parts if isinstance(part, Ripple)]
    count = max(len(part.numbers) for part in ripples)
    pin = _tensor([part.pin for part in ripples], device, 1, 1, 2)
    away = _tensor([part.away for part in ripples], device, 1, 1, 2)
    length = _tensor([part.length for part in ripples], device, 1, 1)
    numbers = _tensor(_padded([part.numbers for part in ripples], 0, 0.0), device, 1, 1, count, 2).unbind(-2)
    directions = _tensor(_padded([part.directions for part in ripples], 0, 0.0), device, 1, 1, count, 2).unbind(-2)
    amplitudes = _tensor(_padded([part.amplitudes for part in ripples], 1, 0.0), device, 1, -1, count).unbind(-1)
    phases = _tensor(_padded([part.phases for part in ripples], 1, 0.0), device, 1, -1, count).unbind(-1)

    def displacement(position: Tensor) -> Tensor:
        weight = (((position - pin) * away).sum(-1) / length).clamp(0, 1)
        total = torch.zeros_like(position)
        for number, direction, amplitude, phase in zip(numbers, directions, amplitudes, phases, strict=True):
            wave = amplitude * torch.sin((position * number).sum(-1) - phase)
            total = total + (weight * wave)[..., None] * direction
        return total

    return _displacing(displacement, RIPPLE_ITERATIONS)


def _sampled(parts: Sequence[Deformation], device: torch.device) -> Step:
    motions = [part for part in parts if isinstance(part, Sampled)]
    there = _Fields.of([part.there for part in motions], [part.start for part in motions], 0.0, device)
    origins = _Fields.of([part.origins for part in motions], [part.later for part in motions], NOWHERE, device)
    return Step(
        lambda position: position + there.at(position),
        lambda position: origins.at(position) + (position - position.round()),
    )


@dataclass(frozen=True)
class _Fields:
    """Fields (N, T, h, w, 2) from corners (N, 1, 1, 2) as (x, y) on; their outermost pixels hold what lies beyond them."""

    values: Tensor
    corners: Tensor

    @classmethod
    def of(cls, fields: Sequence[Array], corners: Sequence[tuple[int, int]], otherwise: float, device: torch.device) -> _Fields:
        height, width = (max(field.shape[axis] for field in fields) + 2 for axis in (1, 2))
        values = np.full((len(fields), len(fields[0]), height, width, 2), otherwise, np.float32)
        for value, field in zip(values, fields, strict=True):
            value[:, 1 : field.shape[1] + 1, 1 : field.shape[2] + 1] = field
        starts = [(x - 1, y - 1) for x, y in corners]
        return cls(torch.from_numpy(values).to(device), _tensor(starts, device, 1, 1, 2))

    def at(self, position: Tensor) -> Tensor:
        """The fields at the pixels nearest to positions (N, P, T or 1, 2): (N, P, T, 2)."""
        count, frames, height, width = self.values.shape[:4]
        most = torch.tensor([width - 1, height - 1], device=position.device)
        columns, rows = torch.minimum((position.round() - self.corners).long().clamp(min=0), most).unbind(-1)
        layers = torch.arange(count, device=position.device)[:, None, None]
        return self.values[layers, torch.arange(frames, device=position.device), rows, columns]


_MAKERS: dict[str, Callable[[Sequence[Deformation], torch.device], Step]] = {
    "Bend": _turning,
    "Hinge": _turning,
    "Follow": _following,
    "Shift": _shifting,
    "Affine": _mapping,
    "Bumps": _bulging,
    "Ripple": _rippling,
    "Sampled": _sampled,
}
