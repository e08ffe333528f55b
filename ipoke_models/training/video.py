"""Stage 1: the video autoencoder, judged by its flow from the first minute.

Loss: the frame (L1, and what VGG sees of it where that is asked for) and a weak KL term; with the warp head also flow error where
the place can be seen in x0 (moving places count more) and visibility; with the motion head, in place of the frame, the shifts
of the thing and how far off they are taken to be. A random few of the T frames are decoded at each step; the recurrent unit
always runs through all. `adversarial.py` adds critics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..config import LATENT_PX
from ..data.batch import Batch, motion_input
from ..data.batches import draw
from ..data.store import ClipStore
from ..data.things import seen_still
from ..metrics.measures import psnr
from ..networks.autoencoder import VideoAutoencoder
from ..networks.decoder import Rendered
from . import processes
from .losses import MOVING_WEIGHT, VALIDATION_CLIPS, flow_figures, flow_loss, laplace_nll, mean_figures
from .objectives import gaussian_kl
from .perceptual import PerceptualDistance
from .processes import beside, share
from .truth import Truth, truth_of


@dataclass(frozen=True)
class VideoLoss:
    """Weights of the terms, and how many frames are decoded at a step."""

    flow: float = 1.0
    visibility: float = 0.1
    """Of what the true motion hides and shows; at 0 the frame alone says where the warp is to be trusted."""
    frame: float = 1.0
    kl: float = 1e-5
    moving: float = MOVING_WEIGHT
    """How much more flow counts where something moves."""
    certainty: float = 0.1
    """Of how far off the motion head takes itself to be."""
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
        return Decoded(batch, chosen, self.module.render_many(states, self._seen(batch)), mean, logvar)

    def _seen(self, batch: Batch) -> Tensor:
        return seen_still(batch, self.module.config.decoder)

    def _truth(self, batch: Batch, chosen: Sequence[int] | NDArray[np.int64]) -> Truth:
        return truth_of(batch, chosen, self.module.config.decoder)

    def _choose(self, rng: np.random.Generator, frames: int) -> NDArray[np.int64]:
        return np.sort(rng.choice(frames, self._loss.decoded_frames, replace=False))

    def _reconstruction(self, decoded: Decoded) -> dict[str, Tensor]:
        weights, rendered, truth = self._loss, decoded.rendered, decoded.truth
        kl = weights.kl * gaussian_kl(decoded.mean, decoded.logvar)
        if rendered.shift is not None and rendered.log_error is not None:
            return {"kl": kl, **self._carried(decoded, rendered.shift, rendered.log_error)}
        terms = {"frame": weights.frame * (rendered.frame - truth).abs().mean(), "kl": kl}
        if self._perceptual is not None:
            seen = self._perceptual(rendered.frame.flatten(0, 1), truth.flatten(0, 1))
            terms["perceptual"] = weights.perceptual * seen
        if rendered.flow is None or rendered.visibility is None:
            return terms
        true_flow = self._truth(decoded.batch, decoded.chosen)
        terms["flow"] = weights.flow * flow_loss(rendered.flow, true_flow.motion, true_flow.trusted, weights.moving)
        terms["visibility"] = weights.visibility * _cross_entropy(rendered.visibility, true_flow.trusted)
        return terms

    def _carried(self, decoded: Decoded, shift: Tensor, log_error: Tensor) -> dict[str, Tensor]:
        """Certainty reads how far off the shift is, and does not draw on it."""
        truth = self._truth(decoded.batch, decoded.chosen)
        return {
            "flow": self._loss.flow * flow_loss(shift, truth.motion, truth.trusted, self._loss.moving),
            "certainty": self._loss.certainty * laplace_nll(shift.detach(), log_error, truth.motion, truth.trusted),
        }

    def validate(self) -> dict[str, float]:
        """Flow error on moving pixels and PSNR, early, half-way and at the end, each beside that of standing still."""
        rows = []
        for part in self._held_out.parts(32, VALIDATION_CLIPS):
            batch = beside(self.module, self._held_out.batch(part))
            mean, logvar = self.module.encode(motion_input(batch, self.module.config))
            frames = batch.backward.shape[1]
            chosen = [(frames - 1) // 4, frames // 2, frames - 1]
            states = self.module.unroll(mean, frames)[:, chosen]
            rendered, truth = self.module.render_many(states, self._seen(batch)), self._truth(batch, chosen)
            figures = _figures(rendered, batch.frames, truth, chosen)
            rows.append(figures | {"sigma": float(torch.exp(0.5 * logvar).mean())})
        return mean_figures(rows)


def _cross_entropy(probability: Tensor, truth: Tensor) -> Tensor:
    """Binary cross entropy; torch's own refuses to run beside bfloat16."""
    p = probability.float().clamp(1e-5, 1 - 1e-5)
    return -(truth * p.log() + (1 - truth) * (1 - p).log()).mean()


def _figures(rendered: Rendered, clips: Tensor, truth: Truth, chosen: list[int]) -> dict[str, float]:
    frames = clips[:, 1:][:, chosen]
    still = clips[:, :1].expand_as(frames)
    motion = torch.zeros_like(truth.motion) if rendered.motion is None else rendered.motion
    return {
        **flow_figures(motion, truth.motion, truth.trusted),
        "psnr_db": psnr(rendered.frame, frames),
        "psnr_still_db": psnr(still, frames),
    }
