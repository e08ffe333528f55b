"""The true motion of a clip in the words of a decoder's head: where frames come from, or where the places of the thing go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..config import DecoderConfig
from ..data.batch import Batch
from ..data.things import shift_of


@dataclass(frozen=True)
class Truth:
    """True motion (B, K, 2, s, s) px, and how far each place of it counts, (B, K, 1, s, s) in [0, 1]."""

    motion: Tensor
    trusted: Tensor


def truth_of(batch: Batch, chosen: Sequence[int] | NDArray[np.int64], decoder: DecoderConfig) -> Truth:
    """The truth about frames `chosen` of 0..T-1."""
    if not decoder.sees_thing:
        return Truth(batch.backward[:, chosen], batch.visible[:, chosen])
    shift, cover = shift_of(batch)
    return Truth(shift[:, chosen], cover.expand(-1, len(chosen), -1, -1, -1))
