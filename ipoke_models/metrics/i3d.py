"""I3D, the inflated Inception of Carreira and Zisserman (CVPR 2017) for RGB clips, trained on Kinetics-400.

Its 400 class scores are the features of the Fréchet video distance. Batch norm is folded into the convolutions; padding is
TensorFlow's "SAME", which for a stride of 2 is not the same on both sides. Its weights come from elsewhere, see `weights.py`.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .weights import I3D_FILE, load_metric, metrics_folder

SIZE_PX = 224
CLASSES = 400
_STEM = (("Conv3d_1a_7x7", 3, 64, 7, 2), ("Conv3d_2b_1x1", 64, 64, 1, 1), ("Conv3d_2c_3x3", 64, 192, 3, 1))
MIXED = {
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}
"""Channels in, and out of the six convolutions of each Inception module."""


class _Unit(nn.Conv3d):
    """Convolution with SAME padding, then ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        padded = _same(x, (*self.kernel_size,), (*self.stride,))
        return F.relu(super().forward(padded))


class _Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, in_channels: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        direct, narrow_1, wide_1, narrow_2, wide_2, pooled = widths
        self.branch_0_a = _Unit(in_channels, direct, 1)
        self.branch_1_a, self.branch_1_b = _Unit(in_channels, narrow_1, 1), _Unit(narrow_1, wide_1, 3)
        self.branch_2_a, self.branch_2_b = _Unit(in_channels, narrow_2, 1), _Unit(narrow_2, wide_2, 3)
        self.branch_3_b = _Unit(in_channels, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.max_pool3d(x, 3, stride=1, padding=1)
        branches = (self.branch_0_a(x), self.branch_1_b(self.branch_1_a(x)), self.branch_2_b(self.branch_2_a(x)))
        return torch.cat((*branches, self.branch_3_b(pooled)), dim=1)


class I3D(nn.Module):
    """Class scores, before the softmax, of clips."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleDict({name: _Unit(i, o, size, stride) for name, i, o, size, stride in _STEM})
        self.mixed = nn.ModuleDict({name: _Mixed(i, widths) for name, (i, widths) in MIXED.items()})
        self.logits = nn.Conv3d(1024, CLASSES, 1)

    def forward(self, clips: Tensor) -> Tensor:
        """Clips (B, T, 3, 224, 224) RGB in [-1, 1], T at least 9 -> scores (B, 400), the mean over time."""
        x = clips.transpose(1, 2).contiguous(memory_format=torch.channels_last_3d)
        x = self.stem["Conv3d_1a_7x7"](x)
        x = self.stem["Conv3d_2b_1x1"](_pool(x, (1, 3, 3), (1, 2, 2)))
        x = _pool(self.stem["Conv3d_2c_3x3"](x), (1, 3, 3), (1, 2, 2))
        for name, module in self.mixed.items():
            if name == "Mixed_4b":
                x = _pool(x, (3, 3, 3), (2, 2, 2))
            elif name == "Mixed_5b":
                x = _pool(x, (2, 2, 2), (2, 2, 2))
            x = module(x)
        scores: Tensor = self.logits(F.avg_pool3d(x, (2, 7, 7), stride=1))
        return scores.mean(dim=(2, 3, 4))


def _same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Zeros around x (B, C, T, H, W) so that its size is divided by the stride, rounded up."""
    pads = [max((-(-size // s) - 1) * s + k - size, 0) for size, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    return F.pad(x, list(chain.from_iterable((pad // 2, pad - pad // 2) for pad in reversed(pads)))) if any(pads) else x


def _pool(x: Tensor, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> Tensor:
    """Maximum; x is never negative, so that zeros around it change nothing."""
    return F.max_pool3d(_same(x, kernel, stride), kernel, stride)


def load_i3d(folder: Path | None = None) -> I3D:
    """The network with the weights of a folder of converted ones, or of that which IPOKE_METRICS names.

    Raises:
        MetricWeightsError: they aren't there, or are others.
    """
    return load_metric(I3D(), metrics_folder(folder) / I3D_FILE)
