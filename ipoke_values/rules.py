"""Rules that narrow a field's type: `Annotated[int, Between(0, 9)]`. Whoever reads a value from outside asks them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Between:
    """A number in [low, high]."""

    low: float
    high: float

    def fault(self, value: Any) -> str | None:
        """What is wrong with a value, as the rest of a sentence that begins with its name; None for a good one."""
        return None if self.low <= value <= self.high else f"must be between {self.low} and {self.high}."


@dataclass(frozen=True, slots=True)
class Length:
    """A text or list of at least `low` and at most `high` items."""

    low: int
    high: int

    def fault(self, value: Any) -> str | None:
        """As `Between.fault`."""
        fits = self.low <= len(value) <= self.high
        return None if fits else f"must have {self.low} to {self.high} items, it has {len(value)}."


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that matches a regular expression from end to end."""

    expression: str
    meaning: str

    def fault(self, value: Any) -> str | None:
        """As `Between.fault`."""
        return None if re.fullmatch(self.expression, value) else f"must be {self.meaning}."
