"""What an invertible transform is, and the ones without a network: activation norm, channel shuffle, chains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LOG_2 = 0.6931471805599453
ACTNORM_EPSILON = 1e-8
"""What the released system adds to a norm's scale before it divides by it; its checkpoints are reproduced with it."""
_AFFINE_EPSILON = 1e-12


class Transform(nn.Module, ABC):
    """An invertible map of (B, C, 8, 8), conditioned on h (B, Ch, 8, 8)."""

    @abstractmethod
    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """y = f(x | h) and log |det df/dx|, (B,)."""

    @abstractmethod
    def inverse(self, y: Tensor, h: Tensor) -> Tensor:
        """x with f(x | h) = y."""


class ActNorm(Transform):
    """y = x exp(s) + b, with s and b for each channel (Glow, Kingma and Dhariwal 2018).

    `initialise_next` makes the next forward pass set s and b so that its output has mean 0 and deviation 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))
        self.initialise_next = False

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """y = x exp(s) + b; log|det| = H W sum(s)."""
        if self.initialise_next:
            self._initialise(x)
        y = x * self.log_scale.exp() + self.bias
        logdet = self.log_scale.sum() * (x.shape[-2] * x.shape[-1])
        return y, logdet.expand(x.shape[0])

    def inverse(self, y: Tensor, h: Tensor) -> Tensor:
        """x = (y - b) / exp(s)."""
        return (y - self.bias) / (self.log_scale.exp() + ACTNORM_EPSILON)

    @torch.no_grad()
    def _initialise(self, x: Tensor) -> None:
        deviation, mean = torch.std_mean(x, dim=(0, 2, 3), correction=0)
        log_scale = -(deviation + 1e-6).log()
        self.log_scale.copy_(log_scale.view_as(self.log_scale))
        self.bias.copy_((-mean * log_scale.exp()).view_as(self.bias))
        self.initialise_next = False


class Shuffle(Transform):
    """A fixed permutation of the channels: y[:, i] = x[:, order[i]]."""

    order: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("order", torch.randperm(channels))

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """y[:, i] = x[:, order[i]]; log|det| = 0."""
        return x[:, self.order], x.new_zeros(x.shape[0])

    def inverse(self, y: Tensor, h: Tensor) -> Tensor:
        """x[:, order[i]] = y[:, i]."""
        return y[:, torch.argsort(self.order)]


class Chain(Transform):
    """Transforms one after the other; log-determinants add up."""

    def __init__(self, transforms: Iterable[Transform]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(transforms)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """First to last."""
        logdet = x.new_zeros(x.shape[0])
        for part in self.parts:
            x, step = part(x, h)
            logdet = logdet + step
        return x, logdet

    def inverse(self, y: Tensor, h: Tensor) -> Tensor:
        """Last to first."""
        for part in reversed(self.parts):
            y = cast(Transform, part).inverse(y, h)
        return y


def affine(x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
    """y = scale x + mu and log|det| (B,), from parameters (B, 2 C, H, W) = [mu | l]; scale = 1 + tanh(l / 2) in (0, 2)."""
    mu, logit = parameters.chunk(2, dim=1)
    log_scale = F.logsigmoid(logit) + _LOG_2  # 1 + tanh(l / 2) = 2 sigmoid(l)
    return torch.addcmul(mu, log_scale.exp(), x), log_scale.flatten(1).sum(dim=1)


def affine_inverse(y: Tensor, parameters: Tensor) -> Tensor:
    """x with `affine(x, parameters)` = y."""
    mu, logit = parameters.chunk(2, dim=1)
    return (y - mu) / (2 * torch.sigmoid(logit) + _AFFINE_EPSILON)
