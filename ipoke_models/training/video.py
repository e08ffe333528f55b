"""Stage 1: the video autoencoder, judged by its flow from the first minute.

Loss of the warp head: flow error where the place can be seen in x0 (moving places count more), visibility, the frame,
and a weak KL term. A random few of the T frames are decoded at each step; the recurrent unit always runs through all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..autoencoder import VideoAutoencoder
from ..config import LATENT_PX
from ..data.batches import draw, motion_input
from ..data.store import Batch, ClipStore
from ..decoder import Rendered
from ..evaluation.measures import psnr
from ..losses import gaussian_kl
from .losses import flow_figures, flow_loss, mean_figures
from .processes import beside, share

VALIDATION_CLIPS = 192


@dataclass(frozen=True)
class VideoLoss:
    """Weights of the terms, and how many frames are decoded at a step."""

    flow: float = 1.0
    visibility: float = 0.1
    frame: float = 1.0
    kl: float = 1e-5
    decoded_frames: int = 2


class VideoStage:
    """Trains encoder, recurrent unit and decoder together."""

    name = "video"
    exact = False

    def __init__(
        self, module: VideoAutoencoder, train: ClipStore, held_out: ClipStore, loss: VideoLoss, batch: int, seed: int
    ) -> None:
        self.module = module
        self._train, self._held_out, self._loss = train, held_out, loss
        self._batch, self._seed = batch, seed

    def losses(self, step: int) -> dict[str, Tensor]:
        """Terms of the loss on fresh clips."""
        rng = np.random.default_rng([self._seed, 1, step])
        drawn = draw(self._train, rng, self._batch)
        torch.manual_seed(int(rng.integers(2**31)))
        noise = torch.randn(self._batch, self.module.config.latent_channels, LATENT_PX, LATENT_PX)
        batch, noise = beside(self.module, share(drawn)), beside(self.module, share(noise))
        mean, logvar = self.module.encode(motion_input(batch, self.module.config))
        z = mean + torch.exp(0.5 * logvar) * noise
        chosen = torch.from_numpy(rng.choice(batch.backward.shape[1], self._loss.decoded_frames, replace=False))
        states = self.module.unroll(z, batch.backward.shape[1])[:, chosen]
        rendered = self.module.render_many(states, batch.frames[:, 0])
        return {**self._reconstruction(rendered, batch, chosen), "kl": self._loss.kl * gaussian_kl(mean, logvar)}

    def _reconstruction(self, rendered: Rendered, batch: Batch, chosen: Tensor) -> dict[str, Tensor]:
        weights = self._loss
        terms = {"frame": weights.frame * (rendered.frame - batch.frames[:, 1:][:, chosen]).abs().mean()}
        if rendered.flow is None or rendered.visibility is None:
            return terms
        visible = batch.visible[:, chosen]
        terms["flow"] = weights.flow * flow_loss(rendered.flow, batch.backward[:, chosen], visible)
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
