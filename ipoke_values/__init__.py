"""Plain values that add-on, backend and models hand to one another as they are, and the rules that their fields keep.

Standard library alone: the add-on has a copy.
"""

from __future__ import annotations

from .rules import Between, Length, Pattern
from .sampling import LARGEST_VARIATION, Like, Sampling

__all__ = ["LARGEST_VARIATION", "Between", "Length", "Like", "Pattern", "Sampling"]
