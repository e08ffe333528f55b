"""How much variants of one poke differ, beside how much they could if they were as varied as the truth.

    python -m benchmarks.spread garden-64 CLIPS --twin WORK --count 150

Two true outcomes of one poke differ by twice the variance of the truth. That is at most twice the mean squared distance of the
truth from whatever the still and the poke tell, such as the mean of all variants that a row can draw. The mean of V of them is
off by a V-th of their variance, which is taken away again. No model makes more of the truth than its reconstruction, so the same
against that is the bound for a model as varied as the codes that it learned from. All are mean squared differences of pixels in
[-1, 1].

With `--videos N` (and IPOKE_METRICS) a second table compares FVD of the first N clips, one variant each, with the twin's:
intervals of the difference are those of bootstrap draws in which both see the same clips.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ipoke_models.data.store import ClipStore
from ipoke_models.evaluation.columns import Column, Table
from ipoke_models.evaluation.contestants import RECONSTRUCTION, TRUTH, TWIN, VARIATION, Contestants
from ipoke_models.evaluation.distributions import (
    WIDTH_IN_DEVIATIONS,
    bootstrap_draws,
    estimate_distance,
    frechet_distance,
    video_features,
)
from ipoke_models.evaluation.estimates import Estimate, Values, estimate
from ipoke_models.evaluation.examples import Example, examples
from ipoke_models.evaluation.i3d import I3D, load_i3d
from ipoke_models.evaluation.report import markdown_table
from ipoke_models.inference import load_model
from ipoke_models.training.twin import load_twin

TABLE = Table(
    "MSE, [-1, 1]",
    (
        Column("between", "between variants", 4),
        Column("times", "times the twin's", 1, shows_interval=False),
        Column("as_truth", "at most, as the truth", 4),
        Column("as_reconstruction", "at most, as its reconstruction", 4),
        Column("times_at_most", "times the twin's, at most", 1, shows_interval=False),
    ),
)

FVD = Column("fvd", "FVD", 1)
BEYOND = Column("beyond", "FVD minus the twin's", 1)


def spread(clips: Tensor, truth: Tensor, reconstruction: Tensor) -> list[float]:
    """Of variants (V, T, 3, S, S): how they differ, and how two outcomes could where these two clips (T, 3, S, S) are one."""
    between = 2 * float(clips.var(dim=0).mean())
    misses = [float((clips.mean(dim=0) - clip).square().mean()) for clip in (truth, reconstruction)]
    return [between, *(2 * miss - between / len(clips) for miss in misses)]


@torch.inference_mode()
def spreads(
    contestants: Contestants, store: ClipStore, count: int, seed: int, videos: Videos | None = None
) -> dict[str, NDArray[np.float64]]:
    """The three figures of `spread` (clips, 3) of each row that varies."""
    found: dict[str, list[list[float]]] = {}
    for number, example in enumerate(examples(store, count, seed)):
        rows = contestants.clips(example, seed + number)
        for row, clips in rows.items():
            if len(clips) > 1:
                found.setdefault(row, []).append(spread(clips, example.clip[1:], rows[RECONSTRUCTION][0]))
        if videos is not None:
            videos.add(example, rows)
    return {row: np.array(figures) for row, figures in found.items()}


class Videos:
    """I3D's scores of the first `count` clips: of the truth, of the twin, and of rows with a variation of their own."""

    def __init__(self, i3d: I3D, count: int) -> None:
        self._i3d, self._count = i3d, count
        self._scores: dict[str, list[Values]] = {}

    def add(self, example: Example, rows: dict[str, Tensor]) -> None:
        """Take in the first variant of each."""
        if len(self._scores.get(TRUTH, ())) == self._count:
            return
        shown = {row: clips[0] for row, clips in rows.items() if row == TWIN or row.startswith(VARIATION)}
        for row, clip in {TRUTH: example.clip[1:], **shown}.items():
            whole = torch.cat([example.x0[None], clip])
            self._scores.setdefault(row, []).append(video_features(self._i3d, whole[None])[0])

    def rows(self) -> dict[str, dict[Column, Estimate]]:
        """FVD of each, and how far it lies beyond the twin's."""
        scores = {row: np.stack(found) for row, found in self._scores.items()}
        truth, twins = scores.pop(TRUTH), scores[TWIN]
        cells = {row: {FVD: estimate_distance(ours, truth, frechet_distance)} for row, ours in scores.items()}
        for row, ours in scores.items():
            if row != TWIN:
                cells[row][BEYOND] = _beyond(ours, twins, truth)
        return cells


def _beyond(ours: Values, twins: Values, truth: Values) -> Estimate:
    def difference(clips: NDArray[np.int64] | slice) -> float:
        return frechet_distance(ours[clips], truth[clips]) - frechet_distance(twins[clips], truth[clips])

    half = WIDTH_IN_DEVIATIONS * float(np.std([difference(clips) for clips in bootstrap_draws(len(truth))]))
    value = difference(slice(None))
    return Estimate(value, value - half, value + half)


def summed_up(figures: NDArray[np.float64], twins: float) -> dict[Column, Estimate]:
    """The cells of a row from its figures (clips, 3), where variants of the twin differ by `twins`."""
    listed = figures[:, [0, 0, 1, 2, 2]] / [1, twins, 1, 1, twins]
    cells = zip(TABLE.columns, (estimate(column[:, None]) for column in listed.T), strict=True)
    return {column: cell for column, cell in cells if cell is not None}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("clips", type=Path, help="a store of held-out clips")
    parser.add_argument("--twin", type=Path, required=True, help="work folder of the training that made the twin")
    parser.add_argument("--count", type=int, default=150, help="clips")
    parser.add_argument("--variants", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--variation", type=float, action="append", help="a row for each (default: 1)")
    parser.add_argument("--videos", type=int, default=0, help="clips whose FVD is compared with the twin's")
    options = parser.parse_args()
    torch.set_num_threads(1)
    variations = options.variation or [1.0]
    contestants = Contestants([load_model(options.model)], load_twin(options.twin), options.variants, variations)
    videos = Videos(load_i3d(), options.videos) if options.videos else None
    figures = spreads(contestants, ClipStore(options.clips), options.count, options.seed, videos)
    twins = float(figures[TWIN][:, 0].mean())
    print(markdown_table(TABLE, {row: summed_up(found, twins) for row, found in figures.items()}))
    print(f"\n{len(figures[TWIN])} clips.")
    if videos is not None:
        rows = videos.rows()
        print("\n" + markdown_table(Table("FVD", (FVD, BEYOND)), rows) + f"\n\nN {min(options.videos, len(figures[TWIN]))}.")


if __name__ == "__main__":
    main()
