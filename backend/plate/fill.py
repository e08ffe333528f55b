"""Owns filling the hole that a thing leaves: what stood behind it, made up from what surrounds it. numpy and OpenCV alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SIDE_PX = 1024


def filled(picture: Field, hole: Mask) -> Field:
    """The picture (h, w, C), of any scale, with its hole (h, w) filled from what surrounds it; the same where all is hole.

    Nothing of what the hole holds shows in it. C is 3, or 4 with alpha, colour premultiplied.
    """
    matte = hole.astype(np.float32)
    scale = min(1.0, _SIDE_PX / max(matte.shape))
    small = (max(1, round(matte.shape[1] * scale)), max(1, round(matte.shape[0] * scale)))
    hidden = cv2.resize(matte, small, interpolation=cv2.INTER_AREA) > 0
    hidden = cv2.dilate(hidden.astype(np.uint8), np.ones((3, 3), np.uint8))
    if hidden.all():
        return picture
    _, labels = cv2.distanceTransformWithLabels(hidden, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    open_rows, open_columns = np.nonzero(hidden == 0)
    nearest = np.zeros((int(labels.max()) + 1, 2), np.float32)
    nearest[labels[open_rows, open_columns]] = np.stack([open_columns, open_rows], axis=-1)
    rows, columns = np.indices(hidden.shape, dtype=np.float32)
    shift = nearest[labels] - np.dstack([columns, rows])
    far = 2 * shift + np.dstack([columns, rows])
    inside = (far >= 0).all(axis=2) & (far[..., 0] <= small[0] - 1) & (far[..., 1] <= small[1] - 1)
    at = np.clip(np.rint(far), 0, np.array(small) - 1).astype(np.intp)
    clear = inside & (hidden[at[..., 1], at[..., 0]] == 0)
    shift = np.where(clear[..., None], 2 * shift, 1.05 * shift).astype(np.float32)
    rows, columns = np.indices(matte.shape, dtype=np.float32)
    smooth, sharp = (
        cv2.resize(field, matte.shape[1::-1], interpolation=method) / np.float32(scale)
        for field, method in ((cv2.blur(shift, (3, 3)), cv2.INTER_LINEAR), (shift, cv2.INTER_NEAREST))
    )
    # Half way between two edges a smooth shift points to what it should hide: there the nearer edge's own is taken.
    still_hidden = _fetched(matte, columns + smooth[..., 0], rows + smooth[..., 1]) > 0
    np.copyto(smooth, sharp, where=still_hidden[..., None])
    return _fetched(picture, columns + smooth[..., 0], rows + smooth[..., 1])


def _fetched(picture: Field, x: Field, y: Field) -> Field:
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101), np.float32)
