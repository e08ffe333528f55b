"""Residuals that a still doesn't bear are replayed more gently, or refused in a sentence."""

import pytest
import torch
from torch import Tensor

from ipoke_models import ModelError
from ipoke_models.draws import LARGEST_CODE, gentle


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
