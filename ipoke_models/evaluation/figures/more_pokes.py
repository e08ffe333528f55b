"""Figure 9: what a clip owes to its pokes. The more of them, the less is left to chance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ipoke_values import Sampling

from ...data.store import ClipStore
from ...metrics.estimates import Estimate, Values, estimate
from ...metrics.measures import motion_between, pairs
from ...model import Model
from ..examples import Example, examples
from ..progress import tracked
from .plots import curve, new_figure, save

FILE = "more_pokes.png"
VARIANTS = 5
_LEAST_PX = 1e-3


@torch.inference_mode()
def more_pokes(model: Model, store: ClipStore, count: int, seed: int, file: Path) -> dict[str, Mapping[str, Estimate]]:
    """Draw error and spread between variants for 1 to all pokes of the model, over `count` clips; returns them by number.

    Both as motion (px, at the last frame, where the true clip moves) and as pictures (8-bit levels, all frames); the spread of
    motion also in percent of how far the variants move there, since more pokes also move more. The pokes of a clip are the
    first ones of the same five places.
    """
    most = model.max_pokes
    measured: dict[int, list[dict[str, Values]]] = {number: [] for number in range(1, most + 1)}
    for index, example in enumerate(tracked(examples(store, count, seed, most), min(count, len(store)), "clip of figure 9")):
        for number, found in measured.items():
            found.append(_measured(model, example.first(number), seed + index))
    summed: dict[str, Mapping[str, Estimate]] = {
        str(number): {key: estimate(np.stack([one[key] for one in found])) or _NOTHING for key in found[0]}
        for number, found in measured.items()
    }
    _draw(summed, file)
    return summed


_PARTS = (
    ("motion", "px", "mean difference in motion, px"),
    ("motion", "percent", "the same in % of the motion"),
    ("picture", "levels", "mean difference in pictures, of 255"),
)
_NOTHING = Estimate(np.nan, np.nan, np.nan)


def _measured(model: Model, example: Example, seed: int) -> dict[str, Values]:
    clips = model.sample(example.x0, example.pokes, VARIANTS, Sampling(seed))
    truth = motion_between(example.x0, example.clip[-1])
    moving = np.linalg.norm(example.batch.poke_flow[0].numpy(), axis=0) > 1
    motions = [motion_between(example.x0, clip[-1])[moving] for clip in clips]
    true = truth[moving]
    spread_px = np.array([_apart(motions[i], motions[j]) for i, j in pairs(VARIANTS)])
    moved_px = float(np.mean([_apart(motion, np.zeros_like(motion)) for motion in motions]))
    return {
        "motion_error_px": np.array([_apart(motion, true) for motion in motions]),
        "motion_spread_px": spread_px,
        "motion_spread_percent": 100 * spread_px / max(moved_px, _LEAST_PX),
        "picture_error_levels": np.array([127.5 * float((clip - example.clip[1:]).abs().mean()) for clip in clips]),
        "picture_spread_levels": np.array([127.5 * float((clips[i] - clips[j]).abs().mean()) for i, j in pairs(VARIANTS)]),
    }


def _apart(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(first - second, axis=-1).mean()) if len(first) else np.nan


def _draw(summed: Mapping[str, Mapping[str, Estimate]], file: Path) -> None:
    figure = new_figure(12, 3.2)
    numbers = [int(number) for number in summed]
    for axes, (kind, unit, label) in zip(figure.subplots(1, len(_PARTS)), _PARTS, strict=True):
        for what, name in (("error", "to the true clip"), ("spread", "between variants")):
            key = f"{kind}_{what}_{unit}"
            if key in summed["1"]:
                curve(axes, numbers, [row[key] for row in summed.values()], name)
        axes.set_xlabel("pokes")
        axes.set_ylabel(label)
        axes.set_xticks(numbers)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)
    save(figure, file)
