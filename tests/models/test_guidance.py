"""Codes held to the pokes: the last frame shows the tails at the tips, and z changes as little as that takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ipoke_models import Model, load_model
from ipoke_models.guidance import Guide

POKES = np.array([[0.4, 0.5, 0.1, -0.05], [0.7, 0.6, 0.0, 0.08]])


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("garden-64")


@pytest.fixture(scope="module")
def guide(model: Model) -> Guide:
    autoencoder = model.networks.autoencoder
    still = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mean = model.latent(torch.zeros(1, model.config.flow.channels, 8, 8), model.condition(still, model.poke_map(POKES)[None]))
    with torch.no_grad():
        return Guide(autoencoder, still, autoencoder.modulate(still), POKES, mean.clone(), torch.ones_like(mean))


@torch.no_grad()
def test_a_guided_code_meets_the_tips(guide: Guide) -> None:
    z = torch.randn(4, 16, 8, 8, generator=torch.Generator().manual_seed(2))
    before, after = guide.misses(z).abs().mean(), guide.misses(guide(z)).abs().mean()
    assert before > 2.0
    assert after < 0.25 * before


@torch.no_grad()
def test_a_code_that_meets_the_tips_is_left_alone(guide: Guide) -> None:
    z = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(3))
    for _ in range(10):
        z = guide(z)
    assert float(guide.misses(z).abs().max()) < 0.05
    assert float((guide(z) - z).norm() / z.norm()) < 1e-2


@torch.no_grad()
def test_a_variant_does_not_depend_on_the_batch_it_is_guided_in(guide: Guide) -> None:
    z = torch.randn(3, 16, 8, 8, generator=torch.Generator().manual_seed(4))
    assert torch.allclose(guide(z)[1:2], guide(z[1:2]), atol=1e-4)
