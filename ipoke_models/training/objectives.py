"""The terms of the paper's objectives that need no data of their own: adversarial terms, Gaussians, learned weights.

What the released system adds up, with its weights:

* video autoencoder: 10 L1 + 10 VGG + 1e-7 `gaussian_kl` + `generator_loss` of frames + `generator_loss` of clips
  + 1 `feature_matching`; the critics learn by `hinge_loss`, that of clips with 1 `gradient_penalty` as well;
* still and poke encoders: `learned_nll` of L1 + LPIPS; for stills also `generator_loss` times `adaptive_weight`;
* flow: 0.5 |r|^2 - log|det dr/dz| (`training/flow.py`); its twin in the ablation: `evidence_loss`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_LARGEST_WEIGHT = 1e4


def hinge_loss(real: Tensor, fake: Tensor) -> Tensor:
    """A critic's loss on its scores: (mean max(0, 1 - real) + mean max(0, 1 + fake)) / 2."""
    return (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2


def generator_loss(fake: Tensor) -> Tensor:
    """What the critic's scores of decoded pictures cost the decoder: -mean fake."""
    return -fake.mean()


def feature_matching(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Mean over a critic's stages of the L1 distance between the features of true and decoded clips."""
    distances = [F.l1_loss(theirs, truth.detach()) for truth, theirs in zip(real, fake, strict=True)]
    return torch.stack(distances).mean()


def gradient_penalty(real_scores: Tensor, real: Tensor) -> Tensor:
    """Mean over the batch of |d score / d real|^2 on true pictures (Mescheder et al. 2018); `real` must require gradients."""
    (gradient,) = torch.autograd.grad(real_scores.sum(), real, create_graph=True)
    return gradient.square().flatten(1).sum(dim=1).mean()


def gaussian_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp logvar) | N(0, I)) of (B, C, H, W): the sum over C, the mean over B, H and W."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(dim=1).mean()


def learned_nll(error: Tensor, logvar: Tensor) -> Tensor:
    """error / exp(logvar) + logvar with one learned `logvar`, summed over values, (B, ...) -> mean over B."""
    return (error / logvar.exp() + logvar).sum() / error.shape[0]


def adaptive_weight(reconstruction: Tensor, adversarial: Tensor, last: Tensor) -> Tensor:
    """|d reconstruction / d last| over |d adversarial / d last|: the weight that lets both pull alike at the last parameter."""
    (of_reconstruction,) = torch.autograd.grad(reconstruction, last, retain_graph=True)
    (of_adversarial,) = torch.autograd.grad(adversarial, last, retain_graph=True)
    return (of_reconstruction.norm() / (of_adversarial.norm() + 1 / _LARGEST_WEIGHT)).clamp(max=_LARGEST_WEIGHT).detach()


def evidence_loss(z: Tensor, decoded: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """Mean over the batch of 0.5 |z - decoded|^2 + KL(N(mean, exp logvar) | N(0, I)), in nats but for the constant."""
    kl = gaussian_kl(mean, logvar) * mean[0, 0].numel()
    return 0.5 * (z - decoded).square().flatten(1).sum(dim=1).mean() + kl
