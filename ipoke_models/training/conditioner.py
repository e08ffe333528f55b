"""The encoders of still and pokes, trained by their decoders: the still reconstructs itself, pokes predict dense flow."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..conditioning import Conditioner
from ..data.batches import draw
from ..data.pokes import simulate_pokes
from ..data.store import Batch, ClipStore
from .loop import mean_figures
from .losses import flow_figures, flow_loss

POKE_WEIGHT = 0.5
VALIDATION_CLIPS = 192


class ConditionerStage:
    """Trains image and poke encoder side by side; they share nothing but the batch."""

    name = "conditioner"

    def __init__(
        self, module: Conditioner, train: ClipStore, held_out: ClipStore, pokes: tuple[int, int], batch: int, seed: int
    ) -> None:
        self.module = module
        self._train, self._held_out, self._pokes = train, held_out, pokes
        self._batch, self._seed = batch, seed

    def losses(self, step: int) -> dict[str, Tensor]:
        """Terms of the loss on fresh clips."""
        rng = np.random.default_rng([self._seed, 2, step])
        batch = draw(self._train, rng, self._batch)
        x0 = batch.frames[:, 0]
        flow, truth = self._predict(batch, rng)
        return {"image": (self.module.image(x0) - x0).abs().mean(), "poke": POKE_WEIGHT * flow_loss(flow, truth)}

    def _predict(self, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        simulated = simulate_pokes(batch.poke_flow, rng, *self._pokes)
        truth = torch.where(simulated.still.view(-1, 1, 1, 1), torch.zeros_like(batch.poke_flow), batch.poke_flow)
        return self.module.poke(simulated.maps, batch.frames[:, 0]), truth

    def validate(self) -> dict[str, float]:
        """Flow error on moving pixels beside that of standing still."""
        rows = []
        for part in self._held_out.parts(64, VALIDATION_CLIPS):
            batch = self._held_out.batch(part)
            flow, truth = self._predict(batch, np.random.default_rng([self._seed, int(part[0])]))
            x0 = batch.frames[:, 0]
            rows.append({**flow_figures(flow, truth), "image_error": float((self.module.image(x0) - x0).abs().mean())})
        return mean_figures(rows)
