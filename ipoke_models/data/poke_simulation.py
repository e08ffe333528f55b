"""The simulation of pokes from dense flow (paper, section 4; zero pokes included)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..sampling.pokes import paint_pokes
from .batch import Batch

ZERO_POKE_SHARE = 1 / 12
STILL_PX, STILL_SHARE = 0.05, 0.05
"""What moves less than this, or belongs to the least moving twentieth of a clip, is its background."""
_NOWHERE = -(2**16)


@dataclass(frozen=True)
class SimulatedPokes:
    """Pokes of B clips."""

    maps: Tensor
    """Poke maps, (B, 2, S, S) px."""
    tips: Tensor
    """What the pokes ask of the last frame's backward flow, (B, 2, S, S) px: each shift turned round, painted at its tip."""
    still: Tensor
    """Which clips were poked at the background, so that nothing moves: (B,) bool."""


def candidates(amplitude: Tensor, margin_px: int, spread: Tensor) -> Tensor:
    """Which pixels of B clips may be poked, (B, S, S) bool: amplitude over mean + 2 std, else + 1 std, else over the mean.

    amplitude is (B, S, S) px; where `spread` (B,) bool says so, every clearly moving pixel qualifies (over a quarter of the
    largest amplitude), so that slowly moving parts such as a stem are poked too.
    """
    inside = torch.zeros_like(amplitude, dtype=torch.bool)
    inside[:, margin_px:-margin_px, margin_px:-margin_px] = True
    values = amplitude.flatten(1)
    deviation, mean = torch.std_mean(values, dim=1, correction=0)
    clear = torch.where(spread, 0.25 * values.amax(dim=1), torch.inf)
    thresholds = torch.stack([clear, mean + 2 * deviation, mean + deviation, mean, torch.full_like(mean, -torch.inf)])
    over = inside & (amplitude > thresholds[..., None, None])
    first = over.flatten(2).any(dim=2).int().argmax(dim=0)
    return over[first, torch.arange(len(amplitude), device=over.device)]


def simulate_pokes(
    flow: Tensor,
    rngs: Sequence[np.random.Generator],
    max_pokes: int,
    poke_size_px: int,
    zero_share: float = ZERO_POKE_SHARE,
    foreground: Tensor | None = None,
) -> SimulatedPokes:
    """Draw 1 to `max_pokes` pokes a clip from the flow x0 -> x_T, (B, 2, S, S) px; each clip has its own generator.

    With a foreground, (B, 1, S, S) in {0, 1}, they keep to it. One clip in twelve gets a zero poke: the shift of a moving place
    painted on the background, which is what hardly moves and is no foreground that is known. All happens where the flow lies.
    """
    amplitude = flow.norm(dim=1)
    still_px = torch.quantile(amplitude.flatten(1), STILL_SHARE, dim=1).clamp(min=STILL_PX)
    background = amplitude < still_px[:, None, None]
    if foreground is not None:
        own = foreground[:, 0] > 0
        somewhere = ~own.all(dim=(1, 2), keepdim=True)
        background &= ~(own & somewhere)
        amplitude = torch.where(somewhere, (amplitude - amplitude.amin(dim=(1, 2), keepdim=True)) * own, amplitude)
    zero, spread = torch.tensor([[rng.random() < zero_share, rng.random() < 0.5] for rng in rngs]).unbind(dim=1)
    found = _Places(candidates(amplitude, poke_size_px, spread.to(flow.device)))
    free = _Places(background)
    zero = zero & (free.counts > 0)
    numbers, shown = _numbers(rngs, max_pokes, found.counts, torch.where(zero, free.counts, 0))
    clips = torch.arange(len(flow), device=flow.device)[:, None]
    moving = found.at(numbers)
    shifts = flow.permute(0, 2, 3, 1)[clips, moving[..., 0], moving[..., 1]]
    unused, still = (numbers < 0).to(flow.device), zero.to(flow.device)
    tails = torch.where(still[:, None, None], free.at(shown), moving)
    heads = (tails + shifts.flip(-1).round().long()).clamp(0, flow.shape[-1] - 1)
    maps, tips = (
        paint_pokes(places.masked_fill(unused[..., None], _NOWHERE), signed, flow.shape[-1], poke_size_px)
        for places, signed in ((tails, shifts), (heads, -shifts))
    )
    return SimulatedPokes(maps, tips, still)


def simulate_for(
    batch: Batch, rngs: Sequence[np.random.Generator], pokes: tuple[int, int], *, sees_thing: bool
) -> SimulatedPokes:
    """Pokes on the clips of a batch, (most, window in px) of them. Who sees the thing is never poked beside it."""
    zero_share = 0.0 if sees_thing else ZERO_POKE_SHARE
    return simulate_pokes(batch.poke_flow, rngs, *pokes, zero_share=zero_share, foreground=batch.foreground)


def _numbers(rngs: Sequence[np.random.Generator], most: int, counts: Tensor, free: Tensor) -> tuple[Tensor, Tensor]:
    """Which of its `counts` (B,) moving places each clip's pokes take their shift from, and at which of its `free` (B,) places
    they are shown, where it has any: (B, most) each, -1 for no poke."""
    taken, shown = torch.full((2, len(rngs), most), -1)
    for clip, (rng, moving, still) in enumerate(zip(rngs, counts.tolist(), free.tolist(), strict=True)):
        count = min(int(rng.integers(1, most + 1)) if rng.random() < 0.5 else 1, moving)
        taken[clip, :count] = torch.from_numpy(rng.integers(moving, size=count))
        if still:
            shown[clip, :count] = torch.from_numpy(rng.integers(still, size=count))
    return taken, shown


class _Places:
    """The pixels where masks (B, S, S) are true, by their number within each clip; `counts` (B,) lies with the processor."""

    def __init__(self, masks: Tensor) -> None:
        counts = masks.flatten(1).sum(dim=1)
        self._places = F.pad(torch.nonzero(masks)[:, 1:], (0, 0, 0, 1))
        self._firsts = counts.cumsum(0) - counts
        self.counts = counts.cpu()

    def at(self, numbers: Tensor) -> Tensor:
        """Numbers (B, N) -> (row, column), (B, N, 2); anything where a number is -1."""
        return self._places[self._firsts[:, None] + numbers.to(self._firsts.device)]
