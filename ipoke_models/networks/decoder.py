"""The SPADE decoder: one state of the recurrent unit and x0 to one frame, painted (rgb) or warped (warp), or to where each place
of the thing in x0 goes (motion).

What a decoder with the motion head calls x0 has a fourth channel, the mask of the thing in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import AutoencoderConfig, DecoderHead
from .carrying import carried
from .layers import ResBlock

Modulation = Sequence[tuple[Tensor, Tensor]]
"""(gamma, beta) of every SPADE layer, from x0 alone."""

_FIRST_VISIBILITY_LOGIT = 2.0
_FIRST_WARP_GAIN = 0.1
_LARGEST_LOG_ERROR = 4.0


@dataclass(frozen=True)
class Rendered:
    """One decoded frame. `frame` (B, 3, S, S) in [-1, 1], of the motion head a sketch without gradient; the rest is None for the
    heads that don't say it."""

    frame: Tensor
    flow: Tensor | None = None
    """(B, 2, S, S) px of the working resolution; the frame's pixel p takes x0 at p + flow."""
    visibility: Tensor | None = None
    """(B, 1, S, S) in [0, 1]; 1 where the warp is trusted."""
    colour: Tensor | None = None
    """(B, 3, S, S) in [-1, 1], for what the warp can't show."""
    shift: Tensor | None = None
    """(B, 2, s, s) px of the working resolution, s as the trunk ends; what is at p in x0 goes to p + shift(p)."""
    log_error: Tensor | None = None
    """(B, 1, s, s), logarithm of how many px off each component of the shift is to be expected."""

    @property
    def motion(self) -> Tensor | None:
        """The shift or the flow, whichever the head says."""
        return self.flow if self.shift is None else self.shift


class Spade(nn.Module):
    """y = GroupNorm(x) (1 + gamma(x0)) + beta(x0), with x0 resized to x (SPADE, Park et al. 2019).

    Not `normalised`, it modulates x as it is.
    """

    def __init__(self, channels: int, hidden: int, groups: int, normalised: bool, seen: int = 3) -> None:
        super().__init__()
        while channels % groups:
            groups -= 1
        self.norm = nn.GroupNorm(groups, channels, affine=False) if normalised else nn.Identity()
        self.shared = nn.Conv2d(seen, hidden, 3, padding=1)
        self.to_gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.to_beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def modulate(self, x0: Tensor, size_px: int) -> tuple[Tensor, Tensor]:
        """x0 (B, 3 or 4, S, S) -> gamma and beta, each (B, C, size_px, size_px)."""
        image = F.interpolate(x0, size=(size_px, size_px), mode="bilinear", align_corners=True)
        hidden = F.leaky_relu(self.shared(image), 0.2)
        return self.to_gamma(hidden), self.to_beta(hidden)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        """(B, C, H, W) with gamma and beta of `modulate`."""
        return self.norm(x) * (1 + gamma) + beta


class SpadeDecoder(nn.Module):
    """Residual blocks that double the resolution, each followed by SPADE on x0; then the head."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config.decoder
        widths = config.decoder.widths
        self.in_block = ResBlock(config.latent_channels, widths[0], groups=config.groups, spectral_norm=config.spectral_norm)
        self.blocks = nn.ModuleList(
            ResBlock(before, after, up=True, groups=None, spectral_norm=config.spectral_norm)
            for before, after in zip(widths, widths[1:], strict=False)
        )
        seen = 3 + config.decoder.sees_thing
        self.spades = nn.ModuleList(
            Spade(width, config.decoder.spade_hidden, config.groups, config.decoder.normalised, seen) for width in widths[1:]
        )
        trunk_px = config.size_px // config.decoder.flow_stride
        self._sizes_px = [trunk_px >> shift for shift in reversed(range(len(self.spades)))]
        head = config.decoder.head
        self.head = nn.Conv2d(widths[-1], 6 if head is DecoderHead.WARP else 3, 3, padding=1)
        if head is not DecoderHead.RGB:
            _weaken(self.head)
        if head is DecoderHead.WARP:
            _trust(self.head)

    def modulate(self, x0: Tensor) -> Modulation:
        """x0 (B, 3 or 4, S, S) -> (gamma, beta) of each SPADE layer."""
        spades = cast(Sequence[Spade], self.spades)
        return [spade.modulate(x0, size_px) for spade, size_px in zip(spades, self._sizes_px, strict=True)]

    def forward(self, state: Tensor, x0: Tensor, modulation: Modulation) -> Rendered:
        """State (B, Cz, 8, 8), x0 (B or 1, 3 or 4, S, S) and what `modulate` made of it -> one frame."""
        x = self.in_block(state)
        for block, spade, (gamma, beta) in zip(self.blocks, self.spades, modulation, strict=True):
            x = spade(block(x), gamma, beta)
        x = self.head(x).to(x0.dtype)  # bfloat16 is too coarse for places
        if self.config.head is DecoderHead.RGB:
            return Rendered(torch.tanh(x))
        return self._warp(x, x0) if self.config.head is DecoderHead.WARP else self._carry(x, x0)

    def _carry(self, x: Tensor, x0: Tensor) -> Rendered:
        shift, log_error = x[:, :2] * self.config.flow_scale_px, x[:, 2:3].clamp(-_LARGEST_LOG_ERROR, _LARGEST_LOG_ERROR)
        seen = x0.expand(x.shape[0], -1, -1, -1)
        return Rendered(carried(seen[:, :3], seen[:, 3:], shift), shift=shift, log_error=log_error)

    def _warp(self, x: Tensor, x0: Tensor) -> Rendered:
        if self.config.flow_stride > 1:
            x = F.interpolate(x, scale_factor=self.config.flow_stride, mode="bilinear", align_corners=False)
        flow = x[:, :2] * self.config.flow_scale_px
        visibility, colour = torch.sigmoid(x[:, 2:3]), torch.tanh(x[:, 3:])
        warped = warp(x0.expand(x.shape[0], -1, -1, -1), flow)
        return Rendered(visibility * warped + (1 - visibility) * colour, flow, visibility, colour)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """y(p) = image(p + flow(p)), bicubic, the border repeated.

    image: (B, C, H, W) in [-1, 1]; flow: (B, 2, H, W) = (dx, dy) in px. Bilinear, each frame is softer than its still.
    """
    height, width = image.shape[-2:]
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype).view(1, height, 1)
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype).view(1, 1, width)
    grid_x = (2 * (columns + flow[:, 0]) + 1) / width - 1
    grid_y = (2 * (rows + flow[:, 1]) + 1) / height - 1
    grid = torch.stack((grid_x, grid_y), dim=-1)
    result = F.grid_sample(image, grid, mode="bicubic", padding_mode="border", align_corners=False)
    # Held to the range; the gradient passes as if it were not, or a white pixel would get one or none as it is rounded.
    return result.detach().clamp(-1, 1) + (result - result.detach())


@torch.no_grad()
def _weaken(head: nn.Conv2d) -> None:
    """Starts near standing still."""
    assert head.bias is not None
    limit = _FIRST_WARP_GAIN / math.sqrt(9 * head.in_channels)
    nn.init.uniform_(head.weight, -limit, limit)
    nn.init.zeros_(head.bias)


@torch.no_grad()
def _trust(head: nn.Conv2d) -> None:
    """The warp starts trusted nearly everywhere, so that motion is learned before colour."""
    assert head.bias is not None
    nn.init.constant_(head.bias[2:3], _FIRST_VISIBILITY_LOGIT)
