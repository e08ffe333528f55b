"""Stage 2: the conditional flow by maximum likelihood, on codes of the finished video autoencoder.

The encoders of still and pokes go on learning at the rate of the flow: on few clips this measured better than
keeping them frozen as the paper does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..autoencoder import VideoAutoencoder
from ..conditioning import Conditioner
from ..data.batches import mirror, motion_input
from ..data.pokes import simulate_pokes
from ..data.store import Batch, ClipStore
from ..flow import ConditionalFlow
from .loop import mean_figures

INITIALISATION_CLIPS = 256


@dataclass(frozen=True)
class Codes:
    """Mean and log-variance of z for clips (N, Cz, 8, 8): as they are, mirrored, and standing still, plain and mirrored."""

    mean: Tensor
    logvar: Tensor


@torch.no_grad()
def encode_store(autoencoder: VideoAutoencoder, store: ClipStore) -> Codes:
    """Codes of all clips, (N, 4, Cz, 8, 8): [plain, mirrored, still, still mirrored]."""
    autoencoder.eval()
    means, logvars = [], []
    for start in range(0, len(store), 64):
        batch = store.batch(np.arange(start, min(len(store), start + 64)))
        everywhere = torch.ones(len(batch.frames), dtype=torch.bool)
        kinds = [
            autoencoder.encode(motion_input(kind, autoencoder.config))
            for plain in (batch, _frozen(batch))
            for kind in (plain, mirror(plain, everywhere))
        ]
        means.append(torch.stack([mean for mean, _ in kinds], dim=1))
        logvars.append(torch.stack([logvar for _, logvar in kinds], dim=1))
    return Codes(torch.cat(means), torch.cat(logvars))


def _frozen(batch: Batch) -> Batch:
    return Batch(
        batch.frames[:, :1].expand_as(batch.frames),
        torch.zeros_like(batch.motion),
        torch.zeros_like(batch.backward),
        torch.ones_like(batch.visible),
        torch.zeros_like(batch.poke_flow),
    )


class KinematicsStage:
    """Trains flow and encoders together: mean over the batch of 0.5 |r|^2 - log|det dr/dz|, per dimension of z."""

    name = "kinematics"

    def __init__(
        self,
        flow: ConditionalFlow,
        conditioner: Conditioner,
        stores: tuple[ClipStore, ClipStore],
        codes: tuple[Codes, Codes],
        pokes: tuple[int, int],
        batch: int,
        seed: int,
    ) -> None:
        self.module = nn.ModuleDict({"flow": flow, "conditioner": conditioner})
        self._flow, self._conditioner = flow, conditioner
        self._train, self._held_out = stores
        self._train_codes, self._held_out_codes = codes
        self._pokes, self._batch, self._seed = pokes, batch, seed
        rng = np.random.default_rng([seed, 3])
        with torch.no_grad():
            z, h = self._example(self._train, self._train_codes, rng.integers(len(self._train), size=INITIALISATION_CLIPS), rng)
            flow.initialise(z, h)

    def losses(self, step: int) -> dict[str, Tensor]:
        """Negative log-likelihood on fresh clips and pokes."""
        rng = np.random.default_rng([self._seed, 4, step])
        indices = rng.integers(len(self._train), size=self._batch)
        return {"nll": self._nll(self._train, self._train_codes, indices, rng)}

    def _nll(self, store: ClipStore, codes: Codes, indices: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        z, h = self._example(store, codes, indices, rng)
        r, logdet = self._flow.residual(z, h)
        return (0.5 * r.square().flatten(1).sum(1) - logdet).mean() / z[0].numel()

    def _example(
        self, store: ClipStore, codes: Codes, indices: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        mirrored = torch.from_numpy(rng.random(len(indices)) < 0.5)
        batch = mirror(store.conditions(indices), mirrored)
        simulated = simulate_pokes(batch.poke_flow, rng, *self._pokes)
        kind = mirrored.long() + 2 * simulated.still.long()
        rows = torch.from_numpy(indices)
        mean, logvar = codes.mean[rows, kind], codes.logvar[rows, kind]
        noise = torch.from_numpy(rng.standard_normal(mean.shape, dtype=np.float32))
        h = self._conditioner(batch.frames[:, 0], simulated.maps)
        return mean + torch.exp(0.5 * logvar) * noise, h

    def validate(self) -> dict[str, float]:
        """Held-out negative log-likelihood a dimension."""
        rng = np.random.default_rng([self._seed, 5])
        parts = [np.arange(start, min(start + 64, len(self._held_out))) for start in range(0, len(self._held_out), 64)]
        rows = [{"held_out_nll": float(self._nll(self._held_out, self._held_out_codes, part, rng))} for part in parts]
        return mean_figures(rows)
