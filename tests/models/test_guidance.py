"""Codes held to the pokes: the last frame shows the tails at the tips, and z changes as little as that takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ipoke_models import Model, load_model
from ipoke_models.sampling.guidance import CLOSE_PX, Guide
from ipoke_values import Sampling

POKES = np.array([[0.4, 0.5, 0.1, -0.05], [0.6, 0.6, 0.0, 0.08]])


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("garden-64")


@pytest.fixture(scope="module")
def still() -> Tensor:
    """A green disc before grey."""
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    disc = ((rows - 34).square() + (columns - 32).square() < 18**2).float()
    return disc * torch.tensor([-0.6, 0.5, -0.7]).view(3, 1, 1) + (1 - disc) * 0.2


@pytest.fixture(scope="module")
def guide(model: Model, still: Tensor) -> Guide:
    guide = model._guide_of(model._prepare(still, POKES))
    assert guide is not None
    return guide


@pytest.fixture
def draws(model: Model, still: Tensor) -> Tensor:
    codes = [z for z, _ in model._codes(range(2), Sampling(2), model._prepare(still, POKES), guided=False)]
    return torch.cat(list(codes))


@pytest.mark.slow
@torch.inference_mode()
def test_a_guided_code_meets_the_tips(guide: Guide, draws: Tensor) -> None:
    before, after = guide.misses(draws).abs().amax(dim=1), guide.misses(guide(draws)).abs().amax(dim=1)
    assert before.median() > 5 * CLOSE_PX
    assert after.max() <= CLOSE_PX


@torch.inference_mode()
def test_a_code_that_meets_the_tips_is_left_alone(guide: Guide, draws: Tensor) -> None:
    z = guide(draws)
    assert torch.equal(guide(z), z)


@pytest.mark.slow
@torch.inference_mode()
def test_guidance_never_takes_a_code_farther_from_its_tips(model: Model, still: Tensor) -> None:
    wild = np.array([[0.4, 0.5, -0.3, 0.4], [0.45, 0.55, 0.4, -0.4]])
    guide = model._guide_of(model._prepare(still, wild))
    assert guide is not None
    z = torch.cat([z for z, _ in model._codes(range(4), Sampling(2), model._prepare(still, wild), guided=False)])
    before, after = guide.misses(z).norm(dim=1), guide.misses(guide(z)).norm(dim=1)
    assert (after <= before).all()
    assert after.mean() > CLOSE_PX, "these can't be met"


@torch.inference_mode()
def test_a_variant_does_not_depend_on_the_batch_it_is_guided_in(guide: Guide, draws: Tensor) -> None:
    assert torch.allclose(guide(draws)[1:2], guide(draws[1:2]), atol=1e-4)


@pytest.mark.slow
def test_held_to_the_poke_the_last_frame_shows_the_tail_nearer_to_the_tip(model: Model, still: Tensor) -> None:
    def misses(guided: bool) -> float:
        *_, last = model.stream(still, POKES[:1], n=4, sampling=Sampling(3), guided=guided)
        column, row = (POKES[0, :2] + POKES[0, 2:]) * 64
        assert last.flow is not None
        shown = last.flow[:, :, int(row), int(column)]
        return float((shown + torch.tensor(POKES[0, 2:] * 64)).norm(dim=1).mean())

    assert misses(guided=True) < 0.5 * misses(guided=False)
