"""What pokes move, place by place: a U-Net (Ronneberger et al., MICCAI 2015) from still and pokes to dense flow.

Encoders that end at 8 x 8 lose which thin stem carries which leaf; skips keep it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import DENSE_GROUPS, POKE_GRID_PX
from .layers import NormalisedBlock

_SCALE_PX = 4.0
"""Shifts are divided by it on the way in, and multiplied on the way out."""


class DenseFlow(nn.Module):
    """Still, poke map and where it is set, folded to 32 x 32, through one level a width, each half as large as the one before.

    One that `sees_thing` is shown its mask and pins too, and says nothing of what is outside.
    """

    def __init__(self, widths: tuple[int, ...], size_px: int, *, sees_thing: bool = False) -> None:
        super().__init__()
        self._fold = size_px // POKE_GRID_PX
        inner = (widths[0], *widths)
        self.stem = nn.Conv2d((3 + 2 + 1 + 2 * sees_thing) * self._fold**2, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(_Block(before, after, stride=min(level + 1, 2)), _Block(after, after))
            for level, (before, after) in enumerate(zip(inner, widths, strict=False))
        )
        self.middle = nn.Sequential(*(_Block(widths[-1], widths[-1]) for _ in range(2)))
        pairs = list(zip(widths, widths[1:], strict=False))[::-1]
        self.joined = nn.ModuleList(nn.Conv2d(above + below, above, 1) for above, below in pairs)
        self.up = nn.ModuleList(_Block(above, above) for above, _ in pairs)
        self.head = nn.Sequential(nn.GroupNorm(DENSE_GROUPS, widths[0]), nn.SiLU(), nn.Conv2d(widths[0], 2, 3, padding=1))

    def forward(self, poke_map: Tensor, x0: Tensor, thing: Tensor | None = None) -> Tensor:
        """(B, 2, S, S) px, (B, 3, S, S), and mask and pins (B, 2, S, S) where they are seen -> the expected flow from x0 to the
        last frame, (B, 2, 32, 32) px of S."""
        poked = (poke_map.norm(dim=1, keepdim=True) > 0).to(poke_map.dtype)
        seen = (poke_map / _SCALE_PX, x0, poked) if thing is None else (poke_map / _SCALE_PX, x0, poked, thing)
        x = self.stem(F.pixel_unshuffle(torch.cat(seen, dim=1), self._fold))
        levels = []
        for level in self.down:
            x = level(x)
            levels.append(x)
        x = self.middle(x)
        for skipped, joined, block in zip(levels[-2::-1], self.joined, self.up, strict=True):
            enlarged = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(joined(torch.cat((enlarged, skipped), dim=1)))
        flow: Tensor = self.head(x) * _SCALE_PX
        return flow if thing is None else flow * F.adaptive_max_pool2d(thing[:, :1], POKE_GRID_PX)


class _Block(NormalisedBlock):
    """With its shortcut: the identity where shape and channels stay, else a 1x1 convolution."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, stride=stride, groups=DENSE_GROUPS)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, H, W) -> (B, Cout, H', W')."""
        y: Tensor = super().forward(x) + self.shortcut(x)
        return y
