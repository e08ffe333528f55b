"""What a first click asks for: what the segmenter finds under it, or the thing that stands out there.

The segmenter learned from composites, so that of a thing of unlike parts it may find the one that was clicked; what stands out is
told from photographs, as a whole, and where it lies does not depend on the click.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .interaction import Mask, parts_under, under_clicks

LEAST_HELD = 0.5
"""Share of what the segmenter found that lies in what stands out."""
MOST_LARGER = 2.7
"""How many times as large what stands out may be."""
LEAST_SURE = 0.92
"""Mean of the salience in what stands out."""
_LIKELY = 0.5


def better(
    found: NDArray[np.float32], salience: NDArray[np.float32], clicks: Sequence[tuple[float, float]]
) -> NDArray[np.float32]:
    """The map of the thing under clicks that add, in fractions of the square: (R, R) as found, or (S, S) where that is better.

    `found` (R, R) and `salience` (S, S) are in [0, 1] over the same square.
    """
    kept = standing_out(found, salience, clicks)
    return found if kept is None else np.where(kept, salience, np.float32(0))


def standing_out(found: NDArray[np.float32], salience: NDArray[np.float32], clicks: Sequence[tuple[float, float]]) -> Mask | None:
    """What stands out (S, S) under all clicks, where it is a better answer than what was found; None where it is not.

    Maps and clicks as `better` takes them.
    """
    side = len(salience)
    places = [(int(x * side), int(y * side)) for x, y in clicks]
    kept = parts_under(salience > _LIKELY, places)
    if not all(kept[y, x] for x, y in places):
        return None
    thing = under_clicks(cv2.resize(found, (side, side), interpolation=cv2.INTER_LINEAR) > _LIKELY, places)
    held, larger = (kept & thing).sum() / max(1, thing.sum()), kept.sum() / max(1, thing.sum())
    sure = float(salience[kept].mean())
    return kept if held >= LEAST_HELD and larger <= MOST_LARGER and sure >= LEAST_SURE else None
