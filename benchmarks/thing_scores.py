"""`python -m benchmarks.thing_scores SEGMENTER PICTURES`: what a mask's score is worth, and what following the edges brings.

Held-out composites of 512 px as in `ipoke segment evaluate`, one click each. The first table says how good the things are whose
score lies in a range, from which `SOUND_SCORE` (backend/protocol/messages.py) is read; the second compares the network's coarse
mask, enlarged, with the mask that a job uses: intersection over union, and the wrong area over the thing's.
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
from ipoke_models.segmentation.evaluate import PLATE_SIDE_PX, composite_at
from ipoke_models.segmentation.interaction import iou
from ipoke_models.segmentation.squares import placed
from ipoke_models.segmentation.stock import Stock, load_stock

SCORES = (0.0, 0.3, 0.4, 0.5, SOUND_SCORE, 0.7, 0.8, 1.0)
_GOOD = 0.5


def main() -> int:
    """Measure, and print two tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("segmenter", type=Path, help="a segmenter's folder")
    parser.add_argument("pictures", type=Path, help="folder with cutouts, photos and masks of photographs")
    parser.add_argument("--count", type=int, default=150, help="composites")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    segmenter = segmentation.load_segmenter(options.segmenter)
    stock = load_stock(options.pictures, held_out=True, side_px=PLATE_SIDE_PX)
    rows = np.array([measured(segmenter, stock, number) for number in range(options.count)])
    print("| score | masks | median IoU | of them above 0.5 |\n|---|---|---|---|")
    for low, high in zip(SCORES[:-1], SCORES[1:], strict=True):
        inside = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
        if len(inside):
            shares = f"{np.median(inside[:, 2]):.2f} | {(inside[:, 2] > _GOOD).mean():.2f}"
            print(f"| {low:.1f} to {high:.1f} | {len(inside)} | {shares} |")
    good = rows[rows[:, 1] > _GOOD]
    print(f"\n| where the coarse mask is above {_GOOD} ({len(good)}) | mean IoU | wrong area |\n|---|---|---|")
    for name, place in (("coarse mask, enlarged", 1), ("along the edges", 2)):
        print(f"| {name} | {good[:, place].mean():.3f} | {good[:, place + 2].mean():.3f} |")
    return 0


def measured(segmenter: segmentation.Segmenter, stock: Stock, number: int) -> tuple[float, float, float, float, float]:
    """Of one composite: score, IoU of the coarse mask and of the one that is used, and the wrong areas of both."""
    composite, starts = composite_at(stock, number)
    place = starts[0][:2]
    thing = segmenter.masks(segmenter.prepare(composite.rgb), [segmentation.Stroke((place,))]).thing
    square = thing.square
    left, top, side = (length / PLATE_SIDE_PX for length in (square.x, square.y, square.side))
    patch = Patch(thing.values, left, top, side, thing.score)
    edges = EdgeFollower(np.ascontiguousarray(composite.rgb[..., ::-1]))
    used = edges.of_patch(patch, Places.of([Stroke((place,))]), alone=True)
    masks = placed(thing.values, square, (PLATE_SIDE_PX, PLATE_SIDE_PX), 0.0), used
    wrong = [float(np.abs(mask - composite.thing).sum() / composite.thing.sum()) for mask in masks]
    found = [iou(composite.thing > _GOOD, mask > _GOOD) for mask in masks]
    return thing.score, found[0], found[1], wrong[0], wrong[1]


if __name__ == "__main__":
    raise SystemExit(main())
