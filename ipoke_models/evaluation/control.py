"""Control on held-out procedural clips: does the poked point go where the arrow points, and does the rest stay?

Rows of the table, all poked alike: the model's variants, a fixed Gaussian warp, standing still, the autoencoder's
reconstruction of the true clip, and the true clip itself, which shows how well the tracker reads the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..config import LATENT_PX
from ..cvae import ConditionalVae
from ..data.pokes import candidates
from ..data.store import Batch, ClipStore
from ..inference import Model
from .measures import background_of, bootstrap_median, psnr, sparse_warp, tracked_motion, variant_spread

SHORTEST_ARROW_PX = 2.0
LEAST_NEIGHBOUR_PX = 20
"""Pixels that an object standing still must show, away from all that moves, for a leak onto it to be measured."""


@dataclass(frozen=True)
class Example:
    """A true clip (T+1, 3, S, S) with one poke: place (row, column) and shift (2,) px; `batch` is the clip's own.

    `background` and `neighbour`, (S, S), are what stands still in it, and the objects among that.
    """

    clip: Tensor
    place: tuple[int, int]
    shift: Tensor
    background: NDArray[np.bool_]
    neighbour: NDArray[np.bool_]
    batch: Batch

    def poke(self) -> list[list[float]]:
        """The poke in fractions of the still; a tip beyond the border is pulled onto it."""
        size_px = self.clip.shape[-1]
        tail = (np.array(self.place[::-1]) + 0.5) / size_px
        tip = np.clip(tail + self.shift.numpy() / size_px, 0, 1)
        return [[*tail, *(tip - tail)]]


@dataclass(frozen=True)
class Row:
    """Medians and means of one row of the table."""

    tip_error_percent: float
    tip_error_interval: tuple[float, float]
    right_way_percent: float
    background_drift_px: float
    leak_percent: float
    """Mean motion of objects that stand still, in percent of the arrow."""
    psnr_db: float
    spread_levels: float | None = None


def examples(store: ClipStore, count: int, seed: int) -> Iterator[Example]:
    """The first `count` clips whose poke, drawn by the paper's rule, is at least 2 px long."""
    found = 0
    for index in range(len(store)):
        batch = store.batch(np.array([index]))
        flow = batch.poke_flow[0]
        rng = np.random.default_rng([seed, index])
        places = candidates(flow.norm(dim=0).numpy(), 5, spread=False)
        row, column = (int(value) for value in places[rng.integers(len(places))])
        shift = flow[:, row, column]
        if float(shift.norm()) < SHORTEST_ARROW_PX:
            continue
        background = background_of(flow)
        yield Example(batch.frames[0], (row, column), shift, background, background & store.neighbour(index), batch)
        found += 1
        if found == count:
            return


def control_table(
    model: Model, store: ClipStore, count: int, variants: int, seed: int, twin: ConditionalVae | None = None
) -> dict[str, Row]:
    """Measure all rows on `count` clips; the flow's twin is sampled and held to the poke as the flow is."""
    measured: dict[str, list[dict[str, float]]] = {}
    for number, example in enumerate(examples(store, count, seed)):
        x0 = example.clip[0]
        poke, own_seed = example.poke(), seed + number
        rows = {
            f"model, {variants} variants each": model.sample(x0, poke, variants, own_seed),
            "model, draws not held to the poke": model.sample(x0, poke, variants, own_seed, guided=False),
            **({} if twin is None else {"the flow's twin, held to the poke": _twins(model, twin, example, variants, own_seed)}),
            "gaussian warp": sparse_warp(x0, example.place, example.shift, model.frames)[None],
            "standing still": x0.expand(1, model.frames, -1, -1, -1),
            "reconstruction of the truth": model.reconstruct(example.batch),
            "truth": example.clip[None, 1:],
        }
        for name, clips in rows.items():
            for clip in clips:
                entry = _measure(example, clip)
                if len(clips) > 1:
                    entry["spread"] = variant_spread(clips)
                measured.setdefault(name, []).append(entry)
    return {name: _row(entries) for name, entries in measured.items()}


@torch.inference_mode()
def _twins(model: Model, twin: ConditionalVae, example: Example, variants: int, seed: int) -> Tensor:
    x0, poke = example.clip[0], example.poke()
    r = torch.randn(variants, twin.config.channels, LATENT_PX, LATENT_PX, generator=torch.Generator().manual_seed(seed))
    h = model.condition(x0[None], model.poke_map(poke)[None])
    z = twin.latent(r, h.expand(variants, -1, -1, -1))
    return model.decode(model.guide(z, x0, poke), x0[None])


def _measure(example: Example, clip: Tensor) -> dict[str, float]:
    x0, arrow = example.clip[0], example.shift.numpy()
    flow, motion = tracked_motion(x0, clip[-1], example.place)
    amplitude, length = np.linalg.norm(flow, axis=-1), float(np.linalg.norm(arrow))
    seen = example.neighbour.sum() >= LEAST_NEIGHBOUR_PX
    return {
        "tip": 100 * float(np.linalg.norm(motion - arrow)) / length,
        "right_way": float(motion @ arrow > 0),
        "drift": float(amplitude[example.background].mean()) if example.background.any() else float("nan"),
        "leak": 100 * float(amplitude[example.neighbour].mean()) / length if seen else float("nan"),
        "psnr": psnr(clip, example.clip[1:]) if not torch.equal(clip, example.clip[1:]) else float("inf"),
    }


def _row(entries: list[dict[str, float]]) -> Row:
    def column(name: str) -> NDArray[np.float64]:
        return np.array([entry[name] for entry in entries])

    median, low, high = bootstrap_median(column("tip"))
    return Row(
        median,
        (low, high),
        100 * float(column("right_way").mean()),
        float(np.nanmean(column("drift"))),
        float(np.nanmean(column("leak"))),
        float(column("psnr").mean()),
        float(column("spread").mean()) if "spread" in entries[0] else None,
    )
