"""U²-Net-p, which finds what stands out in a picture: nested U-shaped blocks, their norms folded into the convolutions.

Qin et al., *U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection*, Pattern Recognition 106, 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WIDTH, _INNER = 64, 16
_HEIGHTS = (7, 6, 5, 4)
"""Rows of the blocks that halve what they look at, finest first."""
_DILATIONS = (1, 2, 4, 8)
"""Of the blocks that look far without halving."""
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Salience(nn.Module):
    """The network; its convolutions lie in the order in which they are computed, which the converter relies on."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *(_WIDTH,) * 5)
        self.down = nn.ModuleList(
            [_Halving(width, height) for width, height in zip(inputs, _HEIGHTS, strict=False)]
            + [_Dilated(_WIDTH), _Dilated(_WIDTH)]
        )
        self.up = nn.ModuleList([_Dilated(2 * _WIDTH), *(_Halving(2 * _WIDTH, height) for height in reversed(_HEIGHTS))])
        self.sides = nn.ModuleList(nn.Conv2d(_WIDTH, 1, 3, padding=1) for _ in self.down)
        self.join = nn.Conv2d(len(self.sides), 1, 1)

    def forward(self, rgb: Tensor) -> Tensor:
        """Logits (B, 1, S, S) of pictures (B, 3, S, S) in [0, 1] that stands out."""
        mean, deviation = (rgb.new_tensor(values)[:, None, None] for values in (_MEAN, _DEVIATION))
        x = (rgb / rgb.amax((1, 2, 3), keepdim=True).clamp(min=1 / 255) - mean) / deviation
        seen: list[Tensor] = []
        for block in self.down:
            x = block(x if not seen else _halved(x))
            seen.append(x)
        rows = [seen.pop()]
        for block in self.up:
            beside = seen.pop()
            rows.append(block(torch.cat([_as_large(rows[-1], beside), beside], 1)))
        maps = [_as_large(side(row), rgb) for side, row in zip(self.sides, reversed(rows), strict=True)]
        return self.join(torch.cat(maps, 1))


class _Row(nn.Sequential):
    """3 x 3 convolution, its norm folded into it, ReLU."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__(nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation), nn.ReLU(inplace=True))


class _Block(nn.Module):
    """A small U-net whose answer is added to what enters it; rows with their dilations, the deepest last."""

    def __init__(self, inputs: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.enter = _Row(inputs, _WIDTH)
        widths = (_WIDTH, *(_INNER,) * len(dilations))
        self.down = nn.ModuleList(_Row(width, _INNER, dilation) for width, dilation in zip(widths, dilations, strict=False))
        back = dilations[-2::-1]
        outputs = (*(_INNER,) * (len(back) - 1), _WIDTH)
        self.up = nn.ModuleList(_Row(2 * _INNER, width, dilation) for width, dilation in zip(outputs, back, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        entered = x = self.enter(x)
        seen: list[Tensor] = []
        for number, row in enumerate(self.down):
            x = row(self.smaller(x) if 0 < number < len(self.down) - 1 else x)
            seen.append(x)
        x = seen.pop()
        for row in self.up:
            beside = seen.pop()
            x = row(torch.cat([_as_large(x, beside), beside], 1))
        return entered + x

    def smaller(self, x: Tensor) -> Tensor:
        """What the next deeper row looks at."""
        raise NotImplementedError


class _Halving(_Block):
    def __init__(self, inputs: int, height: int) -> None:
        super().__init__(inputs, (*(1,) * (height - 1), 2))

    def smaller(self, x: Tensor) -> Tensor:
        return _halved(x)


class _Dilated(_Block):
    def __init__(self, inputs: int) -> None:
        super().__init__(inputs, _DILATIONS)

    def smaller(self, x: Tensor) -> Tensor:
        return x


def _halved(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2, 2, ceil_mode=True)


def _as_large(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)
