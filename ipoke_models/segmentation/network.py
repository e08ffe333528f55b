"""The segmenter's network: features of a square once, then masks for clicks on it.

The encoder never sees the clicks, so that its features serve every stroke. The decoder sees maps of the clicks and of the mask
so far (Sofiiuk et al., *Reviving Iterative Training with Mask Guidance*, ICIP 2022), how alike each place is to the clicked
ones, and, at stride 16, lets every place look at every other. Several masks with predicted scores for one click: Kirillov et
al., *Segment Anything*, ICCV 2023.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import LEVELS, SegmenterConfig
from .encoder import WIDTHS, Encoder

POSITIVE, NEGATIVE = 1.0, -1.0
"""Signs of clicks (B, K, 3) of x, y, sign; x and y are fractions of the square, sign 0 is no click."""
_NEAR, _FAR = 0.02, 0.12
"""Radii of the two maps of each sign, in sides of the square."""
_MAPS = 3 + 2 * 2 + 1
_HEADS = 4
_NORM_GROUPS = 8


Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Masks:
    """Logits (B, 3, S/2, S/2) of part, thing and group, and the IoU (B, 3) in [0, 1] that each is expected to have."""

    logits: Tensor
    scores: Tensor


class Segmenter(nn.Module):
    """Encoder and decoder."""

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder()
        self.decoder = Decoder(config)

    def forward(self, rgb: Tensor, clicks: Tensor, previous: Tensor) -> Masks:
        """Masks of a square (B, 3, S, S) in [-1, 1], given clicks (B, K, 3) and the mask so far (B, 1, S/2, S/2) in [0, 1]."""
        return self.decoder(rgb, self.encoder(rgb), clicks, previous)


class Decoder(nn.Module):
    """From features and clicks to masks."""

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        self.prompts = nn.ModuleList(
            _Conv(inputs, outputs, 2)
            for inputs, outputs in zip((_MAPS, *config.prompt_widths), config.prompt_widths, strict=False)
        )
        self.likeness = nn.ModuleList(nn.Conv2d(width, config.likeness, 1) for width in WIDTHS[1:4])
        coarser = (*config.widths[1:], 0)
        levels = []
        for level, (width, above) in enumerate(zip(config.widths, coarser, strict=True)):
            alike = 2 if 1 <= level <= 3 else 0
            levels.append(_Level(above, WIDTHS[level] + config.prompt_widths[level] + alike, width, 1 if level == 0 else 2))
        self.levels = nn.ModuleList(levels)
        self.attention = nn.ModuleList(_Attention(config.widths[3]) for _ in range(config.attention))
        self.head = nn.Conv2d(config.widths[0], LEVELS, 3, padding=1)
        self.score = nn.Sequential(nn.Linear(2 * config.widths[2] + 2, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, rgb: Tensor, features: Sequence[Tensor], clicks: Tensor, previous: Tensor) -> Masks:
        """Masks for clicks on the square whose features these are."""
        prompt = torch.cat([rgb, click_maps(clicks, rgb.shape[-1]), _to_size(previous, rgb.shape[-1])], 1)
        prompts = []
        for layer in self.prompts:
            prompt = layer(prompt)
            prompts.append(prompt)
        x, middle = None, features[2]
        for level in reversed(range(len(self.levels))):
            parts = [features[level], prompts[level]]
            if 1 <= level <= 3:
                parts.append(_alike(self.likeness[level - 1](features[level]), clicks))
            x = self.levels[level](x, torch.cat(parts, 1))
            if level == 3:
                for attention in self.attention:
                    x = attention(x)
            middle = x if level == 2 else middle
        logits = nested(self.head(x))
        return Masks(logits, self._scores(middle.detach(), logits.detach()))

    def _scores(self, features: Tensor, logits: Tensor) -> Tensor:
        """What the features are within each mask and everywhere, how sure the mask is, and how large."""
        sure = logits.sigmoid()
        small = F.interpolate(sure, features.shape[-2:], mode="area")
        within = torch.einsum("bchw,blhw->blc", features, small) / (small.sum((2, 3)) + 1e-3)[..., None]
        everywhere = features.mean((2, 3))[:, None].expand(-1, LEVELS, -1)
        inside = (sure * (sure > 0.5)).sum((2, 3)) / ((sure > 0.5).sum((2, 3)) + 1e-3)
        numbers = torch.stack([inside, small.mean((2, 3)).sqrt()], -1)
        return self.score(torch.cat([within, everywhere, numbers], -1)).squeeze(-1).sigmoid()


def with_channels_last(network: Network) -> Network:
    """The network with its kernels laid out so that convolutions on a processor are faster."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def as_input(rgb: Tensor) -> Tensor:
    """Squares (B, S, S, 3) of 8 bits as the network is shown them: (B, 3, S, S) in [-1, 1]."""
    return rgb.permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)


def nested(logits: Tensor) -> Tensor:
    """Logits (B, 3, H, W) whose part lies in the thing, and the thing in the group; the thing's stay as they are."""
    part, thing, group = logits.unbind(1)
    return torch.stack([torch.minimum(part, thing), thing, torch.maximum(group, thing)], 1)


def click_maps(clicks: Tensor, side_px: int) -> Tensor:
    """Maps (B, 4, S, S) in [0, 1] of clicks (B, K, 3): near and far from the positive ones, then from the negative ones."""
    centres = (torch.arange(side_px, device=clicks.device, dtype=clicks.dtype) + 0.5) / side_px
    across = (centres - clicks[..., 0, None]).square()
    down = (centres - clicks[..., 1, None]).square()
    maps = []
    for sign in (POSITIVE, NEGATIVE):
        absent = (clicks[..., 2] != sign)[..., None] * 9.0
        square = (down[..., :, None] + (across + absent)[..., None, :]).amin(1)
        maps += [torch.exp(-square / radius**2) for radius in (_NEAR, _FAR)]
    return torch.stack(maps, 1)


def _alike(features: Tensor, clicks: Tensor) -> Tensor:
    """(B, 2, H, W): the largest cosine between each place's features and those at a positive click, and at a negative one."""
    features = F.normalize(features, dim=1)
    at = F.grid_sample(features, 2 * clicks[:, :, None, :2] - 1, align_corners=False, padding_mode="border").squeeze(-1)
    cosines = torch.einsum("bchw,bck->bkhw", features, F.normalize(at, dim=1))
    signs = clicks[..., 2, None, None]
    return torch.stack([torch.where(signs == sign, cosines, -1.0).amax(1) for sign in (POSITIVE, NEGATIVE)], 1)


def _to_size(mask: Tensor, side_px: int) -> Tensor:
    return F.interpolate(mask, (side_px, side_px), mode="bilinear", align_corners=False)


class _Conv(nn.Sequential):
    """3 x 3 convolution, norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.GroupNorm(_NORM_GROUPS, outputs), nn.ReLU(inplace=True)
        )


class _Level(nn.Module):
    """Joins what came from the coarser level with this level's own."""

    def __init__(self, above: int, own: int, width: int, convolutions: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(above, width, 1) if above else None
        self.join = _Conv((width if above else 0) + own, width)
        self.further = nn.Sequential(*(_Conv(width, width) for _ in range(convolutions)))

    def forward(self, coarser: Tensor | None, own: Tensor) -> Tensor:
        if coarser is not None and self.reduce is not None:
            reduced = F.interpolate(self.reduce(coarser), own.shape[-2:], mode="bilinear", align_corners=False)
            own = torch.cat([reduced, own], 1)
        joined = self.join(own)
        return joined + self.further(joined)


class _Attention(nn.Module):
    """Every place looks at every other: pre-norm self-attention and two pointwise layers, both added to what is there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.project = nn.LayerNorm(width), nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.pointwise = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, columns = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        split = self.project(self.norm(tokens)).view(batch, -1, 3, _HEADS, width // _HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = split.unbind(0)
        weights = (query @ key.transpose(-2, -1) / math.sqrt(width // _HEADS)).softmax(-1)
        tokens = tokens + self.out((weights @ value).transpose(1, 2).flatten(2))
        tokens = tokens + self.pointwise(tokens)
        return tokens.transpose(1, 2).reshape(batch, width, height, columns)
