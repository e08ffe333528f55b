"""Figure 7: what moves with a place. It is poked many times at random; whatever follows it belongs together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ipoke_values import Sampling

from ...data.optical_flow import to_bytes
from ...metrics.measures import motion_between
from ...model import Model
from ..progress import tracked
from .plots import new_figure, picture, save
from .stills import PokedStill

POKES = 48
_LENGTHS = (0.05, 0.15)
"""Of the random arrows, in sides of the still."""
_FOLLOWS = 0.5


@dataclass(frozen=True)
class Followers:
    """How much follows a poked place: share of the picture whose correlation with it is over 0.5 and whose motion is over a
    tenth of the arrow, and mean motion of the whole picture in percent of the arrow."""

    follows_percent: float
    motion_percent: float


def correlation_figure(model: Model, stills: list[PokedStill], seed: int, file: Path) -> dict[str, dict[str, float]]:
    """Draw, for the tail of each still's arrow, how the motion elsewhere correlates with its own; returns `Followers`."""
    figure = new_figure(2.2 * len(stills), 6.4)
    grid = figure.subplots(3, len(stills), squeeze=False)
    found: dict[str, dict[str, float]] = {}
    for number, still in enumerate(tracked(stills, len(stills), "still of figure 7")):
        correlation, share = _maps(model, still, seed)
        row, column = still.place
        top, middle, bottom = grid[:, number]
        picture(top, to_bytes(still.x0), still.name)
        images = (
            picture(middle, correlation, "correlation with the poked place", cmap="coolwarm", vmin=-1, vmax=1),
            picture(bottom, share, "motion, share of the arrow", cmap="viridis", vmin=0, vmax=1),
        )
        for axes in (top, middle, bottom):
            axes.plot(column, row, "k+", markersize=8)
        if number == len(stills) - 1:
            for axes, image in zip((middle, bottom), images, strict=True):
                figure.colorbar(image, ax=axes, shrink=0.7)
        followers = Followers(
            100 * float(((correlation > _FOLLOWS) & (share > 0.1)).mean()),
            100 * float(share.mean()),
        )
        found[f"{still.name} {still.pokes[0][0]:.2f},{still.pokes[0][1]:.2f}"] = asdict(followers)
    save(figure, file)
    return found


@torch.inference_mode()
def _maps(model: Model, still: PokedStill, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Correlation with the motion of the poked place in [-1, 1], and mean motion in arrows, each (S, S)."""
    rng = np.random.default_rng(seed)
    size_px, place = still.x0.shape[-1], still.place
    motions, lengths = [], []
    for number in range(POKES):
        poke = _random_poke(still, rng)
        last = model.sample(still.x0, [poke], 1, Sampling(seed + number))[0, -1]
        motions.append(motion_between(still.x0, last))
        lengths.append(float(np.linalg.norm(poke[2:])) * size_px)
    flows = np.stack(motions).astype(np.float64)
    own = flows[:, place[0], place[1]]
    together = np.einsum("nhwc,nc->hw", flows, own)
    size = np.sqrt((flows**2).sum(axis=(0, 3)) * (own**2).sum())
    share = (np.linalg.norm(flows, axis=-1) / np.array(lengths)[:, None, None]).mean(axis=0)
    return together / np.maximum(size, 1e-9), share


def _random_poke(still: PokedStill, rng: np.random.Generator) -> list[float]:
    """From the still's tail into a random direction that stays inside."""
    x, y, *_ = still.pokes[0]
    while True:
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(*_LENGTHS)
        dx, dy = length * np.cos(angle), length * np.sin(angle)
        if 0 <= x + dx <= 1 and 0 <= y + dy <= 1:
            return [x, y, dx, dy]
