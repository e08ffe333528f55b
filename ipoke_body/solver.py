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
_ALONE = 2**18  # multiplications that OpenBLAS leaves to the thread that asks for them
_LEAST = float(np.finfo(np.float64).tiny)
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
        self._towards_rest = np.conj(self._spokes)[:, None]
        across = _product(factor.inverse, handles.T)
        self._lift = across @ np.linalg.pinv(handles @ across, rcond=_SAME, hermitian=True)
        self._inverse = factor.inverse - _product(self._lift, across.T)

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
            fixed = _times(self._lift, _complex(places[t])) + _times(self._inverse, drawn)
            before, pose = pose, self._settled(fixed, target, 2 * pose - before, rounds)
            poses[t] = np.stack([pose.real.T, pose.imag.T], axis=-1)
        return poses

    def energy(self, poses: Points) -> Weights:
        """The elastic part of the energy (N,) of poses (N, V, 2)."""
        return self._turned_to(_complex(poses), None)[1]

    def _settled(self, fixed: Complex, target: Complex | None, pose: Complex, rounds: int) -> Complex:
        """Local and global steps from a pose (V, N), with Anderson's acceleration: of each clip by itself.

        A combination of the last steps that raises the energy is dropped for the plain step (Peng et al., *Anderson Acceleration
        for Geometry Optimization*, SIGGRAPH 2018). Without it, a head on a thin stem takes thousands of rounds to turn.
        """
        history = _History(pose.shape)
        step, least = pose, np.full(pose.shape[1], np.inf)
        for _ in range(rounds):
            rotation, energy = self._turned_to(pose, target)
            worse = energy > least
            if worse.any():
                pose = np.where(worse, step, pose)
                rotation, energy = self._turned_to(pose, target)
            least = energy
            step = fixed + _times(self._inverse, self._asked(*rotation))
            pose = history.combined(pose, step)
        return step

    def _turned_to(self, pose: Complex, target: Complex | None) -> tuple[tuple[Complex, Complex], Weights]:
        """Local step: the rotations at the edges' ends, `one` and `other` (E, N) each, and the energy (N,) that they leave."""
        edges = self._edges
        sides = pose.take(edges.one, axis=0) - pose.take(edges.other, axis=0)
        turned = np.add.reduceat(self._towards_rest * sides, edges.starts, axis=0)
        size = np.abs(turned)
        rotation = np.where(size > 0, turned / np.maximum(size, _LEAST), 1)
        one, other = rotation.take(edges.one, axis=0), rotation.take(edges.other, axis=0)
        away = sides - one * self._sides[:, None]
        energy = _weighted(edges.weight, away)
        if target is not None:
            energy = energy + _weighted(self._target_weight, pose - target)
        return (one, other), energy

    def _asked(self, one: Complex, other: Complex) -> Complex:
        """What the rotations at the edges' ends ask of the vertices (V, N)."""
        return np.asarray(np.add.reduceat((0.5 * self._spokes)[:, None] * (one + other), self._edges.starts, axis=0))


class _History:
    """The last steps of several iterations side by side, and the combination of them whose residual is least."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._kept = 0
        self._moves, self._steps = (np.zeros((_WINDOW, *shape), np.complex128) for _ in range(2))
        self._products = np.zeros((shape[1], _WINDOW, _WINDOW))
        self._last: tuple[Complex, Complex] | None = None

    def combined(self, pose: Complex, step: Complex) -> Complex:
        """Where to go on from: `step` (V, N) is what a plain step makes of `pose` (V, N)."""
        move = step - pose
        if self._last is not None:
            self._keep(move - self._last[0], step - self._last[1])
        self._last = move, step
        if not self._kept:
            return step
        count = min(self._kept, _WINDOW)
        asked = _along(self._moves[:count], move)
        share = np.array([_solved(*one) for one in zip(self._products[:, :count, :count].tolist(), asked.tolist(), strict=True)])
        return np.asarray(step - np.einsum("avn,na->vn", self._steps[:count], share))

    def _keep(self, move: Complex, step: Complex) -> None:
        place, count = self._kept % _WINDOW, min(self._kept + 1, _WINDOW)
        self._moves[place], self._steps[place] = move, step
        self._kept += 1
        products = _along(self._moves[:count], move)
        self._products[:, place, :count] = self._products[:, :count, place] = products


def _along(moves: Complex, move: Complex) -> Weights:
    """(N, A): the real products of moves (A, V, N) with one (V, N)."""
    shape = *move.shape, 2
    return np.einsum("avnc,vnc->na", moves.view(np.float64).reshape(-1, *shape), move.view(np.float64).reshape(shape))


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a few equations with a positive matrix (K, K), a little damped.

    By hand: LAPACK may wake threads for it, which takes a hundred times as long where other work holds the cores.
    """
    count = len(right)
    damping = _DAMPING * sum(matrix[k][k] for k in range(count)) + _LEAST
    rows = [[*row[k:], value] for k, (row, value) in enumerate(zip(matrix, right, strict=True))]  # from the diagonal on
    for k, row in enumerate(rows):
        row[0] += damping
        for below in range(k + 1, count):
            share = row[below - k] / row[0]
            rows[below] = [mine - share * theirs for mine, theirs in zip(rows[below], row[below - k :], strict=True)]
    solution: list[float] = []
    for row in reversed(rows):
        known = sum(factor * value for factor, value in zip(row[1:-1], solution, strict=True))
        solution.insert(0, (row[-1] - known) / row[0])
    return solution


def _weighted(weight: Weights, values: Complex) -> Weights:
    """(N,): the weighted sum of the squares of complex values (V, N)."""
    return np.einsum("v,vn->n", weight, values.real**2 + values.imag**2)


def _complex(places: Points) -> Complex:
    """(V, N) of (N, V, 2)."""
    return np.asarray((places[..., 0] + 1j * places[..., 1]).T)


def _times(matrix: Weights, values: Complex) -> Complex:
    """A real matrix (M, V) times complex columns (V, N), as one real product."""
    return _product(matrix, np.ascontiguousarray(values).view(np.float64)).view(np.complex128)


def _product(matrix: Weights, columns: Weights) -> Weights:
    """The product of matrices (M, V) and (V, N), some rows at a time.

    As a whole it would be shared out over threads, which wait for each other where other work, such as drawing, holds the cores.
    """
    product = np.empty((len(matrix), columns.shape[1]))
    rows = max(1, _ALONE // columns.size)
    for start in range(0, len(matrix), rows):
        np.matmul(matrix[start : start + rows], columns, out=product[start : start + rows])
    return product
