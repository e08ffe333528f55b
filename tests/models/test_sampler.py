"""The fast sampler gives what the plain row-by-row solver gives."""

from __future__ import annotations

import pytest
import torch

from ipoke_models.config import FlowConfig
from ipoke_models.errors import Cancelled
from ipoke_models.flow import ConditionalFlow, FlowSampler

from . import small
from .closeness import assert_close
from .reference import vectors

FLOWS = {
    "even channels": small.flow(6, 5, weight_norm=False),
    "odd channels": small.flow(7, 5, weight_norm=False),
    "one channel left": FlowConfig(4, 3, (1, 1, 1), factor=4, mid_channels=5, weight_norm=False),
    "with a base": small.flow(6, 5, weight_norm=False, base_hidden=8),
    "wide splits": FlowConfig(9, 3, (1, 2), factor=2, mid_channels=5, weight_norm=False),
}


@pytest.fixture(params=FLOWS)
def flow(request: pytest.FixtureRequest) -> ConditionalFlow:
    return small.jitter(ConditionalFlow(FLOWS[request.param]), 0.02).requires_grad_(False)


def _noise(flow: ConditionalFlow, batch: int, of_h: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(batch, flow.config.channels, 8, 8), torch.randn(of_h, flow.config.cond_channels, 8, 8)


@pytest.mark.parametrize(("batch", "of_h"), [(1, 1), (3, 1), (3, 3)])
def test_equals_the_plain_solver(flow, batch, of_h):
    r, h = _noise(flow, batch, of_h)
    expected = flow.latent(r, h.expand(batch, -1, -1, -1))
    sampler = FlowSampler(flow)
    assert_close(sampler.latent(r, sampler.condition(h)), expected, atol=1e-4, rtol=0)


def test_laying_out_the_weights_keeps_the_flow(flow):
    r, h = _noise(flow, 2, 2)
    state = {key: value.clone() for key, value in flow.state_dict().items()}
    FlowSampler(flow)
    for key, value in flow.state_dict().items():
        assert torch.equal(value, state[key])
    back, _ = flow.residual(flow.latent(r, h), h)
    assert_close(back, r, atol=1e-3)


def test_one_conditioning_serves_any_number_of_residuals(flow):
    sampler = FlowSampler(flow)
    r, h = _noise(flow, 5, 1)
    conditioning = sampler.condition(h)
    together = sampler.latent(r, conditioning)
    assert_close(together[3:4], sampler.latent(r[3:4], conditioning), atol=1e-4)
    assert torch.equal(together, sampler.latent(r, conditioning))


def test_meets_the_reference_vectors(converted):
    known = vectors()
    h = converted.conditioner(known["X"][:, 0], known["poke"])
    sampler = FlowSampler(converted.flow)
    assert_close(sampler.latent(known["r"], sampler.condition(h)), known["z"], atol=1e-4, rtol=0)


def test_cancelling_is_asked_between_parts_and_stops_the_work():
    flow = ConditionalFlow(FLOWS["even channels"]).requires_grad_(False)
    sampler = FlowSampler(flow)
    r, h = _noise(flow, 1, 1)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked == 5

    with pytest.raises(Cancelled):
        sampler.latent(r, sampler.condition(h), cancelled)
    assert asked == 5


def test_a_flow_with_weight_norm_is_refused():
    with pytest.raises(ValueError, match="plain weights"):
        FlowSampler(ConditionalFlow(small.flow()))
