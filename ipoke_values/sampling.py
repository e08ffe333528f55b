"""How variants are drawn: one value from the panel and the command line through request and message to the model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

from .rules import Between, Length

LARGEST_SEED = 2**63 - 1
LARGEST_INDEX = 1_000_000
"""Of a variant that is asked for by itself."""
MOST_LIKES = 8
LEAST_AMOUNT = 1e-3
LEAST_VARIATION = 1e-3
LARGEST_VARIATION = 1.5
"""Chosen: half as much again as the flow draws. Figures are measured up to 1.3."""

Seed = Annotated[int, Between(0, LARGEST_SEED)]
Index = Annotated[int, Between(0, LARGEST_INDEX)]


@dataclass(frozen=True, slots=True)
class Like:
    """A variant, by its seed and index, and how far from it others may be: 1 is as far as any other, near 0 the same.

    With r its residual kinematics, theirs are sqrt(1 - amount^2) r + amount eps, eps ~ N(0, I): N(0, I) again, and their
    correlation with r is sqrt(1 - amount^2).
    """

    seed: Seed
    index: Index
    amount: Annotated[float, Between(LEAST_AMOUNT, 1.0)]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How variants are drawn; with a variant's index it determines its residual kinematics.

    `like` names the variant that all are like, the last one, and before it what that one was sampled like itself, the oldest
    first. `variation` is how far apart variants are: 1 is as the model's flow draws them, near 0 all alike, above 1 wilder; None
    is the model's own.
    """

    seed: Seed
    like: Annotated[tuple[Like, ...], Length(0, MOST_LIKES)] = ()
    variation: Annotated[float, Between(LEAST_VARIATION, LARGEST_VARIATION)] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What is set beside the seed, by name: options that are left alone are not among them."""
        optional = [field for field in dataclasses.fields(self) if field.default is not dataclasses.MISSING]
        return {field.name: value for field in optional if (value := getattr(self, field.name)) != field.default}

    @property
    def is_plain(self) -> bool:
        """Whether nothing is set but the seed."""
        return not self.options

    def like_variant(self, index: int, amount: float) -> tuple[Like, ...]:
        """The `like` of more variants like variant `index` of this; `amount` in (0, 1] says how far from it, small is close."""
        return (*self.like, Like(self.seed, index, amount))
