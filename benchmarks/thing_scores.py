"""`python -m benchmarks.thing_scores SEGMENTER`: what a mask's score is worth, and what following the edges brings.

The photographs with masks drawn by hand (tests/data/things), one click each; with `--composites PICTURES` the held-out
composites of `ipoke segment evaluate`. The first table says how good the things are whose score lies in a range, from which
`SOUND_SCORE` (backend/protocol/messages.py) is read; the second compares the network's coarse mask, enlarged, with the mask
that a job uses: intersection over union, and the wrong area over the thing's. Medians.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from backend.plate.finding import EdgeFollower, Patch, Places
from backend.protocol.messages import SOUND_SCORE, Stroke
from ipoke_models import segmentation
from ipoke_models.segmentation.interaction import iou
from ipoke_models.segmentation.squares import placed
from ipoke_models.segmentation.trials import Trial, open_trials

THINGS = Path(__file__).parent.parent / "tests/data/things"
SCORES = (0.0, 0.3, 0.4, 0.5, SOUND_SCORE, 0.7, 0.8, 1.0)
_HALF = 0.5


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
    trials = open_trials(THINGS) if options.composites is None else open_trials(options.composites, options.count)
    rows = np.array([measured(segmenter, trials.trial(number)) for number in range(trials.count)])
    print("| score | masks | median IoU | share above 0.5 |\n|---|---|---|---|")
    for low, high in zip(SCORES[:-1], SCORES[1:], strict=True):
        ious = rows[(rows[:, 0] >= low) & (rows[:, 0] < high), 2]
        if len(ious):
            print(f"| {low:.1f} to {high:.1f} | {len(ious)} | {np.median(ious):.2f} | {(ious > _HALF).mean():.2f} |")
    print(f"\n| {len(rows)} masks | IoU | wrong area |\n|---|---|---|")
    for name, place in (("coarse mask, enlarged", 1), ("as it is used", 2)):
        print(f"| {name} | {np.median(rows[:, place]):.3f} | {np.median(rows[:, place + 2]):.3f} |")
    return 0


def measured(segmenter: segmentation.Segmenter, trial: Trial) -> tuple[float, float, float, float, float]:
    """Score, IoU of the coarse mask and of the one that is used, and the wrong areas of both."""
    height, width = trial.wanted.shape
    wanted, click = trial.wanted.astype(np.float32), trial.starts[0][:2]
    thing = segmenter.masks(segmenter.prepare(trial.rgb), [segmentation.Stroke((click,))]).thing
    left, top, side = (length / width for length in (thing.square.x, thing.square.y, thing.square.side))
    edges = EdgeFollower(np.ascontiguousarray(trial.rgb[..., ::-1]))
    used = edges.of_patch(Patch(thing.values, left, top, side, thing.score), Places.of([Stroke((click,))]), alone=True)
    masks = placed(thing.values, thing.square, (width, height)), used
    wrong = [float(np.abs(mask - wanted).sum() / wanted.sum()) for mask in masks]
    found = [iou(trial.wanted, mask > _HALF) for mask in masks]
    return thing.score, found[0], found[1], wrong[0], wrong[1]


if __name__ == "__main__":
    raise SystemExit(main())
