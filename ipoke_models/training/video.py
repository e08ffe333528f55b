"""Stage 1: the video autoencoder, judged by its flow from the first minute.

Loss: the frame (L1, and what VGG sees of it where that is asked for) and a weak KL term; with the warp head also flow error where
the place can be seen in x0 (moving places count more) and visibility. A random few of the T frames are decoded at each step; the
recurrent unit always runs through all. `adversarial.py` adds critics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..config import LATENT_PX
from ..data.batch import Batch, motion_input
from ..data.batches import draw
from ..data.store import ClipStore
from ..metrics.measures import psnr
from ..networks.autoencoder import VideoAutoencoder
from ..networks.decoder import Rendered
from . import processes
from .losses import flow_figures, flow_loss, mean_figures
from .objectives import gaussian_kl
from .perceptual import PerceptualDistance
from .processes import beside, share

VALIDATION_CLIPS = 192


@dataclass(frozen=True)
class VideoLoss:
    """Weights of the terms, and how many frames are decoded at a step."""

    flow: float = 1.0
    visibility: float = 0.1
    """Of what the true motion hides and shows; at 0 the frame alone says where the warp is to be trusted."""
    frame: float = 1.0
    kl: float = 1e-5
    perceptual: float = 0.0
    """Not zero: the weights of VGG16 are needed, see `perceptual.py`."""
    decoded_frames: int = 2


@dataclass(frozen=True)
class Decoded:
    """What one step decoded of a batch: frames `chosen` of 0..T-1 in order (frame t follows true frame t), and z's posterior."""

    batch: Batch
    chosen: NDArray[np.int64]
    rendered: Rendered
    mean: Tensor
    logvar: Tensor

    @property
    def truth(self) -> Tensor:
        """The true frames, (B, K, 3, S, S)."""
        return self.batch.frames[:, 1:][:, self.chosen]


class VideoStage:
    """Trains encoder, recurrent unit and decoder together; with `codes_kept` the decoder alone, so that z means what it did:
    the stage "decoder"."""

    exact = False

    def __init__(
        self,
        module: VideoAutoencoder,
        train: ClipStore,
        held_out: ClipStore,
        loss: VideoLoss,
        batch: int,
        seed: int,
        perceptual: PerceptualDistance | None = None,
        *,
        codes_kept: bool = False,
    ) -> None:
        self.module = module
        self.name = "decoder" if codes_kept else "video"
        if codes_kept:
            module.requires_grad_(False)
            module.decoder.requires_grad_(True)
        self._train, self._held_out, self._loss, self._perceptual = train, held_out, loss, perceptual
        self._batch, self._seed = batch, seed

    def losses(self, step: int) -> dict[str, Tensor]:
        """Terms of the loss on fresh clips."""
        return self._reconstruction(self._decode(np.random.default_rng([self._seed, 1, step])))

    def _decode(self, rng: np.random.Generator) -> Decoded:
        drawn = draw(self._train, rng, self._batch, processes.part())
        torch.manual_seed(int(rng.integers(2**31)))
        noise = torch.randn(self._batch, self.module.config.latent_channels, LATENT_PX, LATENT_PX)
        batch, noise = beside(self.module, drawn), beside(self.module, share(noise))
        mean, logvar = self.module.encode(motion_input(batch, self.module.config))
        z = mean + torch.exp(0.5 * logvar) * noise
        frames = self.module.config.frames
        chosen = self._choose(rng, frames)
        states = self.module.unroll(z, frames)[:, chosen]
        return Decoded(batch, chosen, self.module.render_many(states, batch.frames[:, 0]), mean, logvar)

    def _choose(self, rng: np.random.Generator, frames: int) -> NDArray[np.int64]:
        return np.sort(rng.choice(frames, self._loss.decoded_frames, replace=False))

    def _reconstruction(self, decoded: Decoded) -> dict[str, Tensor]:
        weights, rendered, truth = self._loss, decoded.rendered, decoded.truth
        terms = {"frame": weights.frame * (rendered.frame - truth).abs().mean()}
        terms["kl"] = weights.kl * gaussian_kl(decoded.mean, decoded.logvar)
        if self._perceptual is not None:
            seen = self._perceptual(rendered.frame.flatten(0, 1), truth.flatten(0, 1))
            terms["perceptual"] = weights.perceptual * seen
        if rendered.flow is None or rendered.visibility is None:
            return terms
        visible, backward = decoded.batch.visible[:, decoded.chosen], decoded.batch.backward[:, decoded.chosen]
        terms["flow"] = weights.flow * flow_loss(rendered.flow, backward, visible)
        terms["visibility"] = weights.visibility * _cross_entropy(rendered.visibility, visible)
        return terms

    def validate(self) -> dict[str, float]:
        """Flow error on moving pixels beside that of standing still, and PSNR beside that of standing still."""
        rows = []
        for part in self._held_out.parts(32, VALIDATION_CLIPS):
            batch = beside(self.module, self._held_out.batch(part))
            mean, logvar = self.module.encode(motion_input(batch, self.module.config))
            states = self.module.unroll(mean, batch.backward.shape[1])[:, [2, 5, 9]]
            rendered = self.module.render_many(states, batch.frames[:, 0])
            rows.append(_figures(rendered, batch, [2, 5, 9]) | {"sigma": float(torch.exp(0.5 * logvar).mean())})
        return mean_figures(rows)


def _cross_entropy(probability: Tensor, truth: Tensor) -> Tensor:
    """Binary cross entropy; torch's own refuses to run beside bfloat16."""
    p = probability.float().clamp(1e-5, 1 - 1e-5)
    return -(truth * p.log() + (1 - truth) * (1 - p).log()).mean()


def _figures(rendered: Rendered, batch: Batch, chosen: list[int]) -> dict[str, float]:
    truth, frames = batch.backward[:, chosen], batch.frames[:, 1:][:, chosen]
    still = batch.frames[:, :1].expand_as(frames)
    flow = torch.zeros_like(truth) if rendered.flow is None else rendered.flow
    return {
        **flow_figures(flow, truth, batch.visible[:, chosen]),
        "psnr_db": psnr(rendered.frame, frames),
        "psnr_still_db": psnr(still, frames),
    }
