"""The simulation of pokes from dense flow (paper, section 4; zero pokes included)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..pokes import paint_pokes

ZERO_POKE_SHARE = 1 / 12
STILL_PX, STILL_SHARE = 0.05, 0.05
"""What moves less than this, or belongs to the least moving twentieth of a clip, is its background."""


@dataclass(frozen=True)
class SimulatedPokes:
    """Pokes of B clips."""

    maps: Tensor
    """Poke maps, (B, 2, S, S) px."""
    tips: Tensor
    """What the pokes ask of the last frame's backward flow, (B, 2, S, S) px: each shift turned round, painted at its tip."""
    still: Tensor
    """Which clips were poked at the background, so that nothing moves: (B,) bool."""


def candidates(amplitude: NDArray[np.float32], margin_px: int, spread: bool) -> NDArray[np.int64]:
    """Pixels (N, 2) as (row, column) that may be poked: amplitude over mean + 2 std, else + 1 std, else over the mean.

    With `spread` every clearly moving pixel qualifies (over a quarter of the largest amplitude), so that slowly moving
    parts such as a stem are poked too.
    """
    inside = np.zeros_like(amplitude, bool)
    inside[margin_px:-margin_px, margin_px:-margin_px] = True
    mean, deviation = float(amplitude.mean()), float(amplitude.std())
    thresholds = [0.25 * float(amplitude.max())] if spread else []
    for threshold in (*thresholds, mean + 2 * deviation, mean + deviation, mean):
        found = np.argwhere(inside & (amplitude > threshold))
        if len(found):
            return found
    return np.argwhere(inside)


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
    painted on the background, which is what hardly moves and is no foreground that is known.
    """
    maps, tips, still = [], [], []
    for number, (field, rng) in enumerate(zip(flow, rngs, strict=True)):
        amplitude = field.norm(dim=0).numpy()
        background = amplitude < max(STILL_PX, float(np.quantile(amplitude, STILL_SHARE)))
        own = None if foreground is None else foreground[number, 0].numpy() > 0
        if own is not None and not own.all():
            background &= ~own
            amplitude = (amplitude - amplitude.min()) * own
        zero = bool(rng.random() < zero_share)
        found = candidates(amplitude, poke_size_px, spread=bool(rng.random() < 0.5))
        count = int(rng.integers(1, max_pokes + 1)) if rng.random() < 0.5 else 1
        places = found[rng.integers(len(found), size=min(count, len(found)))]
        shifts = field[:, places[:, 0], places[:, 1]].T
        if zero:
            free = np.argwhere(background)
            places = free[rng.integers(len(free), size=len(places))] if len(free) else places
            zero = bool(len(free))
        tails = torch.from_numpy(places)
        maps.append(paint_pokes(tails, shifts, flow.shape[-1], poke_size_px))
        heads = (tails + shifts.flip(-1).round().long()).clamp(0, flow.shape[-1] - 1)
        tips.append(paint_pokes(heads, -shifts, flow.shape[-1], poke_size_px))
        still.append(zero)
    return SimulatedPokes(torch.stack(maps), torch.stack(tips), torch.tensor(still))
