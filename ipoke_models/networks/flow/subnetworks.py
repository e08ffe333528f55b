"""The small networks inside the transforms."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations


def zero_start(conv: nn.Conv2d, weight_norm: bool) -> nn.Conv2d:
    """The convolution, weight-normed where asked, with an output of zero: its transform starts as the identity."""
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    if not weight_norm:
        nn.init.zeros_(conv.weight)
        return conv
    parametrizations.weight_norm(conv)
    nn.init.zeros_(conv.parametrizations.weight.original0)  # type: ignore[union-attr, arg-type]
    return conv


class CouplingNetwork(nn.Module):
    """conv3x3, ELU, conv1x1, ELU, weight-normed conv3x3 (NICE, as in MaCow)."""

    def __init__(self, in_channels: int, hidden: int, out_channels: int, weight_norm: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, hidden, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(hidden, hidden, 1, bias=False)
        self.conv3 = zero_start(nn.Conv2d(hidden, out_channels, 3, padding=1), weight_norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, H, W) -> (B, Cout, H, W)."""
        x = F.elu(self.conv2(F.elu(self.conv1(x))))
        out: Tensor = self.conv3(x)
        return out
