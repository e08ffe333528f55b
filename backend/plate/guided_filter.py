"""The colour guided filter, which makes a mask follow the edges of a picture.

He, Sun and Tang, *Guided Image Filtering*, ECCV 2010; enlarged coefficients after He and Sun, *Fast Guided Filter*, 2015.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

_LEAST_DETERMINANT = np.float32(1e-18)


class Guide:
    """A picture (H, W, 3) in [0, 1] that masks are to follow; several masks cost little more than one."""

    def __init__(self, picture: Field, radius_px: int, epsilon: float) -> None:
        """`epsilon` is the variance of colour that is texture, not an edge."""
        self._side = 2 * radius_px + 1
        self._planes: list[Field] = [np.ascontiguousarray(picture[..., channel]) for channel in range(3)]
        self._means: list[Field] = [self._mean(plane) for plane in self._planes]
        self._inverse = self._inverse_covariance(np.float32(epsilon))

    def coefficients(self, mask: Field) -> Field:
        """(H, W, 4): a and b of the local linear model mask = a . picture + b.

        They are smooth, so that they may be enlarged and applied to the same picture at a larger size.
        """
        mask_mean = self._mean(mask)
        shared = [self._mean(plane * mask) - mean * mask_mean for plane, mean in zip(self._planes, self._means, strict=True)]
        a = [_dot(row, shared) for row in self._inverse]
        b = mask_mean - _dot(a, self._means)
        return np.dstack([self._mean(plane) for plane in (*a, b)])

    def _inverse_covariance(self, epsilon: np.float32) -> list[list[Field]]:
        """The inverse of the colours' covariance (3, 3) at every place, by cofactors."""
        planes, means = self._planes, self._means
        v: list[list[Field]] = [[np.empty(0, np.float32)] * 3 for _ in range(3)]
        for i in range(3):
            for j in range(i, 3):
                v[i][j] = v[j][i] = self._mean(planes[i] * planes[j]) - means[i] * means[j]
            v[i][i] = v[i][i] + epsilon
        cofactors: list[list[Field]] = [
            [v[(i + 1) % 3][(j + 1) % 3] * v[(i + 2) % 3][(j + 2) % 3] - v[(i + 1) % 3][(j + 2) % 3] * v[(i + 2) % 3][(j + 1) % 3]
             for j in range(3)]
            for i in range(3)
        ]  # fmt: skip
        scale = 1 / np.maximum(_dot(v[0], cofactors[0]), _LEAST_DETERMINANT)
        return [[one * scale for one in row] for row in cofactors]

    def _mean(self, plane: Field) -> Field:
        return np.asarray(cv2.blur(plane, (self._side, self._side), borderType=cv2.BORDER_REFLECT), np.float32)


def _dot(one: list[Field], other: list[Field]) -> Field:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]
