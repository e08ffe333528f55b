"""The masked convolution of MaCow: autoregressive over rows or columns (Ma et al. 2019)."""

from __future__ import annotations

import enum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .subnetworks import zero_start
from .transforms import Transform, affine, affine_inverse

REACH = 2
"""Rows or columns that a masked convolution looks back."""


class Order(enum.Enum):
    """Which neighbours a masked convolution sees: two lines on one side, three pixels across."""

    A = "rows above"
    B = "rows below"
    C = "columns to the left"
    D = "columns to the right"

    @property
    def axis(self) -> int:
        """Dimension of (B, C, H, W) along which lines are solved one after the other."""
        return 2 if self in (Order.A, Order.B) else 3

    @property
    def from_far_end(self) -> bool:
        """True where the last line sees nothing and is solved first."""
        return self in (Order.B, Order.D)

    @property
    def kernel(self) -> tuple[int, int]:
        """Kernel height and width."""
        return (REACH, 3) if self.axis == 2 else (3, REACH)

    @property
    def across(self) -> tuple[int, int, int, int]:
        """Padding (left, right, top, bottom) of a line's two ends."""
        return (1, 1, 0, 0) if self.axis == 2 else (0, 0, 1, 1)

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Padding (left, right, top, bottom) such that each pixel's window ends just before its own line."""
        along = (0, REACH) if self.from_far_end else (REACH, 0)
        return (1, 1, *along) if self.axis == 2 else (*along, 1, 1)


class MaskedConvolution(Transform):
    """y = scale x + mu, whose parameters come from h and from lines of x on one side.

    parameters = conv1x1(ELU [conv(masked x) | h]); the Jacobian is triangular in the order of lines.
    """

    def __init__(self, channels: int, hidden: int, cond_channels: int, order: Order, weight_norm: bool) -> None:
        super().__init__()
        self.order = order
        self.hidden = hidden
        self.masked = nn.Conv2d(channels, hidden, order.kernel, bias=False)
        self.mix = zero_start(nn.Conv2d(hidden + cond_channels, 2 * channels, 1), weight_norm)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """All lines at once: each reads x, which is known."""
        axis = self.order.axis
        windows = self.masked(F.pad(x, self.order.padding))
        # There is one window more than lines: the one past the line solved last.
        hidden = windows.narrow(axis, 1 if self.order.from_far_end else 0, x.shape[axis])
        return affine(x, self._mix(hidden, h))

    def inverse(self, y: Tensor, h: Tensor) -> Tensor:
        """Line by line, each from the lines already solved: the plain, readable solver."""
        axis, count = self.order.axis, y.shape[self.order.axis]
        given, conditions = torch.split(y, 1, dim=axis), torch.split(h, 1, dim=axis)
        nothing = torch.zeros_like(given[0])
        solved = dict.fromkeys((-2, -1, count, count + 1), nothing)
        for line in reversed(range(count)) if self.order.from_far_end else range(count):
            neighbours = (line + 1, line + 2) if self.order.from_far_end else (line - 2, line - 1)
            window = F.pad(torch.cat([solved[near] for near in neighbours], dim=axis), self.order.across)
            solved[line] = affine_inverse(given[line], self._mix(self.masked(window), conditions[line]))
        return torch.cat([solved[line] for line in range(count)], dim=axis)

    def _mix(self, hidden: Tensor, h: Tensor) -> Tensor:
        parameters: Tensor = self.mix(F.elu(torch.cat((hidden, h), dim=1)))
        return parameters
