"""Masked convolutions, couplings and norms put together: unit, step, prior."""

from __future__ import annotations

import torch
from torch import Tensor

from ...config import FlowConfig
from .coupling import Coupling, Split
from .masked import MaskedConvolution, Order
from .transforms import ActNorm, Chain, Shuffle, Transform


class Unit(Chain):
    """Masked convolutions over all four sides: A, B, norm, C, D, norm (MaCow, figure 2)."""

    def __init__(self, channels: int, config: FlowConfig) -> None:
        a, b, c, d = (
            MaskedConvolution(channels, config.masked_hidden(channels), config.cond_channels, order, config.weight_norm)
            for order in Order
        )
        super().__init__([a, b, ActNorm(channels), c, d, ActNorm(channels)])


class Step(Chain):
    """norm, shuffle, two units, coupling up and down; norm, two units, coupling up and down."""

    def __init__(self, channels: int, config: FlowConfig) -> None:
        super().__init__(
            [
                ActNorm(channels),
                Shuffle(channels),
                *_half_step(channels, config, Split.CONTINUOUS),
                ActNorm(channels),
                *_half_step(channels, config, Split.SKIP),
            ]
        )


class Prior(Transform):
    """shuffle; a coupling that transforms the last `transformed` channels; a norm on those alone."""

    def __init__(self, channels: int, transformed: int, config: FlowConfig) -> None:
        super().__init__()
        self.kept = channels - transformed
        self.shuffle = Shuffle(channels)
        self.coupling = Coupling(channels, config.mid_channels, config.weight_norm, Split.CONTINUOUS, True, transformed)
        self.norm = ActNorm(transformed)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Shuffle, coupling, norm of the last channels."""
        x, _ = self.shuffle(x, h)
        x, of_coupling = self.coupling(x, h)
        last, of_norm = self.norm(x[:, self.kept :], h)
        return torch.cat((x[:, : self.kept], last), dim=1), of_coupling + of_norm

    def inverse(self, y: Tensor, h: Tensor) -> Tensor:
        """Norm of the last channels, coupling, shuffle, undone."""
        last = self.norm.inverse(y[:, self.kept :], h)
        y = torch.cat((y[:, : self.kept], last), dim=1)
        return self.shuffle.inverse(self.coupling.inverse(y, h), h)


def _half_step(channels: int, config: FlowConfig, split: Split) -> list[Transform]:
    return [
        Unit(channels, config),
        Unit(channels, config),
        Coupling(channels, config.mid_channels, config.weight_norm, split, up=True),
        Coupling(channels, config.mid_channels, config.weight_norm, split, up=False),
    ]
