"""The base of the flow: mean and scale of z given the still and the pokes, together with the encoders of both.

Trained by the Gaussian likelihood of z and, for models that warp, by what the mean decodes to: its flow against the true one, and
against what the pokes themselves ask for at their tips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.flow.base import ConditionalGaussian
from ..networks.whole import Networks
from . import processes
from .codes import CodedClips, Examples
from .losses import SQUARE_WEIGHT, VALIDATION_CLIPS, VALIDATION_SEED, flow_figures, flow_loss, mean_figures
from .truth import Truth, truth_of


@dataclass(frozen=True)
class BaseLoss:
    """Weights beside the likelihood: flow (px) of the last and one more frame, and flow at the tips of the last."""

    flow: float = 0.5
    tips: float = 0.25
    moving: float = 1.0
    """How much more moving places count; less than for the autoencoder, since here it makes what may stand still move along."""
    square: float = SQUARE_WEIGHT
    """Share of the squared error, px: it moves what may or may not follow by what is to be expected, 0 by what is more likely."""
    estimated: float = 1.0
    """How much more flow counts that was estimated, as that of footage; never by its square, since estimates have outliers."""


class BaseStage:
    """Trains the base and the conditioner; the autoencoder is finished and only decodes."""

    name = "base"
    exact = True

    def __init__(
        self, networks: Networks, train: CodedClips, held_out: CodedClips, loss: BaseLoss, batch: int, seed: int
    ) -> None:
        assert networks.flow.base is not None
        self._base: ConditionalGaussian = networks.flow.base
        self._conditioner, self._autoencoder = networks.conditioner, networks.autoencoder.requires_grad_(False)
        for part in (self._conditioner.image.decoder, self._conditioner.poke.decoder, self._conditioner.dense):
            if part is not None:
                part.requires_grad_(False)  # not trained here: processes wait for every parameter's gradient
        self.module = nn.ModuleDict({"base": self._base, "conditioner": self._conditioner})
        self._train, self._held_out, self._loss = train, held_out, loss
        self._batch, self._seed = batch, seed

    def losses(self, step: int) -> dict[str, Tensor]:
        """Terms of the loss on fresh clips and pokes."""
        rng = np.random.default_rng([self._seed, 6, step])
        examples = self._train.random_share(rng, self._batch)
        frames = examples.batch.backward.shape[1]
        chosen = [int(rng.integers(frames - 1)), frames - 1]
        mean, nll = self._predict(examples)
        flow = self._decoded_motion(mean, examples.seen, chosen)
        if flow is None:
            return {"nll": nll}
        truth = self._truth(examples, chosen)
        asked, asks = _asked(examples, flow.shape[-1])
        error = ((flow[:, -1] - asked).abs() * asks).sum() / processes.average(asks.sum().float()).clamp_min(1) / 2
        estimated = examples.batch.estimated.view(-1, 1, 1, 1, 1)
        square, weight = self._loss.square * (1 - estimated), 1 + (self._loss.estimated - 1) * estimated
        dense = flow_loss(flow, truth.motion, truth.trusted, self._loss.moving, square, weight)
        return {"nll": nll, "flow": self._loss.flow * dense, "tips": self._loss.tips * error}

    def _predict(self, examples: Examples) -> tuple[Tensor, Tensor]:
        mean, log_scale = self._base(self._conditioner(examples.x0, examples.pokes.maps, examples.thing))
        nll = 0.5 * ((examples.z - mean) * torch.exp(-log_scale)).square() + log_scale
        return mean, nll.mean()

    def _decoded_motion(self, z: Tensor, seen: Tensor, chosen: list[int]) -> Tensor | None:
        states = self._autoencoder.unroll(z, max(chosen) + 1)[:, chosen]
        return self._autoencoder.render_many(states, seen).motion

    def _truth(self, examples: Examples, chosen: list[int]) -> Truth:
        """Of these frames; poked backgrounds stand still and are seen everywhere."""
        truth = truth_of(examples.batch, chosen, self._autoencoder.config.decoder)
        still = examples.pokes.still.view(-1, 1, 1, 1, 1)
        return Truth(truth.motion.masked_fill(still, 0.0), truth.trusted.masked_fill(still, 1.0))

    def validate(self) -> dict[str, float]:
        """Held-out likelihood, and the flow error of the mean's last frame beside that of standing still."""
        rng = np.random.default_rng([VALIDATION_SEED, 7])
        rows = []
        for examples in self._held_out.in_order(rng, 32, VALIDATION_CLIPS):
            last = [examples.batch.backward.shape[1] - 1]
            mean, nll = self._predict(examples)
            row = {"held_out_nll": float(nll)}
            flow, truth = self._decoded_motion(mean, examples.seen, last), self._truth(examples, last)
            rows.append(row if flow is None else row | flow_figures(flow, truth.motion, truth.trusted))
        return mean_figures(rows)


def _asked(examples: Examples, size_px: int) -> tuple[Tensor, Tensor]:
    """What pokes ask of the last frame, (B, 2, s, s) px, and where, (B, 1, s, s): of backward flow at their tips, of shifts, in
    cells that they cover whole, at their tails."""
    if examples.thing is None:
        tips = examples.pokes.tips
        return tips, (tips.norm(dim=1, keepdim=True) > 0) & ~examples.pokes.still.view(-1, 1, 1, 1)
    maps = examples.pokes.maps
    covered = F.adaptive_avg_pool2d((maps.norm(dim=1, keepdim=True) > 0).float(), size_px)
    return F.adaptive_avg_pool2d(maps, size_px), covered == 1
