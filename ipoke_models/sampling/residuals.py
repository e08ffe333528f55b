"""The residuals that variants are drawn from: each has its own generator, and may be like an earlier variant's.

Variants are drawn in fixed groups, because the rounding of a batched product may depend on the size of the batch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ipoke_values import Sampling

from ..errors import ModelError

GROUP = 8
"""Variants drawn together: 0..7, 8..15, and so on, also where only one of them is wanted."""
LARGEST_CODE = 60.0
"""A value of z beyond this tells that the inverse of the flow ran away: codes lie about N(0, 1), their tails reach 30."""
MOST_DRAWS = 8

STRENGTHS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Shares of r that a replay tries, one after the other, until the still bears it; so does a variant after its full draws."""

Solve = Callable[[Tensor], Tensor]
"""r (B, Cz, 8, 8) -> z (B, Cz, 8, 8)."""


def draw_group(solve: Solve, shape: tuple[int, int, int], number: int, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Residuals r and codes z, (8, Cz, 8, 8) each, of the variants of group `number`.

    Where the flow's inverse runs away, a variant's next residual is taken; after `MOST_DRAWS` of them, weaker ones: very long
    arrows may leave no other.

    Raises:
        ModelError: no residual of a variant can be used.
    """
    parent, amount = None, 1.0
    if sampling.like:
        *before, last = sampling.like
        parents = Sampling(last.seed, tuple(before))
        parent, amount = draw_group(solve, shape, last.index // GROUP, parents)[0][last.index % GROUP], last.amount

    def residual(generator: torch.Generator) -> Tensor:
        noise = torch.randn(shape, generator=generator)
        return noise if parent is None else (1 - amount**2) ** 0.5 * parent + amount * noise

    generators = [_generator(sampling.seed, variant) for variant in range(number * GROUP, (number + 1) * GROUP)]
    r = torch.empty(GROUP, *shape)
    lost = list(range(GROUP))
    for strength in (*[1.0] * MOST_DRAWS, *STRENGTHS[1:]):
        for index in lost:
            r[index] = strength * residual(generators[index])
        z = solve(r)
        lost = _lost(z).nonzero().flatten().tolist()
        if not lost:
            return r, z
    raise ModelError(f"The model found no clip for these arrows with seed {sampling.seed}; take another seed, or shorter arrows.")


def gentle(solve: Solve, r: Tensor, model: str) -> Tensor:
    """The code z, (1, Cz, 8, 8), of r (Cz, 8, 8) on a still that it was not drawn for, at the largest strength that can be used.

    Raises:
        ModelError: there is none.
    """
    for strength in STRENGTHS:
        z = solve(strength * r)
        if not bool(_lost(z).any()):
            return z
    raise ModelError(f"'{model}' finds no clip for this motion on this still; take another motion, or other arrows.")


def _lost(z: Tensor) -> Tensor:
    """Which codes (B, ...) tell that the inverse ran away, (B,) bool: those with values too large, or with NaN."""
    return ~(z.abs().flatten(1).amax(dim=1) <= LARGEST_CODE)


def _generator(seed: int, index: int) -> torch.Generator:
    mixed = np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed) & (2**63 - 1))
