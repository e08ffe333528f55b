"""LPIPS, the learned perceptual distance of Zhang et al. (CVPR 2018), version 0.1 with AlexNet.

    d(a, b) = sum over layers of mean over places of w . (normalised features of a - normalised features of b)^2

Its weights come from elsewhere, see `weights.py`.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .weights import LPIPS_FILE, load_metric, metrics_folder

_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_TRUNK = ((3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1), (384, 256, 3, 1, 1), (256, 256, 3, 1, 1))
_POOLED = (1, 2)
Features = list[Tensor]
"""One field (B, C, H, W) a layer, of length 1 at every place."""


class Lpips(nn.Module):
    """Distances (B,) of pictures (B, 3, H, W) RGB in [-1, 1]; 0 for equal ones, about 0.5 for unlike ones."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.ModuleList(nn.Conv2d(i, o, size, stride, padding) for i, o, size, stride, padding in _TRUNK)
        self.heads = nn.ParameterList(nn.Parameter(torch.zeros(o), requires_grad=False) for _, o, *_ in _TRUNK)
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1), persistent=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance of each pair."""
        return self.between(self.features(first), self.features(second))

    def between(self, first: Features, second: Features) -> Tensor:
        """Distances (B,) of pictures whose features are known."""
        layers = zip(self.heads, first, second, strict=True)
        parts = [((a - b) ** 2 * head.view(1, -1, 1, 1)).sum(dim=1).mean(dim=(1, 2)) for head, a, b in layers]
        return torch.stack(parts).sum(dim=0)

    def features(self, pictures: Tensor) -> Features:
        """What `between` compares, of pictures (B, 3, H, W)."""
        x, found = (pictures - self.shift) / self.scale, []
        for number, layer in enumerate(self.trunk):
            if number in _POOLED:
                x = F.max_pool2d(x, 3, 2)
            x = F.relu(layer(x))
            found.append(x / (x.norm(dim=1, keepdim=True) + 1e-10))
        return found


def load_lpips(folder: Path | None = None) -> Lpips:
    """The metric with the weights of a folder of converted ones, or of that which IPOKE_METRICS names.

    Raises:
        MetricWeightsError: they aren't there, or are others.
    """
    return load_metric(Lpips(), metrics_folder(folder) / LPIPS_FILE)
