"""The examples that the stages after the video autoencoder learn from: clips with simulated pokes and their codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config import LATENT_PX, MotionInput
from ..data.batch import Batch, motion_input
from ..data.batches import draw, mirror
from ..data.poke_simulation import SimulatedPokes, simulate_for
from ..data.store import ClipStore
from ..data.things import seen_with, shown_thing
from ..networks.autoencoder import VideoAutoencoder, flow_motion_input
from . import processes
from .processes import beside

LEAST_DEVIATION = 0.1
"""Noise on standardised codes: without it the likelihood pays for scales so thin that the inverse overflows."""


@dataclass(frozen=True)
class Examples:
    """Clips with simulated pokes and z drawn from its posterior, (B, Cz, 8, 8); of poked backgrounds, z of standing still."""

    batch: Batch
    pokes: SimulatedPokes
    z: Tensor
    thing: Tensor | None = None
    """Mask and pins of the thing, (B, 2, S, S), for models that see it."""

    @property
    def x0(self) -> Tensor:
        """The stills, (B, 3, S, S)."""
        return self.batch.frames[:, 0]

    @property
    def seen(self) -> Tensor:
        """What the decoder sees of the stills, (B, 3 or 4, S, S)."""
        return seen_with(self.x0, self.thing)


class CodedClips:
    """A store, the finished autoencoder that encodes its clips, and the pokes that the model takes: (max_pokes, poke_size_px)."""

    def __init__(
        self,
        store: ClipStore,
        autoencoder: VideoAutoencoder,
        pokes: tuple[int, int],
        least_deviation: float = LEAST_DEVIATION,
    ) -> None:
        self.store, self._least_deviation = store, least_deviation
        self._autoencoder, self._pokes = autoencoder, pokes

    def __len__(self) -> int:
        return len(self.store)

    def random(self, rng: np.random.Generator, count: int, part: slice = slice(None)) -> Examples:
        """Examples of random clips, mirrored and varied as `draw` does; of `count` drawn, those of `part`."""
        return self._coded(draw(self.store, rng, count, part), rng, count, part)

    def random_share(self, rng: np.random.Generator, count: int) -> Examples:
        """This process's share of what `random` draws; the others' clips are not read."""
        return self.random(rng, count, processes.part())

    def in_order(self, rng: np.random.Generator, size: int, most: int | None = None) -> Iterator[Examples]:
        """Examples of all clips (or of the first `most`) as they are, up to `size` at a time."""
        return (self._coded(self.store.batch(part), rng, len(part)) for part in self.store.parts(size, most))

    @torch.no_grad()
    def _coded(self, batch: Batch, rng: np.random.Generator, count: int, part: slice = slice(None)) -> Examples:
        """The clips of a part of `count` with pokes on them and their codes."""
        sees_thing = self._autoencoder.config.decoder.sees_thing
        pokes = simulate_for(batch, rng.spawn(count)[part], self._pokes, sees_thing=sees_thing)
        shape = count, self._autoencoder.config.latent_channels, LATENT_PX, LATENT_PX
        noise = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)[part])
        autoencoder = self._autoencoder.eval()
        batch, pokes, noise = (beside(autoencoder, batch), beside(autoencoder, pokes), beside(autoencoder, noise))
        mean, logvar = autoencoder.encode(motion_input(batch, autoencoder.config))
        if bool(pokes.still.any()):
            mean[pokes.still], logvar[pokes.still] = encode_still(autoencoder, batch.frames[pokes.still, 0])
        thing = shown_thing(batch, rng, count, part, self._pokes[1]) if sees_thing else None
        return Examples(batch, pokes, mean + torch.sqrt(torch.exp(logvar) + self._least_deviation**2) * noise, thing)


@torch.no_grad()
def encode_store(autoencoder: VideoAutoencoder, store: ClipStore, most: int) -> Tensor:
    """Means of z, (2 N, Cz, 8, 8), of the first `most` clips as they are and mirrored."""
    autoencoder.eval()
    means = []
    for part in store.parts(64, most):
        batch = beside(autoencoder, store.batch(part))
        everyone = torch.ones(len(part), dtype=torch.bool, device=batch.frames.device)
        for clips in (batch, mirror(batch, everyone)):
            means.append(autoencoder.encode(motion_input(clips, autoencoder.config))[0])
    return torch.cat(means)


@torch.no_grad()
def encode_still(autoencoder: VideoAutoencoder, x0: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance of z, (B, Cz, 8, 8), of clips in which x0 (B, 3, S, S) stands still."""
    config = autoencoder.config
    if config.motion_input is MotionInput.FRAMES:
        return autoencoder.encode(x0[:, None].expand(-1, config.frames + 1, -1, -1, -1))
    size_px = config.size_px // config.motion_stride
    return autoencoder.encode(flow_motion_input(x0, x0.new_zeros(len(x0), config.frames, 2, size_px, size_px), 1.0))
