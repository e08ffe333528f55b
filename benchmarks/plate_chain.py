"""`python -m benchmarks.plate_chain STILL...`: two ways to make a longer clip out of several of a model's.

*From the still*: every clip is a draw of its own on the still; they are played there and back, joined by bridges (what
`--chain` does). *Sampled on*: the last frame of a clip is the still of the next one, its arrows lead from where the last
ones ended to where they began, and the motions are composed, so that the pixels still come from the plate.

For each clip of the chain, over the stills and seeds given:
  drift     how far places that rest in the first clip are moved, mean, px of the model's size
  stretch   by how much neighbouring places are pulled apart, 99th percentile over the moving places (1 = not at all)
  folds     share of the moving places that turn inside out
  sharp     detail of the picture that the clip starts from, against the still's (1 = all of it)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from backend.commands.inputs import parse_poke
from backend.plate.motion import Motion, motion_of_flows
from backend.plate.region import model_input, pokes_in_region
from ipoke_models import load_model
from ipoke_models.model import Model
from ipoke_values import Sampling

from .plates import read_still, stage_of

Field = NDArray[np.float32]
COLUMNS = ("drift", "stretch", "folds", "sharp")


def clip_of(model: Model, x0: Field, pokes: NDArray[np.float64], seed: int, first: int) -> tuple[Motion, Field]:
    """A clip's motion and its last frame (3, S, S)."""
    steps = list(model.stream(torch.from_numpy(x0), pokes, 1, Sampling(seed), first))
    seen = [None if step.visibility is None else step.visibility[0, 0].numpy() for step in steps]
    return motion_of_flows([step.flow[0].numpy() for step in steps if step.flow is not None], seen), steps[-1].frames[0].numpy()


def composed(before: Field, after: Motion) -> Field:
    """Shifts (2, S, S) of the still at the end of a clip that begins where `before` ended."""
    rows, columns = np.indices(before.shape[1:], dtype=np.float32)
    at = (columns + before[0], rows + before[1])
    return before + np.stack(
        [cv2.remap(plane, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in after.shifts[-1]]
    )


def turned(pokes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Arrows from where these end to where they begin."""
    return np.concatenate([pokes[:, :2] + pokes[:, 2:], -pokes[:, 2:]], axis=1)


def judged(shifts: Field, rests: NDArray[np.bool_], moves: NDArray[np.bool_], picture: Field, still: Field) -> list[float]:
    """The four figures of a clip's end."""
    (x_y, x_x), (y_y, y_x) = (np.gradient(plane) for plane in shifts)
    across = np.stack([np.stack([1 + x_x, x_y], -1), np.stack([y_x, 1 + y_y], -1)], -2)
    pulled = np.linalg.svd(across, compute_uv=False)[..., 0]
    sharp = cv2.Laplacian(picture.mean(axis=0), cv2.CV_32F).std() / cv2.Laplacian(still.mean(axis=0), cv2.CV_32F).std()
    drift = float(np.hypot(*shifts)[rests].mean()) if rests.any() else 0.0
    return [drift, float(np.percentile(pulled[moves], 99)), float((np.linalg.det(across)[moves] <= 0).mean()), float(sharp)]


def chain(model: Model, path: Path, poke: str, seed: int, clips: int) -> tuple[list[list[float]], list[list[float]]]:
    """Figures of every clip's end, from the still and sampled on."""
    stage = stage_of(plate := read_still(path, 960), [parse_poke(poke)])
    still = model_input(plate, stage.region, model.size_px)
    pokes = pokes_in_region([parse_poke(poke)], stage.region, plate.size_px)
    first, picture = clip_of(model, still, pokes, seed, 0)
    reach = np.hypot(first.shifts[:, 0], first.shifts[:, 1]).max(axis=0)
    rests, moves = reach < 0.1, reach > 0.25 * reach.max()
    shifts = first.shifts[-1]
    fresh, on = [judged(shifts, rests, moves, still, still)], [judged(shifts, rests, moves, still, still)]
    arrows = pokes
    for number in range(1, clips):
        fresh.append(judged(clip_of(model, still, pokes, seed, number)[0].shifts[-1], rests, moves, still, still))
        arrows, start = turned(arrows), picture
        motion, picture = clip_of(model, start, arrows, seed, number)
        shifts = composed(shifts, motion)
        on.append(judged(shifts, rests, moves, start, still))
    return fresh, on


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stills", type=Path, nargs="+")
    parser.add_argument("--poke", default="0.5,0.45:0.42,0.39")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--model", default="garden-64")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(options.model)
    runs = [chain(model, still, options.poke, seed, options.clips) for still in options.stills for seed in range(options.seeds)]
    print("| way | clip | " + " | ".join(COLUMNS) + " |\n|---|---|---|---|---|---|")
    for way, results in zip(("from the still", "sampled on"), np.median(np.array(runs), axis=0), strict=True):
        for number, figures in enumerate(results, start=1):
            print(f"| {way} | {number} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
