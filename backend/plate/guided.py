"""Owns the colour guided filter, which makes a mask follow the edges of a picture.

He, Sun and Tang, *Guided Image Filtering*, ECCV 2010; enlarged coefficients after He and Sun, *Fast Guided Filter*, 2015.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def guided_coefficients(mask: Field, guide: Field, radius_px: int, epsilon: float) -> Field:
    """(H, W, 4): a and b of the local linear model mask = a . guide + b; mask (H, W), guide (H, W, 3) in [0, 1].

    The coefficients are smooth, so that they may be enlarged and applied to the same picture at a larger size.
    """
    side = 2 * radius_px + 1

    def mean(plane: Field) -> Field:
        return np.asarray(cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    guide_mean, mask_mean = mean(guide), mean(mask)
    covariance = mean(guide * mask[..., None]) - guide_mean * mask_mean[..., None]
    variance = np.empty((*mask.shape, 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            variance[..., i, j] = variance[..., j, i] = (
                mean(guide[..., i] * guide[..., j]) - guide_mean[..., i] * guide_mean[..., j] + (epsilon if i == j else 0)
            )
    a = _solve(variance, covariance)
    b = mask_mean - (a * guide_mean).sum(axis=2)
    return mean(np.dstack([a, b]))


def _solve(matrix: Field, right: Field) -> Field:
    """Solution of symmetric 3 x 3 systems (..., 3, 3), (..., 3) by cofactors: much faster here than LAPACK, one by one."""
    m = matrix
    cofactors = np.empty_like(m)
    for i in range(3):
        for j in range(3):
            r, s, u, v = (i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3
            cofactors[..., i, j] = m[..., r, u] * m[..., s, v] - m[..., r, v] * m[..., s, u]
    determinant = (m[..., 0, :] * cofactors[..., 0, :]).sum(axis=-1)
    return np.asarray(np.einsum("...ji,...j->...i", cofactors, right) / np.maximum(determinant, 1e-18)[..., None], np.float32)
