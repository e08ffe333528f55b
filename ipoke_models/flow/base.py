"""What is known of z before any residual is drawn: a mean and a scale for every value, read from h alone.

The paper's flow has to say both what the pokes ask for and what they leave open. Here the first is a regression, and the flow
models what is left, u = (z - mean) / scale, which starts near N(0, I).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_BLOCKS = 4
_LARGEST_LOG_SCALE = 3.0


class ConditionalGaussian(nn.Module):
    """Residual network on the latent grid: every value of the output sees all of h."""

    def __init__(self, channels: int, cond_channels: int, hidden: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(cond_channels, hidden, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.ELU(), nn.Conv2d(hidden, hidden, 3, padding=1), nn.ELU(), nn.Conv2d(hidden, hidden, 3, padding=1))
            for _ in range(_BLOCKS)
        )
        self.head = nn.Conv2d(hidden, 2 * channels, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """h (B, Ch, 8, 8) -> mean and log of the scale, each (B, Cz, 8, 8)."""
        x = self.stem(h)
        for block in self.blocks:
            x = x + block(x)
        mean, log_scale = self.head(F.elu(x)).chunk(2, dim=1)
        return mean, _LARGEST_LOG_SCALE * torch.tanh(log_scale / _LARGEST_LOG_SCALE)
