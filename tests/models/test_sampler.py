"""The fast sampler gives what the plain row-by-row solver gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from ipoke_models.config import FlowConfig
from ipoke_models.errors import Cancelled
from ipoke_models.networks.flow import ConditionalFlow, FlowSampler, RecordedSampler
from ipoke_models.networks.flow.sampler import _elu_

from . import small
from .closeness import assert_close
from .reference import vectors

FLOWS = {
    "even channels": small.flow(6, 5, weight_norm=False),
    "odd channels": small.flow(7, 5, weight_norm=False),
    "one channel left": FlowConfig(4, 3, (1, 1, 1), factor=4, mid_channels=5, weight_norm=False),
    "with a base": small.flow(6, 5, weight_norm=False, base_hidden=8),
    "with a normalised base": small.flow(6, 5, weight_norm=False, base_hidden=16, base_normalised=True),
    "wide splits": FlowConfig(9, 3, (1, 2), factor=2, mid_channels=5, weight_norm=False),
}


@pytest.fixture(params=FLOWS)
def flow(request: pytest.FixtureRequest) -> ConditionalFlow:
    return small.jitter(ConditionalFlow(FLOWS[request.param]), 0.02).requires_grad_(False)


def _noise(flow: ConditionalFlow, batch: int, of_h: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(batch, flow.config.channels, 8, 8), torch.randn(of_h, flow.config.cond_channels, 8, 8)


@pytest.mark.slow
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


def test_another_batch_or_type_in_between_changes_nothing(flow):
    sampler = FlowSampler(flow)
    r, h = _noise(flow, 5, 1)
    conditioning = sampler.condition(h)
    alone = sampler.latent(r, conditioning)
    kept = alone.clone()
    sampler.latent(torch.randn(2, *r.shape[1:]), sampler.condition(torch.randn_like(h)))
    assert torch.equal(alone, kept)
    assert torch.equal(sampler.latent(r, conditioning), kept)


def _run_again(work: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, Callable[[], None]]:
    """Stands in for CUDA's recorder: fixed memory for the result, filled anew from the fixed inputs."""
    result = work()
    return result, lambda: result.copy_(work())


@pytest.mark.slow
@pytest.mark.parametrize("of_h", [1, 3])
def test_a_record_serves_other_residuals_and_other_stills(flow, of_h):
    sampler = FlowSampler(flow)
    recorded = RecordedSampler(sampler, _run_again)
    answers = []
    for _ in range(3):
        r, h = _noise(flow, 3, of_h)
        conditioning = sampler.condition(h)
        before = [tensor.clone() for tensor in conditioning.tensors]
        answers.append((recorded.latent(r, conditioning), sampler.latent(r, conditioning)))
        assert all(torch.equal(*pair) for pair in zip(conditioning.tensors, before, strict=True))
    for found, expected in answers:
        assert torch.equal(found, expected)


def test_there_is_a_record_for_each_shape(flow):
    sampler, made = FlowSampler(flow), []

    def counting(work: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, Callable[[], None]]:
        made.append(1)
        return _run_again(work)

    recorded = RecordedSampler(sampler, counting)
    for batch, of_h in ((1, 1), (3, 1), (3, 3), (1, 1), (3, 1)):
        r, h = _noise(flow, batch, of_h)
        conditioning = sampler.condition(h)
        assert torch.equal(recorded.latent(r, conditioning), sampler.latent(r, conditioning))
    assert len(made) == 3


@pytest.mark.parametrize("count", [10, 1 << 16])
def test_elu_is_that_of_torch_for_small_and_large_tensors(count):
    x = torch.cat((torch.randn(count - 6), torch.tensor([0.0, -0.0, -1e-9, 88.8, 1e9, -1e9])))
    assert_close(_elu_(x.clone(), torch.empty_like(x)), torch.nn.functional.elu(x), atol=2e-7, rtol=0)


@pytest.mark.slow
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
