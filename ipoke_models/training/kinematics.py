"""Stage 2: the conditional flow by maximum likelihood, on codes of the finished video autoencoder.

The encoders of still and pokes go on learning at the rate of the flow; the paper keeps them frozen. Which of the two is
better for this model has not been measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..autoencoder import VideoAutoencoder, flow_motion_input
from ..config import MotionInput
from ..data.batches import mirror, motion_input
from ..data.pokes import simulate_pokes
from ..data.store import ClipStore
from ..networks import Networks
from .loop import mean_figures

INITIALISATION_CLIPS = 256
LEAST_DEVIATION = 0.1
"""Noise on standardised codes: without it the likelihood pays for scales so thin that the inverse overflows."""


@dataclass(frozen=True)
class Codes:
    """Mean and log-variance of z for all clips of a store, as they are and mirrored: (N, 2, Cz, 8, 8)."""

    mean: Tensor
    logvar: Tensor


@torch.no_grad()
def encode_store(autoencoder: VideoAutoencoder, store: ClipStore, most: int | None = None) -> Codes:
    """Codes of all clips, or of the first `most`: computed once, since the autoencoder no longer changes."""
    autoencoder.eval()
    means, logvars = [], []
    for part in store.parts(64, most):
        batch = store.batch(part)
        everywhere = torch.ones(len(batch.frames), dtype=torch.bool)
        kinds = [autoencoder.encode(motion_input(kind, autoencoder.config)) for kind in (batch, mirror(batch, everywhere))]
        means.append(torch.stack([mean for mean, _ in kinds], dim=1))
        logvars.append(torch.stack([logvar for _, logvar in kinds], dim=1))
    return Codes(torch.cat(means), torch.cat(logvars))


@torch.no_grad()
def encode_still(autoencoder: VideoAutoencoder, x0: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance of z, (B, Cz, 8, 8), of clips in which x0 (B, 3, S, S) stands still."""
    config = autoencoder.config
    if config.motion_input is MotionInput.FRAMES:
        return autoencoder.encode(x0[:, None].expand(-1, config.frames + 1, -1, -1, -1))
    size_px = config.size_px // config.motion_stride
    return autoencoder.encode(flow_motion_input(x0, x0.new_zeros(len(x0), config.frames, 2, size_px, size_px), 1.0))


class KinematicsStage:
    """Trains flow and encoders together: mean over the batch of 0.5 |r|^2 - log|det dr/dz|, per dimension of z."""

    name = "kinematics"

    def __init__(
        self,
        networks: Networks,
        stores: tuple[ClipStore, ClipStore],
        codes: tuple[Codes, Codes],
        pokes: tuple[int, int],
        batch: int,
        seed: int,
    ) -> None:
        self.module = nn.ModuleDict({"flow": networks.flow, "conditioner": networks.conditioner})
        self._flow, self._conditioner, self._autoencoder = networks.flow, networks.conditioner, networks.autoencoder
        self._train, self._held_out = stores
        self._train_codes, self._held_out_codes = codes
        self._pokes, self._batch, self._seed = pokes, batch, seed
        rng = np.random.default_rng([seed, 3])
        with torch.no_grad():
            z, h = self._example(self._train, self._train_codes, rng.integers(len(self._train), size=INITIALISATION_CLIPS), rng)
            self._flow.initialise(z, h)

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
        rows, kinds = torch.from_numpy(indices), mirrored.long()
        mean, logvar = codes.mean[rows, kinds], codes.logvar[rows, kinds]
        if bool(simulated.still.any()):
            mean[simulated.still], logvar[simulated.still] = encode_still(self._autoencoder, batch.frames[simulated.still, 0])
        deviation = torch.sqrt(torch.exp(logvar) + LEAST_DEVIATION**2)
        noise = torch.from_numpy(rng.standard_normal(mean.shape, dtype=np.float32))
        h = self._conditioner(batch.frames[:, 0], simulated.maps)
        return mean + deviation * noise, h

    def validate(self) -> dict[str, float]:
        """Held-out negative log-likelihood a dimension."""
        rng = np.random.default_rng([self._seed, 5])
        return mean_figures(
            {"held_out_nll": float(self._nll(self._held_out, self._held_out_codes, part, rng))}
            for part in self._held_out.parts(64)
        )
