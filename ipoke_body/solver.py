"""Owns the poses of a body: the as-rigid-as-possible energy with soft targets and exact handles. numpy alone.

    E(x) = sum over edges (i, j) of w_ij |x_i - x_j - R_i (v_i - v_j)|^2, for both ends i, + sum over i of c_i |x_i - t_i|^2

subject to B x = h: each handle, a place inside a triangle, is where it is put (Sorkine and Alexa, *As-Rigid-As-Possible Surface
Modeling*, SGP 2007). Local and global steps alternate: R_i is the rotation nearest to what the edges of i did, then x is the
least of a quadratic, whose matrix depends neither on where the handles are put nor on the targets. Places are complex numbers
x + iy, so that a rotation is a product, and the poses of several clips are the columns of one matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh import Indices, Points

Complex = NDArray[np.complex128]
Weights = NDArray[np.float64]

_REST = 1e-8  # of the mean diagonal: what no handle reaches stays where it is
_WINDOW = 6  # steps that are combined
_DAMPING = 1e-12
_SAME = 1e-9  # of the largest eigenvalue: handles on one spot share what they ask for


@dataclass(frozen=True)
class Edges:
    """The edges of a mesh, each from both of its ends: from `one` (N,) to `other` (N,), sorted by `one`, with weights (N,)."""

    one: Indices
    other: Indices
    weight: Weights
    starts: Indices

    @classmethod
    def of(cls, triangles: Indices, stiffness: Weights) -> Edges:
        """Edges of triangles (F, 3) of equal angles: w is half the cotangents opposite, times the stiffness (F,)."""
        pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        halves = np.tile(stiffness / (2 * np.sqrt(3)), 3)
        both = np.concatenate([pairs, pairs[:, ::-1]])
        edges, index = np.unique(both, axis=0, return_inverse=True)
        weight = np.bincount(index.reshape(-1), np.tile(halves, 2)).astype(np.float64)
        one, other = edges.T
        return cls(one, other, weight, np.flatnonzero(np.diff(one, prepend=-1)))


@dataclass(frozen=True)
class Factor:
    """What the solver needs of a rest shape, whatever holds it: V vertices, drawn to their targets by weights (V,)."""

    rest: Complex
    edges: Edges
    target_weight: Weights
    pull: float
    inverse: Weights

    @classmethod
    def of(cls, rest: Points, edges: Edges, target_weight: Weights) -> Factor:
        """The factor of rest places (V, 2); it takes as long as inverting a matrix (V, V)."""
        matrix = np.zeros((len(rest), len(rest)))
        matrix[edges.one, edges.other] = -edges.weight
        degree = np.add.reduceat(edges.weight, edges.starts)
        pull = float(_REST * degree.mean())
        matrix[np.diag_indices_from(matrix)] = degree + target_weight + pull
        return cls(rest[:, 0] + 1j * rest[:, 1], edges, target_weight, pull, np.linalg.inv(matrix))


class Solver:
    """Poses of one rest shape for one set of handles; everything that does not depend on where they are put is computed once."""

    def __init__(self, factor: Factor, handles: Weights) -> None:
        """Handles are rows of weights of vertices (H, V)."""
        edges = self._edges = factor.edges
        self._target_weight, self._pull = factor.target_weight, factor.pull
        self._rest = factor.rest
        self._sides = self._rest[edges.one] - self._rest[edges.other]
        self._spokes = edges.weight * self._sides
        across = factor.inverse @ handles.T
        self._lift = across @ np.linalg.pinv(handles @ across, rcond=_SAME, hermitian=True)
        self._inverse = factor.inverse - self._lift @ across.T

    def poses(self, places: Points, targets: Points | None, rounds: int, start: Points | None = None) -> Points:
        """Poses (T, N, V, 2) of N clips with the handles at `places` (T, N, H, 2), the vertices drawn to `targets` (T, N, V, 2).

        Each instant goes on from the one before, the first from `start` (N, V, 2) or the rest shape. Rounds of local and global
        steps for each: the more, the nearer to the least energy.
        """
        frames, clips = places.shape[:2]
        shape = (len(self._rest), clips)
        pose = np.broadcast_to(self._rest[:, None], shape) if start is None else _complex(start)
        before, poses = pose, np.empty((frames, clips, len(self._rest), 2))
        for t in range(frames):
            target = None if targets is None else _complex(targets[t])
            drawn = np.broadcast_to(self._pull * self._rest[:, None], shape)
            if target is not None:
                drawn = drawn + self._target_weight[:, None] * target
            fixed = self._lift @ _complex(places[t]) + _times(self._inverse, drawn)
            before, pose = pose, self._settled(fixed, target, 2 * pose - before, rounds)
            poses[t] = np.stack([pose.real.T, pose.imag.T], axis=-1)
        return poses

    def energy(self, poses: Points) -> Weights:
        """The elastic part of the energy (N,) of poses (N, V, 2)."""
        pose = _complex(poses)
        return self._energy(pose, self._rotations(pose), None)

    def _settled(self, fixed: Complex, target: Complex | None, pose: Complex, rounds: int) -> Complex:
        """Local and global steps from a pose (V, N), with Anderson's acceleration: of each clip by itself.

        A combination of the last steps that raises the energy is dropped for the plain step (Peng et al., *Anderson Acceleration
        for Geometry Optimization*, SIGGRAPH 2018). Without it, a head on a thin stem takes thousands of rounds to turn.
        """
        history = _History(pose.shape)
        step, least = pose, np.full(pose.shape[1], np.inf)
        for _ in range(rounds):
            rotation = self._rotations(pose)
            energy = self._energy(pose, rotation, target)
            worse = energy > least
            if worse.any():
                pose = np.where(worse, step, pose)
                rotation = self._rotations(pose)
                energy = self._energy(pose, rotation, target)
            least = energy
            step = fixed + _times(self._inverse, self._turned(rotation))
            pose = history.combined(pose, step)
        return step

    def _energy(self, pose: Complex, rotation: Complex, target: Complex | None) -> Weights:
        edges = self._edges
        away = pose[edges.one] - pose[edges.other] - rotation[edges.one] * self._sides[:, None]
        energy = edges.weight @ (away.real**2 + away.imag**2)
        if target is not None:
            away = pose - target
            energy = energy + self._target_weight @ (away.real**2 + away.imag**2)
        return np.asarray(energy)

    def _rotations(self, pose: Complex) -> Complex:
        edges = self._edges
        moved = np.conj(self._spokes)[:, None] * (pose[edges.one] - pose[edges.other])
        turned = np.add.reduceat(moved, edges.starts, axis=0)
        size = np.abs(turned)
        return np.where(size > 0, turned / np.where(size > 0, size, 1), 1)

    def _turned(self, rotation: Complex) -> Complex:
        edges = self._edges
        mean = (rotation[edges.one] + rotation[edges.other]) / 2
        return np.asarray(np.add.reduceat(self._spokes[:, None] * mean, edges.starts, axis=0))


class _History:
    """The last steps of several iterations side by side, and the combination of them whose residual is least."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._kept = 0
        self._moves, self._steps = (np.zeros((_WINDOW, *shape), np.complex128) for _ in range(2))
        self._last: tuple[Complex, Complex] | None = None

    def combined(self, pose: Complex, step: Complex) -> Complex:
        """Where to go on from: `step` (V, N) is what a plain step makes of `pose` (V, N)."""
        move = step - pose
        if self._last is not None:
            place = self._kept % _WINDOW
            self._moves[place], self._steps[place] = move - self._last[0], step - self._last[1]
            self._kept += 1
        self._last = move, step
        if not self._kept:
            return step
        moves, steps = (changes[: min(self._kept, _WINDOW)] for changes in (self._moves, self._steps))
        matrix = np.einsum("avn,bvn->nab", moves.conj(), moves).real
        right = np.einsum("avn,vn->na", moves.conj(), move).real
        damping = _DAMPING * np.trace(matrix, axis1=1, axis2=2) + np.finfo(np.float64).tiny
        matrix += damping[:, None, None] * np.eye(len(moves))
        share = np.linalg.solve(matrix, right[..., None])[..., 0]
        return np.asarray(step - np.einsum("avn,na->vn", steps, share))


def _complex(places: Points) -> Complex:
    """(V, N) of (N, V, 2)."""
    return np.asarray((places[..., 0] + 1j * places[..., 1]).T)


def _times(matrix: Weights, values: Complex) -> Complex:
    """A real matrix (N, V) times complex columns (V, N), as one real product."""
    product = matrix @ np.ascontiguousarray(values).view(np.float64)
    return product.view(np.complex128)
