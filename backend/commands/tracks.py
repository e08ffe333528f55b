"""`ipoke tracks`: where places of a thing go in a variant, as trajectory-driven video models and compositors read it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..client.mesh import OBJ_FILE, RestMesh, cached_points
from ..client.owned import MANIFEST_BYTES
from ..client.results import JOB_FILE, poses_file, write_new
from .console import say
from .errors import CommandError, UsageError
from .inputs import parse_place, read_file

MOST_POINTS = 1000
SUFFIXES = (".json", ".txt")

Floats = NDArray[np.float64]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `ipoke poke --mesh` wrote")
    parser.add_argument("--variant", type=int, default=0, metavar="N", help="which variant (0)")
    parser.add_argument(
        "--at", action="append", default=[], metavar="X,Y", help="a place on the thing to follow; may be repeated"
    )
    parser.add_argument(
        "--points", type=int, default=16, metavar="N", help="without --at: as many places, spread over the thing (16)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FILE.json|FILE.txt",
        help="JSON: a list of {x, y} in px from the top left a track, the still first; "
        "text: a line a frame, its number and x y of each track in px from the bottom left",
    )


def run(arguments: argparse.Namespace) -> int:
    """Read, follow, write."""
    target: Path = arguments.output
    if target.suffix not in SUFFIXES:
        raise UsageError(f"-o {target} must end in {' or '.join(SUFFIXES)}.")
    if not 1 <= arguments.points <= MOST_POINTS:
        raise UsageError(f"--points is between 1 and {MOST_POINTS}.")
    size_px = _size_of(arguments.folder)
    mesh, poses = _read(arguments.folder, arguments.variant)
    places = [parse_place(text, "--at") for text in arguments.at]
    weights = _followed(mesh, places) if places else _spread(poses[0], min(arguments.points, len(poses[0])))
    # The cache counts in heights of the plate, upwards.
    px = (np.einsum("nv,tvc->ntc", weights, poses) * (1, -1) + (0, 1)) * size_px[1]
    try:
        write_new(target, _as_json(px) if target.suffix == ".json" else _as_columns(px, size_px[1]))
    except FileExistsError as error:
        raise UsageError(f"{target} is there already; choose another file with -o.") from error
    except OSError as error:
        raise CommandError(f"{target} can't be written ({error.strerror}); choose another file with -o.") from error
    say(f"{target}: {px.shape[0]} tracks of {px.shape[1]} frames")
    return 0


def _size_of(folder: Path) -> tuple[int, int]:
    """Width and height in px of a job's frames; raises UsageError."""
    file = folder / JOB_FILE
    try:
        job: Any = json.loads(read_file(file, MANIFEST_BYTES))
        width, height = job["size_px"]
        if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
            raise ValueError("size_px")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{file} is not what `ipoke poke` wrote; name its folder.") from error
    return width, height


def _read(folder: Path, variant: int) -> tuple[RestMesh, Floats]:
    """A variant's mesh, and its points (T + 1, V, 2) in heights of the plate from the lower left; raises UsageError."""
    files = (folder / OBJ_FILE, folder / poses_file(variant))
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        raise UsageError(f"{missing} is not there; sample a thing with --mesh, and name a variant that is there with --variant.")
    mesh = RestMesh.read(read_file(files[0]))
    points = cached_points(read_file(files[1]), mesh.vertices)
    return mesh, np.array(points, np.float64).reshape(-1, mesh.vertices, 3)[..., :2]


def _followed(mesh: RestMesh, places: list[tuple[float, float]]) -> Floats:
    """Weights (N, V) of the mesh's vertices that stand at places; raises UsageError for one beside the thing."""
    corners = np.array(mesh.triangles).reshape(-1, 3)
    rest = np.array(mesh.places, np.float64).reshape(-1, 2)
    origin, *others = np.moveaxis(rest[corners], 1, 0)
    sides = np.stack([corner - origin for corner in others], axis=-1)  # (F, 2, 2)
    weights = np.zeros((len(places), len(rest)))
    for row, (x, y) in zip(weights, places, strict=True):
        second, third = np.linalg.solve(sides, ((x, y) - origin)[..., None])[..., 0].T
        shares = np.stack([1 - second - third, second, third], axis=1)
        best = int(shares.min(axis=1).argmax())
        if shares[best].min() < -1e-6:
            raise UsageError(f"--at {x:g},{y:g} is beside the thing; choose a place on it (mesh/thing.png shows it).")
        row[corners[best]] = shares[best]
    return weights


def _spread(rest: Floats, count: int) -> Floats:
    """Weights (N, V) that pick vertices far from each other, the one nearest to the middle first."""
    chosen = [int(np.linalg.norm(rest - rest.mean(axis=0), axis=1).argmin())]
    distances = np.linalg.norm(rest - rest[chosen[0]], axis=1)
    while len(chosen) < count:
        chosen.append(int(distances.argmax()))
        distances = np.minimum(distances, np.linalg.norm(rest - rest[chosen[-1]], axis=1))
    return np.eye(len(rest))[chosen]


def _as_json(tracks: Floats) -> bytes:
    points = [[{"x": round(x, 3), "y": round(y, 3)} for x, y in track] for track in tracks.tolist()]
    return (json.dumps(points) + "\n").encode()


def _as_columns(tracks: Floats, height_px: int) -> bytes:
    upwards = (tracks * (1, -1) + (0, height_px)).transpose(1, 0, 2).reshape(tracks.shape[1], -1)
    lines = [" ".join([str(frame), *(f"{number:.3f}" for number in row)]) for frame, row in enumerate(upwards)]
    return ("\n".join(lines) + "\n").encode()
