"""Elastic bodies with mass: how a thing answers over time to being held here and pulled there.

The energy is that of `ipoke_body`, as rigid as possible, with inertia, friction and a pull towards rest. One step of Newton's
method an instant (Baraff and Witkin, *Large Steps in Cloth Simulation*, SIGGRAPH 1998); the part of the Hessian that may be
negative is bounded, so that a step always descends. Places are in px, times in frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ipoke_body.mesh import Indices
from ipoke_body.solver import Edges

Places = NDArray[np.float64]
Weights = NDArray[np.float64]

SUBSTEPS = 3
_HARD = 60.0
"""What holds a handle, in the stiffest of a body's diagonal: it gives way by less than a hundredth of the pull."""
_NO_MODE = 1e-10  # of the largest: motions against which nothing stands


@dataclass(frozen=True)
class Tissue:
    """V vertices at rest (V, 2), the edges between them and their masses (V,), 1 on average."""

    rest: Places
    edges: Edges
    mass: Weights

    @classmethod
    def even(cls, rest: Places, triangles: Indices) -> Tissue:
        """Vertices (V, 2) of triangles (F, 3), everywhere alike."""
        return cls(rest, Edges.of(triangles, np.ones(len(triangles))), np.ones(len(rest)))

    @cached_property
    def sides(self) -> NDArray[np.complex128]:
        """The edges (E,) at rest."""
        rest = self.rest[:, 0] + 1j * self.rest[:, 1]
        return np.asarray(rest[self.edges.one] - rest[self.edges.other])

    @cached_property
    def hardness(self) -> float:
        """The weight of handles that hold."""
        return _HARD * float(np.add.reduceat(self.edges.weight, self.edges.starts).max())

    def laplacian(self) -> Weights:
        """The quadratic part of the energy, (V, V)."""
        edges, matrix = self.edges, np.zeros((len(self.rest),) * 2)
        matrix[edges.one, edges.other] = -edges.weight
        matrix[np.diag_indices_from(matrix)] = np.add.reduceat(edges.weight, edges.starts)
        return matrix

    def bent(self, pose: Places) -> tuple[Weights, Weights]:
        """Gradient (2 V,) and Hessian (2 V, 2 V) of the energy, the unknowns being all x and then all y."""
        edges, count = self.edges, len(self.rest)
        place = pose[:, 0] + 1j * pose[:, 1]
        moved = place[edges.one] - place[edges.other]
        turned = np.add.reduceat(edges.weight * np.conj(self.sides) * moved, edges.starts)
        size = np.abs(turned) + 1e-12
        rotation = turned / size
        mean = (rotation[edges.one] + rotation[edges.other]) / 2
        force = np.add.reduceat(edges.weight * (moved - mean * self.sides), edges.starts)
        arms = edges.weight * rotation[edges.one] * self.sides / np.sqrt(2 * np.maximum(size, self._sizes))[edges.one]
        turns = np.zeros((count, 2 * count))
        turns[edges.one, edges.other], turns[edges.one, edges.other + count] = arms.imag, -arms.real
        own = np.add.reduceat(arms, edges.starts)
        each = np.arange(count)
        turns[each, each], turns[each, each + count] = -own.imag, own.real
        return np.concatenate([force.real, force.imag]), self._twice - turns.T @ turns

    @cached_property
    def _sizes(self) -> Weights:
        return np.asarray(np.add.reduceat(self.edges.weight * np.abs(self.sides) ** 2, self.edges.starts))

    @cached_property
    def _twice(self) -> Weights:
        return np.kron(np.eye(2), self.laplacian())

    def softest(self, held: Weights) -> float:
        """Stiffness over mass of the motion that meets the least resistance, where rows (H, V) are held."""
        _, hessian = self.bent(self.rest)
        hessian = hessian + np.kron(np.eye(2), self.hardness * held.T @ held)
        scale = np.tile(self.mass**-0.5, 2)
        values = np.linalg.eigvalsh(hessian * scale * scale[:, None])
        return float(values[values > _NO_MODE * values[-1]][0])


@dataclass(frozen=True)
class Handle:
    """A place, made of vertices by `row` (V,), that is drawn by a spring to its rest plus `path` (T * SUBSTEPS, 2).

    `stiffness` (T * SUBSTEPS,) is in a body's hardness: 1 holds, 0 has let go.
    """

    row: Weights
    path: Places
    stiffness: Weights


@dataclass(frozen=True)
class Nature:
    """How a body swings: period of its softest motion in frames, friction relative to critical, and the pull towards rest as a
    share of that motion's stiffness."""

    period: float
    friction: float
    rest_pull: float = 0.0


Force = Callable[[int], Places]
"""Forces (V, 2) at a substep, as the shift in px that each would give the softest motion."""


def swing(
    tissue: Tissue, held: Weights, handle: Handle, nature: Nature, frames: int, force: Force | None = None
) -> NDArray[np.float64]:
    """Poses (T, V, 2) after the start frame; rows `held` (H, V) stay at rest."""
    count, step = len(tissue.rest), 1 / SUBSTEPS
    omega = 2 * np.pi / nature.period
    softest = tissue.softest(held)
    inertia = np.tile(tissue.mass, 2) * softest / omega**2 / step**2
    pull = np.tile(tissue.mass, 2) * softest * nature.rest_pull
    fixed = np.kron(np.eye(2), tissue.hardness * held.T @ held) + np.diag(inertia + pull)
    gripped = np.kron(np.eye(2), tissue.hardness * np.outer(handle.row, handle.row))
    kept = float(np.exp(-2 * nature.friction * omega * step))
    rest = tissue.rest.T.reshape(-1)
    place, moved, poses = rest, np.zeros_like(rest), []
    for number in range(frames * SUBSTEPS):
        gradient, hessian = tissue.bent(place.reshape(2, count).T)
        hard = handle.stiffness[number]
        goal = rest + np.repeat(handle.path[number], count)
        away = (place - goal).reshape(2, count) @ handle.row
        gradient = gradient + fixed @ (place - rest) - inertia * (place - rest + kept * moved)
        gradient += hard * tissue.hardness * np.outer(away, handle.row).reshape(-1)
        if force is not None:
            gradient -= np.tile(tissue.mass, 2) * softest * force(number).T.reshape(-1)
        moved = np.linalg.solve(hessian + fixed + hard * gripped, -gradient)
        place = place + moved
        if number % SUBSTEPS == SUBSTEPS - 1:
            poses.append(place.reshape(2, count).T)
    return np.stack(poses)
