"""Distances between what many clips show and what their truths show, for which a clip alone means nothing.

* Fréchet video distance (Unterthiner et al. 2019) with m, S the mean and covariance of I3D's scores of N clips:
  d = |m - m'|^2 + tr S + tr S' - 2 tr (S S')^(1/2). With A, A' the centred scores over sqrt(N - 1), S = A^T A, and the last
  trace is the sum of the singular values of A A'^T, or of R R'^T with A = Q R: no root of a matrix, and stable where N is
  less than the 400 scores.
* Earth mover's distance between histograms of speed or acceleration, in px a frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .estimates import Estimate, Values
from .i3d import I3D, SIZE_PX
from .measures import motion_through

BINS = 128
_LEVELS = 127.5
_ROUNDS = 100
_WIDTH_IN_DEVIATIONS = 1.96
Distance = Callable[[Values, Values], float]


@torch.inference_mode()
def video_features(network: I3D, clips: Tensor) -> Values:
    """I3D's scores (B, 400) of clips (B, T, 3, S, S) in [-1, 1], stored in 8 bits and enlarged as the metric demands."""
    stored = ((clips + 1) * _LEVELS).floor().clamp(0, 255) / _LEVELS - 1
    return np.concatenate([network(_enlarged(clip)[None]).double().numpy() for clip in stored])


def _enlarged(clip: Tensor) -> Tensor:
    return F.interpolate(clip, size=(SIZE_PX, SIZE_PX), mode="bilinear", align_corners=False)


def frechet_distance(ours: Values, truth: Values) -> float:
    """Between features (N, D) of N clips each."""
    mean_difference = ours.mean(axis=0) - truth.mean(axis=0)
    a, b = ((features - features.mean(axis=0)) / np.sqrt(len(features) - 1) for features in (ours, truth))
    common = np.linalg.svd(_triangle(a) @ _triangle(b).T, compute_uv=False).sum()
    return float(mean_difference @ mean_difference + (a * a).sum() + (b * b).sum() - 2 * common)


def _triangle(matrix: Values) -> Values:
    """R of A = Q R."""
    _, triangle = np.linalg.qr(matrix)
    return np.asarray(triangle)


def motion_histograms(clip: Tensor) -> tuple[Values, Values, float]:
    """Speeds and accelerations of a clip (T+1, 3, S, S), as histograms (BINS,), and the mean speed in px a frame.

    Read by DIS between neighbouring frames, at every pixel. A bin is S / 1280 px wide, the last one holds all that is faster.
    """
    flows = motion_through(clip)
    speeds = np.linalg.norm(flows, axis=-1)
    return _histogram(speeds), _histogram(np.linalg.norm(np.diff(flows, axis=0), axis=-1)), float(speeds.mean())


def _histogram(lengths: NDArray[np.float32]) -> Values:
    numbers = np.minimum(lengths / bin_width_px(lengths.shape[-1]), BINS - 1).astype(np.int64)
    return np.bincount(numbers.ravel(), minlength=BINS).astype(np.float64)


def bin_width_px(size_px: int) -> float:
    """Of the histograms of clips of this size."""
    return size_px / 1280


def earth_movers_distance(ours: Values, truth: Values) -> float:
    """Between the sums of histograms (N, BINS), in bins: how far their mass has to be moved on average."""
    a, b = (np.cumsum(histograms.sum(axis=0) / histograms.sum()) for histograms in (ours, truth))
    return float(np.abs(a - b).sum())


def estimate_drawn(figure: Callable[[NDArray[np.int64]], float], count: int) -> Estimate:
    """A figure of clips, taken of their numbers, with its interval: 1.96 deviations of 100 bootstrap draws to either side.

    Clips that were drawn twice lift the distance of a draw, so that quantiles would leave the value itself outside.
    """
    value = figure(np.arange(count))
    drawn = np.random.default_rng(0).integers(count, size=(_ROUNDS, count))
    half = _WIDTH_IN_DEVIATIONS * float(np.std([figure(clips) for clips in drawn]))
    return Estimate(value, value - half, value + half)


def estimate_distance(ours: Values, truth: Values, distance: Distance) -> Estimate:
    """A distance with its interval, which doesn't reach below zero."""
    found = estimate_drawn(lambda clips: distance(ours[clips], truth[clips]), len(ours))
    return replace(found, low=max(found.low, 0.0))
