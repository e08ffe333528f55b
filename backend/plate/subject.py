"""Owns finding the thing that is poked: by alpha where the plate has one, else by colour against the rest (GrabCut)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..protocol.messages import Poke
from .image import PlateImage, displayed, shrink

_SIDE_PX = 128
_ROUNDS = 4
_DISC = 0.06
_SHARE = (0.01, 0.4)
_LEAST_ALPHA = 0.05

Mask = NDArray[np.bool_]
Box = tuple[float, float, float, float]


def subject_box(plate: PlateImage, pokes: Sequence[Poke]) -> Box | None:
    """Left, top, right, bottom (fractions of the plate) of what the pokes' tails stand on; None where that is unclear."""
    seen = displayed(shrink(plate, _SIDE_PX))
    height, width = seen.shape[:2]
    tails = [(min(height - 1, int(poke.y * height)), min(width - 1, int(poke.x * width))) for poke in pokes]
    cut_out = plate.alpha is not None and bool((seen[..., 3] < _LEAST_ALPHA).mean() > 0.05)
    mask = _below(seen[..., 3] > _LEAST_ALPHA if cut_out else _by_colour(seen[..., :3], tails), tails)
    share = float(mask.mean())
    if not mask.any() or (not cut_out and not _SHARE[0] <= share <= _SHARE[1]):
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height


def _by_colour(seen: NDArray[np.float32], tails: list[tuple[int, int]]) -> Mask:
    height, width = seen.shape[:2]
    if min(height, width) < 16:
        return np.zeros((height, width), bool)
    labels = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    border = max(1, round(0.02 * max(height, width)))
    labels[:border], labels[-border:], labels[:, :border], labels[:, -border:] = (cv2.GC_BGD,) * 4
    for y, x in tails:
        cv2.circle(labels, (x, y), max(2, round(_DISC * max(height, width))), cv2.GC_PR_FGD, -1)
    for y, x in tails:
        cv2.circle(labels, (x, y), 1, cv2.GC_FGD, -1)
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(np.rint(seen * 255).astype(np.uint8), labels, None, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS)
    except cv2.error:
        return np.zeros((height, width), bool)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def _below(mask: Mask, tails: list[tuple[int, int]]) -> Mask:
    """The connected parts of a mask that a tail stands on."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    wanted = {int(labels[tail]) for tail in tails} - {0}
    return np.isin(labels, list(wanted))
