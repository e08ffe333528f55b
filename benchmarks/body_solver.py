"""Times the body's solver, and holds its energy against libigl's on the same meshes.

    pip install libigl && python -m benchmarks.body_solver

Times are of the processor, so that a busy machine says the same. A drag event is eight rounds from the pose before; variants
are eight bodies, each as stiff as it is. libigl holds vertices and no places between them, knows no stiffness, and does as many
rounds as it is told: both sides get the same vertices, stiffness 1, and rounds until nothing changes.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_body import Body
from ipoke_body.solver import Edges, Factor, Solver

Result = TypeVar("Result")

SIDE = 600
EVENTS = 400
EVENT_ROUNDS = 8
ROUNDS = 2000


def things() -> dict[str, NDArray[np.bool_]]:
    """Masks (SIDE, SIDE): a hand, and a head on a stem that leaves the picture."""
    hand, flower = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(hand, (300, 420), (110, 120), 0, 0, 360, 1, -1)
    for x, top, lean in ((215, 150, -20), (268, 90, -8), (322, 95, 4), (376, 160, 16)):
        cv2.line(hand, (x, 420), (x + lean, top), 1, 44)
    cv2.circle(flower, (300, 170), 90, 1, -1)
    cv2.line(flower, (300, 200), (320, SIDE), 1, 14)
    return {"hand": hand.astype(bool), "flower": flower.astype(bool)}


def main() -> None:
    """Print two tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--vertices", type=int, nargs="+", default=[300, 800])
    chosen = options.parse_args()
    print("thing, vertices | mesh ms | factor ms | drag event ms: p50, p99 | 8 variants x 10 frames s")
    for name, mask in things().items():
        for vertices in chosen.vertices:
            print(f"{name}, {vertices} | {' | '.join(_times(mask, vertices))}")
    if importlib.util.find_spec("igl") is None:
        print("libigl is not installed, so that nothing is held against it: pip install libigl", file=sys.stderr)
        return
    print("thing, vertices | energy: ours, libigl's | ms: ours, libigl's")
    for name, mask in things().items():
        for vertices in chosen.vertices:
            print(f"{name}, {vertices} | {_beside_libigl(mask, vertices)}")


def _times(mask: NDArray[np.bool_], vertices: int) -> list[str]:
    mesh_ms, body = _timed(lambda: Body.of(mask, vertices))
    tail = np.array([[0.45, 0.2]])
    places = np.concatenate([tail, body.ground(tail)])
    factor_ms, held = _timed(lambda: body.held(places))
    shifts = np.zeros((EVENTS, 1, len(places), 2))
    shifts[:, 0, 0] = np.cumsum(np.random.default_rng(0).normal(0, 0.004, (EVENTS, 2)), axis=0)
    pose, events = body.rest[None], []
    for shift in shifts:
        event_ms, poses = _timed(partial(held.poses, shift[None], start=pose, rounds=EVENT_ROUNDS))
        pose = poses[0]
        events.append(event_ms)
    path = np.zeros((10, 1, len(places), 2))
    path[:, :, 0] = np.linspace(0.02, 0.2, 10)[:, None, None]

    def variants() -> None:
        for stiff in np.linspace(0.5, 2, 8):  # each gives way in its own manner
            body.stiffened(np.full(len(body.rest), stiff)).held(places).poses(path)

    all_ms = statistics.median(_timed(variants)[0] for _ in range(5))
    p50, p99 = np.percentile(events, [50, 99])
    return [f"{mesh_ms:.0f}", f"{factor_ms:.0f}", f"{p50:.2f}, {p99:.2f}", f"{all_ms / 1000:.3f}"]


def _beside_libigl(mask: NDArray[np.bool_], vertices: int) -> str:
    igl = importlib.import_module("igl")
    mesh = Body.of(mask, vertices).mesh
    low, high = mesh.vertices[:, 1].argsort()[[-1, 0]]
    fixed = np.array([low, int(((mesh.vertices - mesh.vertices[low]) ** 2).sum(axis=1).argsort()[2]), high], np.int32)
    wanted = mesh.vertices[fixed] + np.array([[0, 0], [0, 0], [0.2 * SIDE, 0.05 * SIDE]])
    handles = np.eye(len(mesh.vertices))[fixed]
    edges = Edges.of(mesh.triangles, np.ones(len(mesh.triangles)))
    solver = Solver(Factor.of(mesh.vertices, edges, np.zeros(len(mesh.vertices))), handles)
    ours_ms, ours = _timed(lambda: solver.poses(wanted[None, None], None, ROUNDS)[0])

    def theirs() -> NDArray[np.float64]:
        data = igl.ARAPData()
        data.energy, data.max_iter = igl.ARAP_ENERGY_TYPE_SPOKES, ROUNDS * 10
        igl.arap_precomputation(mesh.vertices, mesh.triangles.astype(np.int64), 2, fixed, data)
        return np.asarray(igl.arap_solve(wanted, data, mesh.vertices.copy()))

    theirs_ms, pose = _timed(theirs)
    energies = solver.energy(ours)[0], solver.energy(pose[None])[0]
    return f"{energies[0]:.3f}, {energies[1]:.3f} | {ours_ms:.0f}, {theirs_ms:.0f}"


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    began_s = time.process_time()
    result = work()
    return (time.process_time() - began_s) * 1000, result


if __name__ == "__main__":
    main()
