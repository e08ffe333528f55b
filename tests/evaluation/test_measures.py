"""Measures: values known from elsewhere, and what must hold for any clip."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ipoke_models.evaluation.baselines import sparse_warp
from ipoke_models.metrics.estimates import estimate
from ipoke_models.metrics.measures import psnr, structural_similarity, tracked


def test_ssim_is_that_of_scikit_image() -> None:
    generator = np.random.default_rng(0)
    a = generator.random((24, 20, 3)) * 2 - 1
    b = np.clip(a + 0.3 * generator.standard_normal(a.shape), -1, 1)
    # skimage.metrics.structural_similarity(a, b, data_range=2, channel_axis=2) of scikit-image 0.26.0
    ours = structural_similarity(*(torch.from_numpy(picture).permute(2, 0, 1)[None] for picture in (a, b)))
    assert float(ours) == pytest.approx(0.6520672907257234, abs=1e-9)


def test_psnr_of_a_constant_difference_is_known() -> None:
    assert psnr(torch.zeros(3, 8, 8), torch.full((3, 8, 8), 0.2)) == pytest.approx(20.0, abs=1e-4)


def test_a_sparse_warp_brings_each_poked_place_to_its_tip() -> None:
    x0 = torch.zeros(3, 64, 64)
    places = torch.tensor([[20, 14], [40, 48]])
    shifts = torch.tensor([[5.0, 3.0], [-4.0, 2.0]])
    for row, column in places.tolist():
        x0[:, row, column] = 1
    last = sparse_warp(x0, places, shifts, frames=10)[-1]
    for (row, column), (dx, dy) in zip(places.tolist(), shifts.tolist(), strict=True):
        assert float(last[0, row + int(dy), column + int(dx)]) > 0.8
        assert float(last[0, row, column]) < 0.2


def test_a_thin_thing_that_moves_far_is_tracked_to_where_it_goes() -> None:
    """A dotted stem of 4 px that crosses 16 px of a photograph-like ground: nothing of it is where it was."""
    generator = torch.Generator().manual_seed(3)
    ground = F.interpolate(torch.rand(1, 3, 16, 16, generator=generator), size=(64, 64), mode="bicubic")[0].clamp(0, 1) - 1
    stem = torch.rand(3, 40, 4, generator=generator)
    clip = ground.repeat(11, 1, 1, 1)
    for t in range(11):
        clip[t, :, 12:52, 20 + round(1.6 * t) :][:, :, :4] = stem
    moved = tracked(clip, np.array([[30, 21], [5, 60]]))
    assert moved[0] == pytest.approx([16, 0], abs=2)
    assert moved[1] == pytest.approx([0, 0], abs=0.2)


def test_an_interval_holds_its_value_and_shrinks_with_more_clips() -> None:
    generator = np.random.default_rng(0)
    few, many = (estimate(generator.normal(3, 1, (count, 2))) for count in (10, 1000))
    for found in (few, many):
        assert found.low < found.value < found.high
    assert many.high - many.low < (few.high - few.low) / 4


def test_variants_of_one_clip_count_as_one_clip() -> None:
    column = np.random.default_rng(0).normal(0, 1, (50, 1))
    once, copied = estimate(column), estimate(np.repeat(column, 5, axis=1))
    assert copied.value == pytest.approx(once.value)
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


def test_what_could_be_measured_nowhere_has_no_estimate() -> None:
    assert estimate(np.full((4, 1), np.nan)) is None
    assert estimate(np.array([[np.nan], [2.0], [4.0]])).value == 3
