"""What is known of z before any residual is drawn: a mean and a scale for every value, read from h alone.

The paper's flow has to say both what the pokes ask for and what they leave open. Here the first is a regression, and the flow
models what is left, u = (z - mean) / scale, which starts near N(0, I).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...config import BASE_GROUPS
from ..layers import NormalisedBlock

_BLOCKS = 4
_LARGEST_LOG_SCALE = 3.0


def _normalised_block(channels: int) -> nn.Module:
    block = NormalisedBlock(channels, channels, groups=BASE_GROUPS)
    _silence(block.conv2)
    return block


def _plain_block(channels: int) -> nn.Module:
    first, second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
    return nn.Sequential(nn.ELU(), first, nn.ELU(), second)


class ConditionalGaussian(nn.Module):
    """Residual network on the latent grid: every value of the output sees all of h.

    Not `normalised`, most of its ELUs come to saturate: it learns a coarser rule, and overfits less.
    """

    def __init__(self, channels: int, cond_channels: int, hidden: int, *, normalised: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(cond_channels, hidden, 3, padding=1)
        block = _normalised_block if normalised else _plain_block
        self.blocks = nn.ModuleList(block(hidden) for _ in range(_BLOCKS))
        self.last = nn.Sequential(nn.GroupNorm(BASE_GROUPS, hidden), nn.SiLU()) if normalised else nn.ELU()
        self.head = nn.Conv2d(hidden, 2 * channels, 3, padding=1)
        _silence(self.head)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """h (B, Ch, 8, 8) -> mean and log of the scale, each (B, Cz, 8, 8)."""
        x = self.stem(h)
        for block in self.blocks:
            x = x + block(x)
        mean, log_scale = self.head(self.last(x)).chunk(2, dim=1)
        return mean, _LARGEST_LOG_SCALE * torch.tanh(log_scale / _LARGEST_LOG_SCALE)


def _silence(conv: nn.Conv2d) -> None:
    assert conv.bias is not None
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
