"""Codes of whole stores, and the examples that the stages after the video autoencoder learn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..autoencoder import VideoAutoencoder, flow_motion_input
from ..config import MotionInput
from ..data.batches import motion_input, version, version_count
from ..data.pokes import SimulatedPokes, simulate_pokes
from ..data.store import Batch, ClipStore
from .processes import beside

LEAST_DEVIATION = 0.1
"""Noise on standardised codes: without it the likelihood pays for scales so thin that the inverse overflows."""


@dataclass(frozen=True)
class Codes:
    """Mean and log-variance of z for all versions of all clips of a store: (N, V, Cz, 8, 8)."""

    mean: Tensor
    logvar: Tensor


@dataclass(frozen=True)
class Examples:
    """Clips with simulated pokes and z drawn from its posterior, (B, Cz, 8, 8); of poked backgrounds, z of standing still."""

    batch: Batch
    pokes: SimulatedPokes
    z: Tensor

    @property
    def x0(self) -> Tensor:
        """The stills, (B, 3, S, S)."""
        return self.batch.frames[:, 0]


class CodedClips:
    """A store, the codes of its clips, and the pokes that the model takes: (max_pokes, poke_size_px)."""

    def __init__(
        self,
        store: ClipStore,
        autoencoder: VideoAutoencoder,
        codes: Codes,
        pokes: tuple[int, int],
        least_deviation: float = LEAST_DEVIATION,
    ) -> None:
        self.store, self._least_deviation = store, least_deviation
        self._autoencoder, self._codes, self._pokes = autoencoder, codes, pokes

    def __len__(self) -> int:
        return len(self.store)

    def random(self, rng: np.random.Generator, count: int, *, with_motion: bool = False) -> Examples:
        """Examples of random clips, each in a random version."""
        return self.examples(self.store.choose(rng, count), rng, with_motion=with_motion)

    def in_order(
        self, rng: np.random.Generator, size: int, most: int | None = None, *, with_motion: bool = False
    ) -> Iterator[Examples]:
        """Examples of all clips (or of the first `most`), up to `size` at a time."""
        return (self.examples(part, rng, with_motion=with_motion) for part in self.store.parts(size, most))

    def examples(self, indices: NDArray[np.int64], rng: np.random.Generator, *, with_motion: bool = False) -> Examples:
        """Examples of these clips; flow and frames after the still are read only `with_motion`."""
        versions = rng.integers(version_count(self.store), size=len(indices))
        batch = version(self.store.batch(indices) if with_motion else self.store.conditions(indices), indices, versions)
        pokes = simulate_pokes(batch.poke_flow, rng, *self._pokes, foreground=batch.foreground)
        rows, columns = torch.from_numpy(indices), torch.from_numpy(versions)
        mean, logvar = self._codes.mean[rows, columns], self._codes.logvar[rows, columns]
        if bool(pokes.still.any()):
            x0 = beside(self._autoencoder, batch.frames[pokes.still, 0])
            mean[pokes.still], logvar[pokes.still] = (part.cpu() for part in encode_still(self._autoencoder, x0))
        deviation = torch.sqrt(torch.exp(logvar) + self._least_deviation**2)
        noise = torch.from_numpy(rng.standard_normal(mean.shape, dtype=np.float32))
        return beside(self._autoencoder, Examples(batch, pokes, mean + deviation * noise))


@torch.no_grad()
def encode_store(autoencoder: VideoAutoencoder, store: ClipStore, most: int | None = None) -> Codes:
    """Codes of all clips, or of the first `most`: computed once, since the autoencoder no longer changes."""
    autoencoder.eval()
    means, logvars = [], []
    for part in store.parts(64, most):
        batch = store.batch(part)
        versions = (version(batch, part, np.full(len(part), number)) for number in range(version_count(store)))
        moving = [motion_input(beside(autoencoder, one), autoencoder.config) for one in versions]
        codes = [autoencoder.encode(motion) for motion in moving]
        means.append(torch.stack([mean for mean, _ in codes], dim=1))
        logvars.append(torch.stack([logvar for _, logvar in codes], dim=1))
    return Codes(torch.cat(means).cpu(), torch.cat(logvars).cpu())


@torch.no_grad()
def encode_still(autoencoder: VideoAutoencoder, x0: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance of z, (B, Cz, 8, 8), of clips in which x0 (B, 3, S, S) stands still."""
    config = autoencoder.config
    if config.motion_input is MotionInput.FRAMES:
        return autoencoder.encode(x0[:, None].expand(-1, config.frames + 1, -1, -1, -1))
    size_px = config.size_px // config.motion_stride
    return autoencoder.encode(flow_motion_input(x0, x0.new_zeros(len(x0), config.frames, 2, size_px, size_px), 1.0))
