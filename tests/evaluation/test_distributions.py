"""Distances between sets of clips: values known in closed form, and few clips."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ipoke_models.metrics.distributions import (
    BINS,
    bin_width_px,
    earth_movers_distance,
    estimate_distance,
    frechet_distance,
    motion_histograms,
)


def test_the_frechet_distance_of_gaussians_is_the_one_in_closed_form() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((2, 40000, 3))
    # N(0, 1) and N(1, 4) in each dimension: (0 - 1)^2 + (1 - 2)^2, three times
    assert frechet_distance(x, 1 + 2 * y) == pytest.approx(6, rel=0.05)


def test_the_frechet_distance_needs_no_more_clips_than_features() -> None:
    x = np.random.default_rng(0).standard_normal((10, 400))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(x, x + 0.5) == pytest.approx(400 * 0.25, rel=1e-6)
    # by its definition: the eigenvalues of the product of covariances, most of which are zero
    y = np.random.default_rng(1).standard_normal((10, 400))
    eigenvalues = np.linalg.eigvals(np.cov(x.T) @ np.cov(y.T)).real.clip(0)
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(np.cov(x.T) + np.cov(y.T)) - 2 * np.sqrt(eigenvalues).sum()
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-4)


def test_the_earth_movers_distance_is_how_far_all_moved() -> None:
    histograms = np.zeros((2, BINS))
    histograms[:, 3] = 5
    assert earth_movers_distance(histograms, np.roll(histograms, 4, axis=1)) == pytest.approx(4)
    assert earth_movers_distance(histograms, histograms) == 0


def test_a_distance_lies_in_its_interval() -> None:
    generator = np.random.default_rng(0)
    found = estimate_distance(generator.standard_normal((20, 50)), generator.standard_normal((20, 50)) + 1, frechet_distance)
    assert 0 < found.low < found.value < found.high


def test_a_clip_that_shifts_evenly_has_its_speed_and_no_acceleration() -> None:
    noise = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    picture = torch.nn.functional.interpolate(noise, size=(96, 96), mode="bicubic").clamp(-1, 1)[0]
    clip = torch.stack([picture[:, 16:80, 16 - t : 80 - t] for t in range(6)])
    speeds, accelerations, mean_px = motion_histograms(clip)
    assert mean_px == pytest.approx(1, abs=0.2)
    assert int(speeds.argmax()) * bin_width_px(64) == pytest.approx(1, abs=0.15)
    assert int(accelerations.argmax()) <= 1
