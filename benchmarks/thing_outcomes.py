"""How near variants come to what really happened, and how much they differ: held-out clips of whole things, through the body.

    python -m benchmarks.thing_outcomes CLIPS [--model NAME ...] [--count 500]

CLIPS is a store of procedural clips (`ipoke generate --recipe things --held-out`). Of each clip one poke, read from its motion;
the still, enlarged, is the plate, and the mask of what moves its thing: what an artist gets at default settings. Motion inside
the mask, px of the clip, over all frames, with intervals over clips:

error          mean distance of a variant's motion from the true one
best           the same of the best of all variants
of puppet's    the best one's error, as a share of the puppet's
differ         mean distance of two variants' places in the last frame
"""

from __future__ import annotations

import argparse
import sys
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from backend.plate.errors import PlateError
from backend.plate.image import PlateImage
from backend.protocol.messages import Poke
from ipoke_body import Body
from ipoke_models.data.batch import FLOW_STRIDE
from ipoke_models.data.store import ClipStore
from ipoke_models.evaluation.columns import Column, Table
from ipoke_models.evaluation.examples import Example, examples
from ipoke_models.evaluation.report import markdown_table
from ipoke_models.metrics.distributions import estimate_drawn
from ipoke_models.metrics.estimates import Estimate

from .contestants import PUPPET, Contestant, contestants_of, eased_puppet, takes_of
from .plates import stage_of

Motions = NDArray[np.float64]

ENLARGED = 4
"""A still's side as a plate, in sides of the clip."""
STILL = "standing still"
ERROR, BEST = Column("error", "error, px", 2), Column("best", "best, px", 2)
SHARE, DIFFER = Column("share", "best, of the puppet's", 2), Column("differ", "differ, px", 2)
TABLE = Table("Motion of things", (ERROR, BEST, SHARE, DIFFER))


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, help="a store of held-out clips")
    parser.add_argument("--model", action="append", help="an installed model's name; may be given several times")
    parser.add_argument("--count", type=int, default=500, help="clips")
    parser.add_argument("--variants", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    store = ClipStore(options.clips)
    if store.batch(np.array([0])).thing is None:
        raise SystemExit(f"{options.clips} does not say what its things are; generate procedural clips anew.")
    contestants = contestants_of(options.model or [None])
    rows: dict[str, list[list[float]]] = {}
    for number, example in enumerate(examples(store, options.count, options.seed)):
        try:
            for name, measured in scores(example, contestants, options.seed + number, options.variants).items():
                rows.setdefault(name, []).append(measured)
        except PlateError as error:
            print(f"clip {number} left out: {error}", file=sys.stderr)
        if number % 50 == 49:
            print(f"{number + 1} clips", file=sys.stderr, flush=True)
    figures = {name: np.array(row) for name, row in rows.items()}
    print(markdown_table(TABLE, {name: summed_up(row, figures[PUPPET]) for name, row in figures.items()}))
    print(f"\n{len(figures[PUPPET])} clips.")
    return 0


def scores(example: Example, contestants: list[Contestant], seed: int, variants: int) -> dict[str, list[float]]:
    """Error, best error and difference of each contestant on a clip."""
    known, side_px = example.batch.thing, example.clip.shape[-1]
    assert known is not None
    mask, whole = known[0, 0].numpy(), F.avg_pool2d(known, FLOW_STRIDE)[0, 0].numpy() == 1
    if not whole.any():
        whole = F.max_pool2d(known, FLOW_STRIDE)[0, 0].numpy() > 0
    true = example.batch.motion[0].numpy()[:, :, whole].transpose(0, 2, 1).astype(np.float64)
    places = (np.argwhere(whole)[:, ::-1] + 0.5) * FLOW_STRIDE / side_px
    plate, poke = _plate(example), Poke(*(float(value) for value in example.pokes[0]))
    thing = np.asarray(cv2.resize(mask, plate.size_px, interpolation=cv2.INTER_LINEAR), np.float32)
    stage = stage_of(plate, [poke], thing)
    found = {STILL: _scored(np.zeros((1, *true.shape)), true)}
    for contestant in contestants:
        if contestant.model is None:
            clips = [eased_puppet(stage, poke)]
        else:
            takes = takes_of(contestant.model, stage, poke, seed, variants)
            courses = [takes.plan(takes.drawn(variant)).course.poses for variant in range(variants)]
            clips = [poses[1:] for poses in courses if poses is not None]
        moved = np.stack([_moved(stage.body, poses, places) for poses in clips])
        found[contestant.name] = _scored(moved * side_px, true)
    return found


def _plate(example: Example) -> PlateImage:
    pixels = ((example.x0.numpy()[::-1].transpose(1, 2, 0) + 1) * 127.5).astype(np.float32)
    large = cv2.resize(pixels, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    return PlateImage(np.rint(np.clip(large, 0, 255)).astype(np.uint8), None)


def _moved(body: Body, poses: Motions, places: Motions) -> Motions:
    """How far poses (T, V, 2) move places (N, 2), all in fractions of the plate: (T, N, 2)."""
    return np.asarray(body.weights(places) @ (poses - body.rest))


def _scored(moved: Motions, true: Motions) -> list[float]:
    """Error, best error and difference of variants (V, T, N, 2) beside the truth (T, N, 2)."""
    errors = np.linalg.norm(moved - true, axis=-1).mean(axis=(1, 2))
    apart = [np.linalg.norm(one[-1] - other[-1], axis=-1).mean() for one, other in combinations(moved, 2)]
    return [float(errors.mean()), float(errors.min()), float(np.mean(apart)) if apart else 0.0]


def summed_up(row: NDArray[np.float64], puppet: NDArray[np.float64]) -> dict[Column, Estimate]:
    """The cells of a contestant of figures (clips, 3), beside the puppet's."""

    def mean(column: int) -> Estimate:
        return estimate_drawn(lambda clips: float(row[clips, column].mean()), len(row))

    share = estimate_drawn(lambda clips: float(row[clips, 1].mean() / puppet[clips, 0].mean()), len(row))
    return {ERROR: mean(0), BEST: mean(1), SHARE: share, DIFFER: mean(2)}


if __name__ == "__main__":
    raise SystemExit(main())
