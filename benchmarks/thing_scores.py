"""`python -m benchmarks.thing_scores SEGMENTER`: what a mask's score is worth, and what following the edges brings.

The photographs with masks drawn by hand (tests/data/things), one click each; with `--composites PICTURES` the held-out
composites of `ipoke segment evaluate`. The first table says how good the things are whose score lies in a range, from which
`SOUND_SCORE` (backend/protocol/messages.py) is read; the second compares the network's coarse mask, enlarged, with the mask
that a job uses: intersection over union, and the wrong area over the thing's. Medians.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from backend.plate.finding import EdgeFollower, Patch, Places
from backend.protocol.messages import SOUND_SCORE, Place, Stroke
from ipoke_models import segmentation
from ipoke_models.segmentation.interaction import iou
from ipoke_models.segmentation.squares import placed
from ipoke_models.segmentation.trials import open_trials

THINGS = Path(__file__).parent.parent / "tests/data/things"
SCORES = (0.0, 0.3, 0.4, 0.5, SOUND_SCORE, 0.7, 0.8, 1.0)
_HALF = 0.5


@dataclass(frozen=True)
class Case:
    """A picture, RGB (H, W, 3), its thing (H, W) in [0, 1], and a click on it."""

    rgb: NDArray[np.uint8]
    thing: NDArray[np.float32]
    click: Place


def main() -> int:
    """Measure, and print two tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("segmenter", type=Path, help="a segmenter's folder")
    parser.add_argument(
        "--composites", type=Path, metavar="PICTURES", help="folder with cutouts, photos and masks of photographs"
    )
    parser.add_argument("--count", type=int, default=150, help="so many composites")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    segmenter = segmentation.load_segmenter(options.segmenter)
    asked = cases(THINGS, None) if options.composites is None else cases(options.composites, options.count)
    rows = np.array([measured(segmenter, case) for case in asked])
    print("| score | masks | median IoU | share above 0.5 |\n|---|---|---|---|")
    for low, high in zip(SCORES[:-1], SCORES[1:], strict=True):
        ious = rows[(rows[:, 0] >= low) & (rows[:, 0] < high), 2]
        if len(ious):
            print(f"| {low:.1f} to {high:.1f} | {len(ious)} | {np.median(ious):.2f} | {(ious > _HALF).mean():.2f} |")
    print(f"\n| {len(rows)} masks | IoU | wrong area |\n|---|---|---|")
    for name, place in (("coarse mask, enlarged", 1), ("as it is used", 2)):
        print(f"| {name} | {np.median(rows[:, place]):.3f} | {np.median(rows[:, place + 2]):.3f} |")
    return 0


def cases(folder: Path, count: int | None) -> Iterator[Case]:
    """Photographs with masks drawn by hand, or held-out composites, with one first click each."""
    trials = open_trials(folder, count)
    for number in range(trials.count):
        trial = trials.trial(number)
        x, y, _ = trial.starts[0]
        yield Case(trial.rgb, trial.wanted.astype(np.float32), (x, y))


def measured(segmenter: segmentation.Segmenter, case: Case) -> tuple[float, float, float, float, float]:
    """Score, IoU of the coarse mask and of the one that is used, and the wrong areas of both."""
    height, width = case.thing.shape
    thing = segmenter.masks(segmenter.prepare(case.rgb), [segmentation.Stroke((case.click,))]).thing
    left, top, side = (length / width for length in (thing.square.x, thing.square.y, thing.square.side))
    edges = EdgeFollower(np.ascontiguousarray(case.rgb[..., ::-1]))
    used = edges.of_patch(Patch(thing.values, left, top, side, thing.score), Places.of([Stroke((case.click,))]), alone=True)
    masks = placed(thing.values, thing.square, (width, height)), used
    wrong = [float(np.abs(mask - case.thing).sum() / case.thing.sum()) for mask in masks]
    found = [iou(case.thing > _HALF, mask > _HALF) for mask in masks]
    return thing.score, found[0], found[1], wrong[0], wrong[1]


if __name__ == "__main__":
    raise SystemExit(main())
