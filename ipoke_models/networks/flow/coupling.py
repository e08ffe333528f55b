"""Affine couplings: one half of the channels is transformed by what the other half says."""

from __future__ import annotations

import enum

import torch
from torch import Tensor

from .subnetworks import CouplingNetwork
from .transforms import Transform, affine, affine_inverse


class Split(enum.Enum):
    """How the channels are halved."""

    CONTINUOUS = "first and last half"
    SKIP = "even and odd"


class Coupling(Transform):
    """y2 = scale(x1) x2 + mu(x1), y1 = x1.

    `up` transforms the second half from the first, down the first from the second. `transformed` channels are changed;
    None halves them, the smaller half being changed.
    """

    def __init__(
        self, channels: int, hidden: int, weight_norm: bool, split: Split, up: bool, transformed: int | None = None
    ) -> None:
        super().__init__()
        changed = channels // 2 if transformed is None else transformed
        self.up = up
        self.interleaved = split is Split.SKIP and channels % 2 == 0
        self.first = channels - changed if up else changed
        self.network = CouplingNetwork(channels - changed, hidden, 2 * changed, weight_norm)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Changes one part of the channels, by what the other part says."""
        given, changed = self._split(x)
        changed, logdet = affine(changed, self.network(given))
        return self._merge(given, changed), logdet

    def inverse(self, y: Tensor, h: Tensor) -> Tensor:
        """Undoes it: what the other part says is unchanged."""
        given, changed = self._split(y)
        return self._merge(given, affine_inverse(changed, self.network(given)))

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.interleaved:
            first, second = x[:, 0::2], x[:, 1::2]
        else:
            first, second = x[:, : self.first], x[:, self.first :]
        return (first, second) if self.up else (second, first)

    def _merge(self, given: Tensor, changed: Tensor) -> Tensor:
        first, second = (given, changed) if self.up else (changed, given)
        if self.interleaved:
            return torch.stack((first, second), dim=2).flatten(1, 2)
        return torch.cat((first, second), dim=1)
