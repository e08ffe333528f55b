"""Which pixels belong to a thing where the network is not sure: by their colours, and along the picture's edges.

Rother, Kolmogorov and Blake, *GrabCut*, SIGGRAPH 2004, begun with what the network is sure of.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .interaction import Mask, under_clicks
from .squares import Square, cut

SIDE_PX = 320
"""Most px along a square's side; more cost time and find nothing."""
_LIKELY = 0.5
_SURELY_THING, _SURELY_NOT = 0.95, 0.02
_LEAST_PX = 20
"""Of each sort, without which there are no colours to tell."""
_ROUNDS = 1
_EDGE_PX = 0.6
"""Standard deviation of the edge, so that it can be enlarged without steps."""

Place = tuple[float, float, bool]
"""x, y of a click in px of the picture, and whether it adds."""


def told_by_colours(
    picture: NDArray[np.uint8], square: Square, mask: NDArray[np.float32], clicks: Sequence[Place]
) -> NDArray[np.float32]:
    """A mask (S, S) in [0, 1] over a square of a picture, RGB (H, W, 3), decided anew: (R, R), nearly 0 or 1, R <= 320.

    What no adding click is on is left out, unless none is on anything.
    """
    side = min(SIDE_PX, square.side)
    likely = np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
    places = [
        (int((x - square.x) / square.side * side), int((y - square.y) / square.side * side), adds)
        for x, y, adds in clicks
        if square.holds(x, y)
    ]
    added = [(x, y) for x, y, adds in places if adds]
    kept = under_clicks(likely > _LIKELY, added)
    labels = _labels(likely, kept, places)
    seen = _seen(picture.shape, square, side)
    decided = np.zeros_like(kept)
    decided[seen] = _decided(cut(picture, square, side)[seen], labels[seen], kept[seen])
    decided = under_clicks(decided, added)
    return np.asarray(cv2.GaussianBlur(decided.astype(np.float32), (0, 0), _EDGE_PX), np.float32)


def _labels(likely: NDArray[np.float32], kept: Mask, places: Sequence[tuple[int, int, bool]]) -> NDArray[np.uint8]:
    labels = np.where(kept, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[kept & (likely > _SURELY_THING)] = cv2.GC_FGD
    labels[likely < _SURELY_NOT] = cv2.GC_BGD
    for x, y, adds in places:
        cv2.circle(labels, (x, y), 1, cv2.GC_FGD if adds else cv2.GC_BGD, -1)
    return labels


def _seen(shape: tuple[int, ...], square: Square, side: int) -> tuple[slice, slice]:
    """The rows and columns of a square at `side` px where there is a picture (H, W, ...)."""
    scale = side / square.side
    rows, columns = (
        slice(max(0, round(-start * scale)), min(side, round((length - start) * scale)))
        for start, length in ((square.y, shape[0]), (square.x, shape[1]))
    )
    return rows, columns


def _decided(rgb: NDArray[np.uint8], labels: NDArray[np.uint8], kept: Mask) -> Mask:
    thing = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    if min(thing.sum(), (~thing).sum()) < _LEAST_PX:
        return kept
    cv2.setRNGSeed(0)  # the mask depends on picture and strokes alone
    decided = np.ascontiguousarray(labels)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(rgb), decided, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((decided == cv2.GC_FGD) | (decided == cv2.GC_PR_FGD))
