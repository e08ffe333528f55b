"""The flow's twin in the ablation: a conditional variational autoencoder of the same video codes (paper, section 4).

It has the flow's doors: `latent` turns r and h into z, `residual` turns z and h into r. Unlike the flow it loses something on the
way: z of r of z is not z.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import CvaeConfig
from .layers import ResBlock


class ConditionalVae(nn.Module):
    """q(r | z, h) and the mean of p(z | r, h), each a residual network on the latent grid; r is N(0, I)."""

    def __init__(self, config: CvaeConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _trunk(config, 2 * config.channels)
        self.decoder = _trunk(config, config.channels)

    def posterior(self, z: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, Cz, 8, 8), h (B, Ch, 8, 8) -> mean and log-variance of r, each (B, Cz, 8, 8)."""
        mean, logvar = self.encoder(torch.cat((z, h), dim=1)).chunk(2, dim=1)
        return mean, logvar

    def forward(self, z: Tensor, h: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """z, h -> z decoded from a sample of r, and mean and log-variance of r: what `evidence_loss` takes.

        `noise`, (B, Cz, 8, 8) of N(0, 1), is what the sample is drawn with; fresh where it is not given.
        """
        mean, logvar = self.posterior(z, h)
        r = mean + torch.exp(0.5 * logvar) * (torch.randn_like(mean) if noise is None else noise)
        return self.latent(r, h), mean, logvar

    def residual(self, z: Tensor, h: Tensor) -> Tensor:
        """z (B, Cz, 8, 8), h (B, Ch, 8, 8) -> the mean of r, (B, Cz, 8, 8)."""
        return self.posterior(z, h)[0]

    def latent(self, r: Tensor, h: Tensor) -> Tensor:
        """r (B, Cz, 8, 8), h (B, Ch, 8, 8) -> z (B, Cz, 8, 8)."""
        z: Tensor = self.decoder(torch.cat((r, h), dim=1))
        return z


def _trunk(config: CvaeConfig, out_channels: int) -> nn.Sequential:
    blocks = (ResBlock(config.hidden, config.hidden, groups=config.groups, spectral_norm=False) for _ in range(config.blocks))
    return nn.Sequential(
        nn.Conv2d(config.channels + config.cond_channels, config.hidden, 3, padding=1),
        *blocks,
        nn.ELU(),
        nn.Conv2d(config.hidden, out_channels, 3, padding=1),
    )
