"""Pokes as numbers and as the two-channel map that the networks see."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..errors import PokeError


def check_pokes(pokes: ArrayLike, max_pokes: int) -> NDArray[np.float64]:
    """Return pokes as an (N, 4) array of x, y, dx, dy in fractions of width and height.

    Raises:
        PokeError: wrong shape, too many, not finite, outside the still or without length.
    """
    array = np.asarray(pokes, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 4:
        raise PokeError(f"Pokes must have the shape (N, 4) of x, y, dx, dy; got {array.shape}.")
    if not 1 <= len(array) <= max_pokes:
        raise PokeError(f"This model takes 1 to {max_pokes} pokes; got {len(array)}.")
    if not np.isfinite(array).all():
        raise PokeError("Every poke must be finite; one holds NaN or infinity.")
    ends = np.stack([array[:, :2], array[:, :2] + array[:, 2:]])
    if ends.min() < -1e-6 or ends.max() > 1 + 1e-6:
        raise PokeError("Both ends of every poke must lie inside the still (0 to 1); move the arrow inside.")
    if (np.abs(array[:, 2:]).max(axis=1) == 0).any():
        raise PokeError("A poke needs a length; its tail and its tip are the same point.")
    return array


def pokes_to_pixels(pokes: NDArray[np.float64], size_px: int) -> tuple[Tensor, Tensor]:
    """Fractions (N, 4) to tail pixels (N, 2) int64 as (row, column) and shifts (N, 2) float32 px as (x, y)."""
    column_row = np.clip((pokes[:, :2] * size_px).astype(np.int64), 0, size_px - 1)
    return torch.from_numpy(column_row[:, ::-1].copy()), torch.from_numpy((pokes[:, 2:] * size_px).astype(np.float32))


def pixels_to_pokes(places: NDArray[np.int64], shifts: NDArray[np.float32], size_px: int) -> NDArray[np.float64]:
    """Tail pixels (N, 2) as (row, column) and shifts (N, 2) px to fractions (N, 4); a tip beyond the border is pulled onto it."""
    tails = (places[:, ::-1] + 0.5) / size_px
    return np.concatenate([tails, np.clip(tails + shifts / size_px, 0, 1) - tails], axis=1)


def paint_pokes(places: Tensor, shifts: Tensor, size_px: int, poke_size_px: int) -> Tensor:
    """Paint poke maps (..., 2, S, S): each poke a window of constant shift in px, zero elsewhere; later ones on top.

    places: (..., N, 2) int64 (row, column); shifts: (..., N, 2) px as (x, y). A poke outside the map paints nothing.
    """
    canvas = shifts.new_zeros(*shifts.shape[:-2], 2, size_px, size_px)
    axis = torch.arange(size_px, device=places.device)
    for place, shift in zip(places.unbind(-2), shifts.unbind(-2), strict=True):
        rows, columns = ((axis - place[..., None]).abs() <= poke_size_px // 2).unbind(-2)
        window = rows[..., :, None] & columns[..., None, :]
        canvas = torch.where(window[..., None, :, :], shift[..., None, None], canvas)
    return canvas
