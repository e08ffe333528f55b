"""The terms of the objectives against their closed forms and against autograd."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ipoke_models.config import CvaeConfig
from ipoke_models.networks.cvae import ConditionalVae
from ipoke_models.networks.discriminators import ClipDiscriminator
from ipoke_models.training.objectives import (
    adaptive_weight,
    evidence_loss,
    feature_matching,
    gaussian_kl,
    generator_loss,
    gradient_penalty,
    hinge_loss,
    learned_nll,
)

from .closeness import assert_close


def test_hinge_loss_is_zero_beyond_the_margins_and_one_where_nothing_is_known():
    assert hinge_loss(torch.tensor([1.0, 3.0]), torch.tensor([-1.0, -3.0])) == 0
    assert hinge_loss(torch.zeros(4), torch.zeros(4)) == 1
    assert hinge_loss(torch.tensor([0.5]), torch.tensor([-1.0])) == 0.25
    assert generator_loss(torch.tensor([1.0, 3.0])) == -2


def test_gradient_penalty_is_the_squared_slope_and_can_be_learned_from():
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    real = torch.randn(5, 2, requires_grad=True)
    penalty = gradient_penalty(real @ weight, real)
    assert_close(penalty.detach(), torch.tensor(25.0))
    penalty.backward()
    assert_close(weight.grad, 2 * weight.detach())


def test_feature_matching_pulls_the_decoded_clip_alone():
    critic = ClipDiscriminator((8, 8, 8, 8), 8)
    real = torch.randn(2, 4, 3, 32, 32, requires_grad=True)
    fake = torch.randn(2, 4, 3, 32, 32, requires_grad=True)
    assert feature_matching(critic.eval()(real)[1], critic(real)[1]) == 0
    feature_matching(critic(real)[1], critic(fake)[1]).backward()
    assert real.grad is None
    assert fake.grad.abs().sum() > 0


def test_gaussian_kl_is_that_of_torch():
    mean, logvar = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    ours = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    expected = torch.distributions.kl_divergence(ours, torch.distributions.Normal(0.0, 1.0))
    assert_close(gaussian_kl(mean, logvar), expected.sum(dim=1).mean())


def test_learned_nll_is_least_where_the_variance_is_the_mean_error():
    error = torch.rand(2, 3, 4, 4) + 0.5
    logvar = error.mean().log().requires_grad_()
    least = learned_nll(error, logvar)
    (slope,) = torch.autograd.grad(least, logvar)
    assert slope.abs() < 1e-3
    assert least < min(learned_nll(error, logvar + 0.1), learned_nll(error, logvar - 0.1))


def test_adaptive_weight_balances_both_pulls():
    last = nn.Parameter(torch.ones(3))
    weight = adaptive_weight((6 * last).sum(), (2 * last).sum(), last)
    assert_close(weight, torch.tensor(3.0), atol=1e-3)
    assert adaptive_weight(last.sum(), (0 * last).sum(), last) == 1e4


@pytest.mark.slow
def test_the_twin_learns_to_give_back_what_it_read():
    """A few steps on one batch; the flow would need none, being its own inverse."""
    twin = ConditionalVae(CvaeConfig(channels=2, cond_channels=3, hidden=16, blocks=1))
    z, h = torch.randn(8, 2, 8, 8), torch.randn(8, 3, 8, 8)
    optimizer = torch.optim.Adam(twin.parameters(), 5e-3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = evidence_loss(z, *twin(z, h))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert twin.latent(twin.residual(z, h), h).shape == z.shape
