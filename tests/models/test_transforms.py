"""Every invertible transform through the same properties."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ipoke_models.networks.flow import ConditionalFlow, Transform
from ipoke_models.networks.flow.blocks import Prior, Step, Unit
from ipoke_models.networks.flow.coupling import Coupling, Split
from ipoke_models.networks.flow.masked import MaskedConvolution, Order
from ipoke_models.networks.flow.multiscale import Level
from ipoke_models.networks.flow.transforms import ActNorm, Chain, Shuffle

from . import small
from .closeness import assert_close

COND = 5
SIDE = 8


def _flow(channels: int, **changes: object) -> ConditionalFlow:
    return ConditionalFlow(small.flow(channels, COND, **changes))


MAKERS: dict[str, tuple[int, Callable[[], Transform]]] = {
    "actnorm": (4, lambda: ActNorm(4)),
    "shuffle": (5, lambda: Shuffle(5)),
    "chain": (4, lambda: Chain([ActNorm(4), Shuffle(4)])),
    **{
        f"masked {order.name}": (3, lambda order=order: MaskedConvolution(3, 7, COND, order, weight_norm=True)) for order in Order
    },
    **{
        f"coupling {split.name} {'up' if up else 'down'} of {channels}": (
            channels,
            lambda split=split, up=up, channels=channels: Coupling(channels, 6, True, split, up),
        )
        for split in Split
        for up in (True, False)
        for channels in (4, 5)
    },
    "coupling without norm": (4, lambda: Coupling(4, 6, False, Split.SKIP, True)),
    "unit": (3, lambda: Unit(3, small.flow(6, COND))),
    "step": (3, lambda: Step(3, small.flow(6, COND))),
    "prior": (5, lambda: Prior(5, 2, small.flow(6, COND))),
    "level": (4, lambda: Level(4, 1, small.flow(6, COND))),
    "flow": (6, lambda: _flow(6)),
    "flow with a base": (6, lambda: _flow(6, base_hidden=8)),
    "flow with a normalised base": (6, lambda: _flow(6, base_hidden=16, base_normalised=True)),
    "flow of odd levels": (5, lambda: _flow(5)),
    "flow without norm": (6, lambda: _flow(6, weight_norm=False)),
}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest) -> tuple[Transform, Tensor, Tensor]:
    """A transform away from its start, its input and its condition, in float64."""
    channels, make = MAKERS[request.param]
    # The inverse of an untrained flow explodes where its parameters are far from zero.
    transform = small.jitter(make().double(), 0.02 if "flow" in request.param else 0.05)
    return transform, torch.randn(2, channels, SIDE, SIDE).double(), torch.randn(2, COND, SIDE, SIDE).double()


def test_keeps_the_shape_and_is_finite(made):
    transform, x, h = made
    y, logdet = transform(x, h)
    assert y.shape == x.shape
    assert logdet.shape == (2,)
    assert y.isfinite().all()
    assert logdet.isfinite().all()


def test_inverse_undoes_forward_and_forward_undoes_inverse(made):
    transform, x, h = made
    with torch.no_grad():
        assert_close(transform.inverse(transform(x, h)[0], h), x, atol=1e-5)
        assert_close(transform(transform.inverse(x, h), h)[0], x, atol=1e-5, rtol=0)


def test_logdet_is_that_of_the_jacobian(made):
    transform, x, h = made
    # A 4 x 4 grid keeps the Jacobian small; the transforms don't depend on the grid's size.
    jacobian, logdet = _jacobian(transform, x[:1, :, :4, :4], h[:1, :, :4, :4])
    _, expected = torch.linalg.slogdet(jacobian)
    assert_close(logdet, expected.view(1), atol=1e-9)


def test_a_sample_depends_on_itself_alone(made):
    transform, x, h = made
    with torch.no_grad():
        assert_close(transform(x[:1], h[:1])[0], transform(x, h)[0][:1], atol=1e-9)


def test_gradients_reach_every_parameter(made):
    transform, x, h = made
    y, logdet = transform(x.requires_grad_(), h)
    (y.square().sum() + logdet.sum()).backward()
    for name, parameter in transform.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("order", Order)
def test_a_masked_convolution_sees_its_own_side_alone(order):
    """Each pixel depends on itself and on two lines of three pixels on the order's side."""
    transform = small.jitter(MaskedConvolution(2, 5, COND, order, weight_norm=True).double(), 0.3)
    x, h = torch.randn(1, 2, SIDE, SIDE).double(), torch.randn(1, COND, SIDE, SIDE).double()
    jacobian, _ = _jacobian(transform, x, h)
    depends = jacobian.view(2, SIDE, SIDE, 2, SIDE, SIDE).abs().sum(dim=(0, 3))
    for row in range(SIDE):
        for column in range(SIDE):
            seen = {tuple(place) for place in depends[row, column].nonzero().tolist()}
            assert seen == _window(order, row, column) | {(row, column)}


def _jacobian(transform: Transform, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """d y / d x as a matrix, and the log-determinant that the transform says; x and h have batch 1."""
    size = x.numel()
    # Samples don't see each other: one backward pass through `size` copies gives every row.
    copies = x.expand(size, -1, -1, -1).clone().requires_grad_()
    y, logdet = transform(copies, h.expand(size, -1, -1, -1))
    (rows,) = torch.autograd.grad(y.reshape(size, size).diagonal().sum(), copies)
    return rows.reshape(size, size), logdet[:1].detach()


def _window(order: Order, row: int, column: int) -> set[tuple[int, int]]:
    back = {Order.A: (-2, -1), Order.B: (1, 2), Order.C: (-2, -1), Order.D: (1, 2)}[order]
    along = [(line, across) for line in back for across in (-1, 0, 1)]
    steps = along if order.axis == 2 else [(across, line) for line, across in along]
    places = {(row + down, column + right) for down, right in steps}
    return {(r, c) for r, c in places if 0 <= r < SIDE and 0 <= c < SIDE}


def test_an_untrained_flow_only_permutes():
    flow = _flow(6)
    x, h = torch.randn(2, 6, SIDE, SIDE), torch.randn(2, COND, SIDE, SIDE)
    y, logdet = flow(x, h)
    assert_close(y.flatten(1).sort().values, x.flatten(1).sort().values)
    assert_close(logdet, torch.zeros(2))


def test_initialise_makes_the_residual_of_its_batch_normal():
    flow = small.jitter(_flow(6))
    z, h = 3 * torch.randn(16, 6, SIDE, SIDE) + 2, torch.randn(16, COND, SIDE, SIDE)
    flow.initialise(z, h)
    r, _ = flow.residual(z, h)
    deviation, mean = torch.std_mean(r, dim=(0, 2, 3))
    assert mean.abs().max() < 0.3
    assert (deviation - 1).abs().max() < 0.3


def test_round_trip_in_float32_is_within_a_thousandth():
    flow = small.jitter(_flow(6), 0.02)
    r, h = torch.randn(4, 6, SIDE, SIDE), torch.randn(4, COND, SIDE, SIDE)
    with torch.no_grad():
        back, _ = flow.residual(flow.latent(r, h), h)
    assert_close(back, r, atol=1e-3, rtol=0)
