"""Residuals that a still doesn't bear are drawn anew or replayed more gently, or refused in a sentence."""

import pytest
import torch
from torch import Tensor

from ipoke_models import ModelError
from ipoke_models.sampling.residuals import GROUP, LARGEST_CODE, MOST_DRAWS, draw_group, gentle
from ipoke_values.sampling import Sampling


def _bears(limit: float):
    def solve(r: Tensor) -> Tensor:
        return r[None] if float(r.abs().max()) <= limit else torch.full_like(r[None], torch.nan)

    return solve


def test_a_residual_that_the_still_bears_is_left_as_it_is() -> None:
    r = torch.randn(16, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(gentle(_bears(LARGEST_CODE), r, "garden-64"), r[None])


def test_a_residual_that_runs_away_is_replayed_at_the_largest_strength_that_holds() -> None:
    r = torch.linspace(-1, 1, 16 * 64).view(16, 8, 8)
    assert torch.allclose(gentle(_bears(0.75), r, "garden-64"), 0.7 * r[None])


def test_a_residual_that_no_strength_holds_is_refused_in_a_sentence() -> None:
    with pytest.raises(ModelError, match="'garden-64' finds no clip for this motion"):
        gentle(_bears(0.0), torch.ones(16, 8, 8), "garden-64")


def _bear(limit: float):
    """Of a batch: those whose root mean square is larger run away."""

    def solve(r: Tensor) -> Tensor:
        lost = r.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() > limit
        return torch.where(lost, torch.nan, r)

    return solve


def test_variants_that_run_away_again_and_again_are_drawn_weaker_and_the_same_each_time() -> None:
    calls = 0

    def solve(r: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return _bear(0.75)(r)

    r, z = draw_group(solve, (16, 8, 8), 0, Sampling(7))
    assert calls > MOST_DRAWS
    assert z.shape == (GROUP, 16, 8, 8)
    assert 0.6 < float(z.std()) < 0.75
    assert torch.equal(r, z)
    assert torch.equal(draw_group(_bear(0.75), (16, 8, 8), 0, Sampling(7))[1], z)


def test_variants_that_no_strength_holds_are_refused_in_a_sentence() -> None:
    with pytest.raises(ModelError, match="no clip for these arrows with seed 7; take another seed, or shorter arrows"):
        draw_group(_bear(0.0), (16, 8, 8), 0, Sampling(7))
