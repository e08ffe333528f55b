"""The thing that pokes stand on, as numbers and as the map that models which see it are shown."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import ModelError
from .pokes import paint_pokes


def _nowhere() -> NDArray[np.float64]:
    return np.empty((0, 2))


@dataclass(frozen=True)
class Thing:
    """What pokes stand on: its mask in the still, (S, S) in [0, 1], and pins (P, 2), x and y in fractions, where it holds."""

    mask: Tensor
    pins: NDArray[np.float64] = field(default_factory=_nowhere)


def paint_thing(thing: Thing | None, size_px: int, window_px: int) -> Tensor:
    """Mask, and windows of ones at the pins, zero elsewhere: (2, S, S). Of None, a thing that is everywhere and held nowhere.

    Raises:
        ModelError: the mask has another size, or it or a pin is not finite.
    """
    if thing is None:
        return torch.stack((torch.ones(size_px, size_px), torch.zeros(size_px, size_px)))
    if thing.mask.shape != (size_px, size_px):
        raise ModelError(f"The thing's mask must have the shape ({size_px}, {size_px}) here; got {tuple(thing.mask.shape)}.")
    if not bool(torch.isfinite(thing.mask).all()) or not np.isfinite(thing.pins).all():
        raise ModelError("The thing's mask and its pins must be finite; one holds NaN or infinity.")
    places = np.floor(thing.pins * size_px).astype(np.int64)[:, ::-1].copy()
    held = torch.ones(len(places), 2)
    return torch.stack((thing.mask.float().clamp(0, 1), paint_pokes(torch.from_numpy(places), held, size_px, window_px)[0]))
