"""Training starts at fresh networks or at those of a finished model."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from ipoke_models.checkpoint import load_networks
from ipoke_models.data.store import ClipStore
from ipoke_models.decoder import SpadeDecoder
from ipoke_models.errors import ModelError
from ipoke_models.flow import ConditionalFlow
from ipoke_models.inference import find_model
from ipoke_models.layers import folded_state, load_folded
from ipoke_models.training.presets import PRESETS
from ipoke_models.training.run import stages
from ipoke_models.training.start import start_networks
from tests.models import small

GARDEN = PRESETS["garden-64"].networks


def test_fine_tuning_starts_at_the_weights_of_the_model() -> None:
    source = load_networks(find_model("garden-64"))[1].state_dict()
    started = folded_state(start_networks(GARDEN, "garden-64"))
    assert started.keys() == source.keys()
    for name, value in source.items():
        assert torch.allclose(started[name], value, rtol=1e-4, atol=1e-6), name
    assert all(parameter.requires_grad for parameter in start_networks(GARDEN, find_model("garden-64")).parameters())


def test_a_model_of_other_sizes_is_refused_by_the_name_of_the_network() -> None:
    flow = dataclasses.replace(GARDEN.flow, mid_channels=32)
    with pytest.raises(ModelError, match=r"start from garden-64: its flow has other sizes"):
        start_networks(dataclasses.replace(GARDEN, flow=flow), "garden-64")


@torch.no_grad()
def test_a_model_given_dense_flow_starts_as_what_it_was() -> None:
    model = load_networks(find_model("garden-64"))[1]
    started = start_networks(PRESETS["dense-64"].networks, "garden-64").eval()
    x0, poke_map, r = torch.rand(2, 3, 64, 64), torch.zeros(2, 2, 64, 64), torch.randn(2, 16, 8, 8)
    poke_map[:, 0, 30:35, 20:25] = 6
    before, after = (networks.flow.latent(r, networks.conditioner(x0, poke_map)) for networks in (model, started))
    assert torch.allclose(after, before, atol=1e-4)


def test_a_model_that_is_not_installed_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="no model 'nowhere'"):
        start_networks(GARDEN, "nowhere")


@pytest.mark.parametrize("name", ["garden-64", "photo-64", "plants-64"])
def test_a_shipped_model_can_be_trained_further_whatever_its_sizes(name: str, store: Path) -> None:
    preset, clips = PRESETS["footage-64"].sized(name), ClipStore(store)
    networks = start_networks(preset.networks, name)
    for stage, _ in stages(preset, networks, (clips, clips), 1, fresh=False, with_twin=True):
        torch.stack(list(stage.losses(0).values())).sum().backward()
        assert any(weight.grad is not None and bool(weight.grad.any()) for weight in stage.module.parameters()), stage.name


def test_a_preset_that_trains_a_model_further_asks_for_one() -> None:
    with pytest.raises(ModelError, match="name one with --from"):
        PRESETS["footage-64"].sized(None)
    assert PRESETS["garden-64"].sized(None) is PRESETS["garden-64"]


def test_garden_64_trained_further_has_the_networks_that_it_was_trained_with() -> None:
    assert PRESETS["adapt-64"].sized("garden-64").networks == GARDEN


@torch.no_grad()
@pytest.mark.parametrize("build", [lambda: SpadeDecoder(small.painting()), lambda: ConditionalFlow(small.flow())])
def test_normed_networks_yield_the_weights_that_were_folded(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    source, loaded = small.jitter(build()), build()
    settle_spectral_norms(source)
    load_folded(loaded, folded_state(source))
    settle_spectral_norms(loaded)
    for name, value in folded_state(source).items():
        assert torch.allclose(folded_state(loaded)[name], value, atol=1e-2), name


def settle_spectral_norms(module: nn.Module) -> None:
    """They estimate singular vectors step by step while training, and are settled in a trained network."""
    for _ in range(50):
        for child in module.modules():
            getattr(child, "weight", None)
