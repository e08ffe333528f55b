"""The critics of the video autoencoder's training: one looks at single frames, one at whole clips.

Paper, section 3.2 (adversarial terms of the video autoencoder); what they are trained with is in `training/objectives.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from .layers import ResBlock3d, spectral

_SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Judges overlapping patches of a frame: 4x4 convolutions, instance norm, leaky ReLU (PatchGAN, Isola et al. 2017).

    All but the last two convolutions halve the resolution. The released system shows it 16 frames of true clips and 16 of
    decoded ones at each step; the image encoder's training uses the same network.
    """

    def __init__(self, in_channels: int = 3, widths: Sequence[int] = (64, 128, 256, 512), spectral_norm: bool = True) -> None:
        super().__init__()
        layers = [spectral(nn.Conv2d(in_channels, widths[0], 4, stride=2, padding=1), spectral_norm), nn.LeakyReLU(_SLOPE)]
        for index, (before, after) in enumerate(pairwise(widths)):
            stride = 1 if index == len(widths) - 2 else 2
            # The norm removes means, and with them any bias.
            conv = nn.Conv2d(before, after, 4, stride=stride, padding=1, bias=False)
            layers += [spectral(conv, spectral_norm), nn.InstanceNorm2d(after), nn.LeakyReLU(_SLOPE)]
        layers.append(spectral(nn.Conv2d(widths[-1], 1, 4, padding=1), spectral_norm))
        self.layers = nn.Sequential(*layers)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, C, S, S) -> a score for each patch, (B, 1, S / 8 - 2, S / 8 - 2); high for true ones."""
        return self.layers(frames)


class ClipDiscriminator(nn.Module):
    """Judges the motion of a clip: a 3D-ResNet-18, whose layers also give the features to match.

    The released system shows it the first 10 frames of the true clip and of [x0, decoded frames].
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512), groups: int = 16, spectral_norm: bool = True) -> None:
        super().__init__()
        stem = nn.Conv3d(3, widths[0], 3, stride=(1, 2, 2), padding=1, bias=False)
        self.stem, self.stem_norm = spectral(stem, spectral_norm), nn.GroupNorm(groups, widths[0])
        stages = [_stage(widths[0], widths[0], (1, 1, 1), groups, spectral_norm)]
        stages += [_stage(before, after, (2, 2, 2), groups, spectral_norm) for before, after in pairwise(widths)]
        self.stages = nn.ModuleList(stages)
        self.head = spectral(nn.Linear(widths[-1], 1), spectral_norm)

    def forward(self, clips: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, T, 3, S, S) -> a score for each clip, (B, 1), high for true ones; and the features of every stage."""
        x = F.relu(self.stem_norm(self.stem(clips.transpose(1, 2))))
        features: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return self.head(x.mean(dim=(2, 3, 4))), features


def _stage(before: int, after: int, stride: tuple[int, int, int], groups: int, spectral_norm: bool) -> nn.Sequential:
    return nn.Sequential(
        ResBlock3d(before, after, stride, groups, spectral_norm), ResBlock3d(after, after, (1, 1, 1), groups, spectral_norm)
    )
