"""The whole flow: levels of steps, each of which sends some channels straight to the output."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...config import FlowConfig
from .base import ConditionalGaussian
from .blocks import Prior, Step
from .transforms import ActNorm, Chain, Shuffle, Transform


class Level(Chain):
    """Steps, prior, shuffle."""

    def __init__(self, channels: int, steps: int, config: FlowConfig) -> None:
        super().__init__(
            [
                *(Step(channels, config) for _ in range(steps)),
                Prior(channels, config.split_channels, config),
                Shuffle(channels),
            ]
        )


class ConditionalFlow(Transform):
    """r = tau^-1(z | h): forward is the direction of likelihood, inverse the direction of sampling.

    With a base, the levels see u = (z - mean) / scale of `ConditionalGaussian`.
    Each level's last `split_channels` channels leave for r; r = [what is left | last level's | ... | first level's].
    """

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.config = config
        self.base: ConditionalGaussian | None = None
        if config.base_hidden:
            sizes = config.channels, config.cond_channels, config.base_hidden
            self.base = ConditionalGaussian(*sizes, normalised=config.base_normalised)
        self.levels = nn.ModuleList(
            Level(channels, steps, config) for channels, steps in zip(config.level_channels, config.num_steps, strict=True)
        )

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, Cz, 8, 8) -> r (B, Cz, 8, 8) and log|det dr/dz| (B,)."""
        split = self.config.split_channels
        logdet = x.new_zeros(x.shape[0])
        if self.base is not None:
            mean, log_scale = self.base(h)
            x, logdet = (x - mean) * torch.exp(-log_scale), logdet - log_scale.flatten(1).sum(1)
        outputs: list[Tensor] = []
        for level in self.levels:
            x, of_level = level(x, h)
            logdet = logdet + of_level
            outputs.append(x[:, -split:])
            x = x[:, :-split]
        return torch.cat([x, *reversed(outputs)], dim=1), logdet

    def inverse(self, y: Tensor, h: Tensor) -> Tensor:
        """r (B, Cz, 8, 8) -> z (B, Cz, 8, 8), line by line."""
        split = self.config.split_channels
        channels = self.config.level_channels[-1]
        x, rest = y[:, : channels - split], y[:, channels - split :]
        for level in reversed(self.levels):
            x = torch.cat((x, rest[:, :split]), dim=1)
            rest = rest[:, split:]
            assert isinstance(level, Level)
            x = level.inverse(x, h)
        if self.base is not None:
            mean, log_scale = self.base(h)
            x = mean + x * log_scale.exp()
        return x

    def residual(self, z: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, Cz, 8, 8), h (B, Ch, 8, 8) -> r (B, Cz, 8, 8) and log|det dr/dz| (B,)."""
        r, logdet = self(z, h)
        return r, logdet

    def latent(self, r: Tensor, h: Tensor) -> Tensor:
        """r (B, Cz, 8, 8), h (B, Ch, 8, 8) -> z (B, Cz, 8, 8), solved row by row."""
        return self.inverse(r, h)

    @torch.no_grad()
    def initialise(self, z: Tensor, h: Tensor) -> None:
        """Sets every activation norm from this batch, so that each one's output has mean 0 and deviation 1."""
        for module in self.modules():
            if isinstance(module, ActNorm):
                module.initialise_next = True
        self(z, h)
