"""The perceptual term of stage 1: how unlike two pictures look to VGG16 (the release used VGG19; its weights can't be had).

The weights come from elsewhere, like those of the metrics: see `metrics/weights.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..metrics.weights import VGG_FILE, load_metric, metrics_folder

_STAGES = (2, 2, 3, 3, 3)


class PerceptualDistance(nn.Module):
    """Mean over the last activations of VGG16's five stages of their L1 distance; pictures (B, 3, H, W) RGB in [-1, 1].

    As in the released system, pictures are not standardised to ImageNet.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512, 512)) -> None:
        super().__init__()
        layers, before = [], 3
        for width, count in zip(widths, _STAGES, strict=True):
            for _ in range(count):
                layers.append(nn.Conv2d(before, width, 3, padding=1))
                before = width
        self.trunk = nn.ModuleList(layers)
        self.requires_grad_(False)

    def forward(self, decoded: Tensor, truth: Tensor) -> Tensor:
        """One number; gradients flow to `decoded`."""
        with torch.no_grad():
            expected = self._features(truth)
        distances = [F.l1_loss(found, there) for found, there in zip(self._features(decoded), expected, strict=True)]
        return torch.stack(distances).mean()

    def _features(self, x: Tensor) -> list[Tensor]:
        found, layers = [], iter(self.trunk)
        for stage, count in enumerate(_STAGES):
            x = F.max_pool2d(x, 2) if stage else x
            for _ in range(count):
                x = F.relu(next(layers)(x))
            found.append(x)
        return found


def load_perceptual(folder: Path | None = None) -> PerceptualDistance:
    """The distance with the weights in a folder, or in the one that IPOKE_METRICS names.

    Raises:
        MetricWeightsError: they are missing.
    """
    return load_metric(PerceptualDistance(), metrics_folder(folder) / VGG_FILE)
