"""How much variants of one poke differ, beside how much they could if they were as varied as the truth.

    python -m benchmarks.spread garden-64 CLIPS --twin WORK --count 1000 --videos 1000 --variants 2

Two true outcomes of one poke differ by twice the variance of the truth. That is at most twice the mean squared distance of the
truth from whatever the still and the poke tell, such as the mean of all variants that a row can draw. The mean of V of them is
off by a V-th of their variance, which is taken away again. No model makes more of the truth than its reconstruction, so the same
against that is the bound for a model as varied as the codes that it learned from. All are mean squared differences of pixels in
[-1, 1].

With `--videos N` (and IPOKE_METRICS) a second table compares FVD of the first N clips, one variant each, with the twin's:
intervals of the difference are those of bootstrap draws in which both see the same clips. Of few clips FVD favours rows that dare
little: take 1000, as the paper does (50 minutes on one core with two variations).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ipoke_models.data.store import ClipStore
from ipoke_models.evaluation.columns import FVD, Column, Table
from ipoke_models.evaluation.contestants import RECONSTRUCTION, TRUTH, TWIN, VARIATION, Contestants
from ipoke_models.evaluation.examples import examples
from ipoke_models.evaluation.report import markdown_table
from ipoke_models.evaluation.video_scores import VideoScores
from ipoke_models.metrics.distributions import estimate_drawn
from ipoke_models.metrics.estimates import Estimate, estimate
from ipoke_models.metrics.i3d import load_i3d
from ipoke_models.model import load_model
from ipoke_models.training.twin import load_twin

TABLE = Table(
    "MSE, [-1, 1]",
    (
        Column("between", "between variants", 4),
        Column("times", "times the twin's", 1),
        Column("as_truth", "at most, as the truth", 4),
        Column("as_reconstruction", "at most, as its reconstruction", 4),
        Column("times_at_most", "times the twin's, at most", 1),
    ),
)

BEYOND = Column("beyond", "FVD minus the twin's", 1)


def spread(clips: Tensor, truth: Tensor, reconstruction: Tensor) -> list[float]:
    """Of variants (V, T, 3, S, S): how they differ, and how two outcomes could where these two clips (T, 3, S, S) are one."""
    between = 2 * float(clips.var(dim=0).mean())
    misses = [float((clips.mean(dim=0) - clip).square().mean()) for clip in (truth, reconstruction)]
    return [between, *(2 * miss - between / len(clips) for miss in misses)]


@torch.inference_mode()
def spreads(
    contestants: Contestants, store: ClipStore, count: int, seed: int, videos: VideoScores | None = None
) -> dict[str, NDArray[np.float64]]:
    """The three figures of `spread` (clips, 3) of each row that varies."""
    found: dict[str, list[list[float]]] = {}
    for number, example in enumerate(examples(store, count, seed)):
        rows = contestants.clips(example, seed + number)
        for row, clips in rows.items():
            if len(clips) > 1:
                found.setdefault(row, []).append(spread(clips, example.clip[1:], rows[RECONSTRUCTION][0]))
        if videos is not None:
            videos.add(TRUTH, example, example.clip[None, 1:])
            for row in filter(_compared, rows):
                videos.add(row, example, rows[row])
    return {row: np.array(figures) for row, figures in found.items()}


def _compared(row: str) -> bool:
    """Whether FVD of a row is compared: the twin's, and those with a variation of their own."""
    return row == TWIN or row.startswith(VARIATION)


def videos_summed_up(videos: VideoScores, row: str) -> dict[Column, Estimate]:
    """FVD of a row, and how far it lies beyond the twin's."""
    cells = dict(videos.summed_up(row))
    return cells if row == TWIN else cells | {BEYOND: videos.fvd_beyond(row, TWIN)}


def summed_up(figures: NDArray[np.float64], twins: NDArray[np.float64]) -> dict[Column, Estimate]:
    """The cells of a row from its figures (clips, 3), where the twin's variants of these clips differ by `twins` (clips,)."""

    def times(column: int) -> Estimate:
        return estimate_drawn(lambda clips: float(figures[clips, column].mean() / twins[clips].mean()), len(twins))

    between, as_truth, as_reconstruction = (estimate(column[:, None]) for column in figures.T)
    cells = zip(TABLE.columns, (between, times(0), as_truth, as_reconstruction, times(2)), strict=True)
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
    store = ClipStore(options.clips)
    videos = VideoScores(load_i3d(), store.info.size_px, options.videos) if options.videos else None
    figures = spreads(contestants, store, options.count, options.seed, videos)
    twins = figures[TWIN][:, 0]
    print(markdown_table(TABLE, {row: summed_up(found, twins) for row, found in figures.items()}))
    print(f"\n{len(figures[TWIN])} clips.")
    if videos is not None:
        rows = {row: videos_summed_up(videos, row) for row in filter(_compared, figures)}
        print("\n" + markdown_table(Table("Videos", (FVD, BEYOND)), rows) + f"\n\nN {min(options.videos, len(figures[TWIN]))}.")


if __name__ == "__main__":
    main()
