"""Stage 2: the conditional flow by maximum likelihood, on codes of the finished video autoencoder.

The encoders of still and pokes are frozen, as in the paper, and with them the base of the flow where there is one.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..networks.whole import Networks
from .codes import CodedClips, Examples
from .losses import VALIDATION_SEED, mean_figures

INITIALISATION_CLIPS = 256


class KinematicsStage:
    """Trains the flow: mean over the batch of 0.5 |r|^2 - log|det dr/dz|, per dimension of z.

    The norms of a `fresh` flow are first set by the data.
    """

    name = "kinematics"
    exact = True

    def __init__(
        self, networks: Networks, train: CodedClips, held_out: CodedClips, batch: int, seed: int, *, fresh: bool = True
    ) -> None:
        self.module = networks.flow
        self._conditioner = networks.conditioner.requires_grad_(False).eval()
        if networks.flow.base is not None:
            networks.flow.base.requires_grad_(False)
        self._train, self._held_out = train, held_out
        self._batch, self._seed = batch, seed
        if fresh:
            first = train.random(np.random.default_rng([seed, 3]), INITIALISATION_CLIPS)
            self.module.initialise(first.z, self._condition(first))

    def losses(self, step: int) -> dict[str, Tensor]:
        """Negative log-likelihood on fresh clips and pokes."""
        return {"nll": self._nll(self._train.random_share(np.random.default_rng([self._seed, 4, step]), self._batch))}

    @torch.no_grad()
    def _condition(self, examples: Examples) -> Tensor:
        h: Tensor = self._conditioner(examples.x0, examples.pokes.maps, examples.thing)
        return h

    def _nll(self, examples: Examples) -> Tensor:
        r, logdet = self.module.residual(examples.z, self._condition(examples))
        return (0.5 * r.square().flatten(1).sum(1) - logdet).mean() / examples.z[0].numel()

    def validate(self) -> dict[str, float]:
        """Held-out negative log-likelihood a dimension."""
        rng = np.random.default_rng([VALIDATION_SEED, 5])
        return mean_figures({"held_out_nll": float(self._nll(examples))} for examples in self._held_out.in_order(rng, 64))
