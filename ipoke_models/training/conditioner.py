"""The encoders of still and pokes, trained by their decoders: the still reconstructs itself, pokes predict dense flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..conditioning import Conditioner
from ..data.batches import draw
from ..data.pokes import simulate_pokes
from ..data.store import Batch, ClipStore
from . import processes
from .losses import flow_figures, flow_loss, mean_figures
from .processes import beside

POKE_WEIGHT = 0.5
VALIDATION_CLIPS = 192


@dataclass(frozen=True)
class _Poked:
    """Stills (B, 3, S, S), poke maps (B, 2, S, S) px and the dense flow that follows, (B, 2, S, S) px."""

    x0: Tensor
    maps: Tensor
    truth: Tensor


class ConditionerStage:
    """Trains image and poke encoder side by side; they share nothing but the batch."""

    name = "conditioner"
    exact = False

    def __init__(
        self, module: Conditioner, train: ClipStore, held_out: ClipStore, pokes: tuple[int, int], batch: int, seed: int
    ) -> None:
        self.module = module
        self._train, self._held_out, self._pokes = train, held_out, pokes
        self._batch, self._seed = batch, seed

    def losses(self, step: int) -> dict[str, Tensor]:
        """Terms of the loss on fresh clips."""
        rng = np.random.default_rng([self._seed, 2, step])
        part = processes.part()
        poked = self._poke(draw(self._train, rng, self._batch, part), rng.spawn(self._batch)[part])
        flow = self.module.poke(poked.maps, poked.x0)
        return {"image": self._image_error(poked), "poke": POKE_WEIGHT * flow_loss(flow, poked.truth)}

    def _image_error(self, poked: _Poked) -> Tensor:
        error: Tensor = (self.module.image(poked.x0) - poked.x0).abs().mean()
        return error

    def _poke(self, batch: Batch, rngs: Sequence[np.random.Generator]) -> _Poked:
        simulated = simulate_pokes(batch.poke_flow, rngs, *self._pokes, foreground=batch.foreground)
        truth = torch.where(simulated.still.view(-1, 1, 1, 1), torch.zeros_like(batch.poke_flow), batch.poke_flow)
        return beside(self.module, _Poked(batch.frames[:, 0], simulated.maps, truth))

    def validate(self) -> dict[str, float]:
        """Flow error on moving pixels beside that of standing still."""
        rows = []
        for part in self._held_out.parts(64, VALIDATION_CLIPS):
            batch = self._held_out.batch(part)
            poked = self._poke(batch, np.random.default_rng([self._seed, int(part[0])]).spawn(len(part)))
            flow = self.module.poke(poked.maps, poked.x0)
            rows.append({**flow_figures(flow, poked.truth), "image_error": float(self._image_error(poked))})
        return mean_figures(rows)
