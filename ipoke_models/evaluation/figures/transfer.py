"""Figure 6: kinematics of one clip on another still. Its motion should be like the source's, more than a random draw's is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ipoke_values import Sampling

from ...data.optical_flow import estimate_motion, to_bytes
from ...data.store import ClipStore
from ...metrics.estimates import Estimate, estimate
from ...model import Model
from ..examples import Example, examples
from ..progress import tracked
from .plots import new_figure, picture, save

FILE = "transfer.png"
SHOWN = 3
_FRAMES = (3, 6, 10)
_CELLS = 8


@dataclass(frozen=True)
class _Transfer:
    """Clips (T+1, 3, S, S): the source, its kinematics on another still, and a random draw there with the same poke."""

    source: Tensor
    transfer: Tensor
    random: Tensor

    @property
    def lost(self) -> bool:
        """Whether the flow's inverse ran away on the other still."""
        return not bool(torch.isfinite(self.transfer).all())

    def likeness(self) -> tuple[float, float]:
        """Of the motions of transfer and of random draw to the source's: their cosine over all frames and 8 x 8 cells."""
        if self.lost:
            return np.nan, np.nan
        source, *others = (_coarse_motion(clip) for clip in (self.source, self.transfer, self.random))
        first, second = (
            float((source * other).sum() / max(float(np.linalg.norm(source) * np.linalg.norm(other)), 1e-9)) for other in others
        )
        return first, second


@torch.inference_mode()
def transfer_figure(model: Model, store: ClipStore, count: int, seed: int, file: Path) -> dict[str, Estimate]:
    """Transfer each of `count` clips to the next one's still, with the source's poke; returns the motions' likeness.

    The first few are drawn; black are transfers whose frames hold no finite colours, which count as lost.
    """
    found = list(examples(store, count + 1, seed))
    pairs = list(zip(found, found[1:], strict=False))
    made = [
        _transferred(model, source, target, seed + number)
        for number, (source, target) in enumerate(tracked(pairs, len(pairs), "pair of figure 6"))
    ]
    likeness = np.array([one.likeness() for one in made])
    _draw(made[:SHOWN], file)
    columns = {"transfer": likeness[:, :1], "random": likeness[:, 1:]}
    ahead = 100.0 * (likeness[:, :1] > likeness[:, 1:])
    columns["transfer_ahead_percent"] = np.where(np.isnan(likeness[:, :1]), np.nan, ahead)
    columns["lost_percent"] = np.array([[100.0 * one.lost] for one in made])
    return {name: summed for name, values in columns.items() if (summed := estimate(values)) is not None}


def _transferred(model: Model, source: Example, target: Example, seed: int) -> _Transfer:
    r = model.invert(source.clip, source.pokes)
    still = target.x0[None]
    return _Transfer(
        source.clip,
        torch.cat([still, model.replay(r, target.x0, source.pokes)]),
        torch.cat([still, model.sample(target.x0, source.pokes, 1, Sampling(seed))[0]]),
    )


def _coarse_motion(clip: Tensor) -> NDArray[np.float32]:
    return torch.nn.functional.adaptive_avg_pool2d(estimate_motion(clip), _CELLS).numpy()


def _draw(made: list[_Transfer], file: Path) -> None:
    figure = new_figure(2 * (len(_FRAMES) + 2), 5.4 * len(made))
    grid = figure.subplots(3 * len(made), len(_FRAMES) + 2, squeeze=False)
    for number, one in enumerate(made):
        for offset, (name, clip) in enumerate((("source", one.source), ("transfer", one.transfer), ("random", one.random))):
            row = grid[3 * number + offset]
            picture(row[0], to_bytes(clip[0]), f"{name}: still")
            for axes, t in zip(row[1:-1], _FRAMES, strict=True):
                picture(axes, to_bytes(clip[t]), f"frame {t}")
            motion = _coarse_motion(clip)[-1]
            axes = row[-1]
            picture(axes, to_bytes(clip[0]), "motion at the last frame", alpha=0.4)
            centres = (np.arange(_CELLS) + 0.5) * clip.shape[-1] / _CELLS
            axes.quiver(centres, centres, motion[0], motion[1], angles="xy", scale_units="xy", scale=1, color="k", width=0.008)
    save(figure, file)
