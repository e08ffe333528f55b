"""Owns finding the thing that moves: by alpha or, under a model's motion, by the plate's colours (GrabCut).

The motion of a small model is a soft blob. The colours say where the thing in it ends, if they say it clearly; else
nothing is parted, and the surroundings stretch along. The thresholds below were set by eye on the crops of
`python -m benchmarks.plate_sheets` and are not optimal in any measured sense; `_LEAST_FOUND` and `_LEAST_CLEAR` decide how
easily a plate is parted, and to part wrongly (a torn edge) looks worse than to stretch.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import Field, Pixels, PlateImage
from .motion import step
from .parts import parts_below

THING_LEAST = 0.05
"""Of a mask of a thing; where it is less, nothing moves."""

FINER = 4
"""Key fields, and the search for what moves, have so many times the model's size: an edge is found to a quarter of its pixel."""

STILL_PX = 0.12
"""Model px; what never moves farther rests. At 4K a model pixel of 64 is 34 px wide, so this is 4 px there."""
_STILL_SHARE = 0.03  # of the farthest motion, which counts where that is large
_MOVES_PX, _MOVES_SHARE = 0.4, 0.2  # what moves farther than both is taken for the thing until the colours say otherwise
_LEAST_REST = 0.03  # share of the region that has to rest before its colours can be learnt
_CUT_OUT_SHARE, _TRANSPARENT = 0.05, 0.02  # the share of a cut-out that is transparent, and how little alpha that is
_ROUNDS = 3  # of GrabCut
_DOT_PX = FINER // 2  # radius around a tail that is the thing, whatever its colour
_SURROUNDINGS_PX = 20  # of the finer field around the motion, whose colours stand for what is behind
_LEAST_FOUND = 0.35  # share of the motion that the thing has to hold
_LEAST_CLEAR = 0.75  # share of its outline that has to lie on edges of the picture
_SIDE_BLUR_PX = 9  # how wide the colours beside an outline are compared
_WEAK_CONTRAST = 0.08  # parts of white; less is no edge
_STRETCH = 1.5  # motions within which a missing edge is bridged by stretching

Mask = NDArray[np.bool_]
Tails = NDArray[np.float64]


def is_cut_out(alpha: Pixels, peak: float) -> bool:
    """Whether alpha (H, W) with full alpha `peak` leaves a good part of the picture transparent."""
    return bool((alpha <= _TRANSPARENT * peak).mean() > _CUT_OUT_SHARE)


def thing_of_alpha(plate: PlateImage, tails: Tails) -> Field | None:
    """(H, W) in [0, 1]: the parts of a cut-out's alpha that tails (N, 2), in fractions of the plate, stand on or nearest to.

    None for a plate without alpha, and for one that is hardly transparent anywhere.
    """
    if plate.alpha is None or not is_cut_out(plate.alpha, plate.peak):
        return None
    alpha = np.clip(plate.alpha.astype(np.float32) * np.float32(1 / plate.peak), 0, 1)
    parts, found = parts_below(alpha, THING_LEAST, tails, reach_px=sum(alpha.shape))
    return parts if found.any() else None


def find_thing(picture: Field, reach_px: Field, tails: Tails) -> Mask:
    """(G, G): what moves, parted from its surroundings by colour (GrabCut). All of it where nothing stands still.

    The motion of a small model spreads over the edges of what it moves; the colours say where those edges are.
    """
    most_px = float(reach_px.max())
    moves, rests = reach_px > max(_MOVES_PX, _MOVES_SHARE * most_px), reach_px < max(STILL_PX, _STILL_SHARE * most_px)
    if not moves.any() or rests.mean() < _LEAST_REST:
        return np.ones(reach_px.shape, bool)
    labels = np.where(moves, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[rests] = cv2.GC_BGD
    for x, y in _places(tails, len(labels)):
        cv2.circle(labels, (int(x), int(y)), _DOT_PX, cv2.GC_FGD, -1)
    # What is far away has colours of its own: only the surroundings of the motion tell the thing from what is behind.
    around = _around(reach_px > STILL_PX, _SURROUNDINGS_PX)
    near = np.ascontiguousarray(labels[around])
    if (near == cv2.GC_BGD).mean() < _LEAST_REST:
        return np.ones(reach_px.shape, bool)
    cv2.setRNGSeed(0)
    seen = np.ascontiguousarray(np.rint(picture[around] * 255).astype(np.uint8))
    cv2.grabCut(seen, near, None, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS)
    labels[...] = cv2.GC_BGD
    labels[around] = near
    parted = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    parted = cv2.morphologyEx(parted, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)).astype(np.uint8)
    found, holds_tails = _below(cv2.morphologyEx(parted, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)).astype(np.uint8), tails)
    outline, contrast = _outline(found, picture)
    fits = holds_tails and found[moves].mean() > _LEAST_FOUND
    is_clear = fits and (contrast[outline] > _WEAK_CONTRAST).mean() > _LEAST_CLEAR
    return found if is_clear else np.ones(reach_px.shape, bool)


def _below(parted: NDArray[np.uint8], tails: Tails) -> tuple[Mask, bool]:
    """The connected parts that the tails stand on, and whether each is more than its tail's own dot.

    What merely has the moving thing's colours is none of it.
    """
    _, parts = cv2.connectedComponents(parted)
    places = _places(tails, len(parted))
    below = parts[places[:, 1], places[:, 0]]
    sizes_px = np.bincount(parts.ravel())
    sizes_px[0] = 0  # what was not found is no part
    return np.isin(parts, below[below > 0]), bool(sizes_px[below].min() > (4 * _DOT_PX) ** 2)


def _places(tails: Tails, side_px: int) -> NDArray[np.intp]:
    return np.clip(np.floor(np.asarray(tails) * side_px), 0, side_px - 1).astype(np.intp)


def _outline(thing: Mask, picture: Field) -> tuple[Mask, Field]:
    """The thing's outline without the picture's border, and how much the colours beside it differ, both (G, G)."""
    outline = cv2.morphologyEx(thing.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    outline[0], outline[-1], outline[:, 0], outline[:, -1] = (False,) * 4
    weight = thing.astype(np.float32)
    sides = []
    for part in (weight, 1 - weight):
        total = cv2.blur(part, (_SIDE_BLUR_PX,) * 2)
        sides.append(cv2.blur(picture * part[..., None], (_SIDE_BLUR_PX,) * 2) / np.maximum(total, 1e-3)[..., None])
    return outline, np.abs(sides[0] - sides[1]).max(axis=2)


def _around(mask: Mask, room_px: int) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    (top, bottom), (left, right) = ((max(0, int(found[0]) - room_px), int(found[-1]) + 1 + room_px) for found in (rows, columns))
    return slice(top, bottom), slice(left, right)


def held(thing: Mask, picture: Field, reach_px: Field) -> Field:
    """(G, G) in [0, 1]: 0 where the thing ends without an edge in the picture, so that it stretches there, not tears."""
    outline, contrast = _outline(thing, picture)
    weak = (outline & (contrast < _WEAK_CONTRAST)).astype(np.uint8)
    if not weak.any():
        return np.ones(thing.shape, np.float32)
    distance_px = cv2.distanceTransform(1 - weak, cv2.DIST_L2, cv2.DIST_MASK_5)
    stretch_px = _STRETCH * cv2.blur(reach_px, (2 * _SIDE_BLUR_PX + 1,) * 2) + 1
    return cv2.blur(step(distance_px / stretch_px, 0.0, 1.0), (5, 5))
