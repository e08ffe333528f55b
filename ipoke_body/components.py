"""Owns what is connected in a graph, with numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


def connected(count: int, first: Indices, second: Indices) -> Indices:
    """(count,): for each node the smallest node that it is connected to by the pairs first[k], second[k]."""
    labels = np.arange(count)
    while True:
        low = np.minimum(labels[first], labels[second])
        np.minimum.at(labels, labels[first], low)
        np.minimum.at(labels, labels[second], low)
        while not np.array_equal(jumped := labels[labels], labels):
            labels = jumped
        if np.array_equal(labels[first], labels[second]):
            return labels
