"""Training starts at fresh networks or at those of a finished model."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ipoke_models.checkpoint import load_networks
from ipoke_models.data.batch import motion_input
from ipoke_models.data.procedural import generate
from ipoke_models.data.store import ClipStore
from ipoke_models.errors import ModelError
from ipoke_models.installed import find_model
from ipoke_models.model import load_model
from ipoke_models.networks.decoder import SpadeDecoder
from ipoke_models.networks.flow import ConditionalFlow
from ipoke_models.networks.layers import folded_state, load_folded
from ipoke_models.sampling.pokes import paint_pokes, pokes_to_pixels
from ipoke_models.training import __main__ as training
from ipoke_models.training.conditioner import PokedStills
from ipoke_models.training.presets import PRESETS
from ipoke_models.training.run import stages
from ipoke_models.training.start import start_networks
from tests.models import small

GARDEN = PRESETS["dense-64"].networks


@pytest.fixture(scope="module")
def larger_clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six clips of 128 px."""
    folder = tmp_path_factory.mktemp("clips") / "larger"
    assert generate.main(["-o", str(folder), "--count", "6", "--processes", "1", "--seed", "5", "--size", "128"]) == 0
    return folder


@pytest.fixture
def larger(larger_clips: Path) -> ClipStore:
    return ClipStore(larger_clips)


def halved(field: Tensor) -> Tensor:
    """(..., H, W) -> (..., H / 2, W / 2), averaged."""
    return F.avg_pool2d(field.flatten(0, 1), 2).unflatten(0, field.shape[:2])


def test_fine_tuning_starts_at_the_weights_of_the_model() -> None:
    source = load_networks(find_model("garden-64"))[1].state_dict()
    started = folded_state(start_networks(GARDEN, "garden-64"))
    assert started.keys() == source.keys()
    for name, value in source.items():
        assert torch.allclose(started[name], value, rtol=1e-4, atol=1e-6), name
    assert all(parameter.requires_grad for parameter in start_networks(GARDEN, find_model("garden-64")).parameters())


def test_a_model_of_other_sizes_is_refused_by_the_name_of_the_network() -> None:
    flow = replace(GARDEN.flow, mid_channels=32)
    with pytest.raises(ModelError, match=r"start from garden-64: its flow has other sizes"):
        start_networks(replace(GARDEN, flow=flow), "garden-64")


@torch.no_grad()
def test_a_model_given_dense_flow_starts_as_what_it_was() -> None:
    model = load_networks(find_model("photo-64"))[1]
    config = PRESETS["footage-64"].sized("photo-64").networks.with_dense(GARDEN.conditioner.dense_widths)
    started = start_networks(config, "photo-64").eval()
    x0, poke_map, r = torch.rand(2, 3, 64, 64), torch.zeros(2, 2, 64, 64), torch.randn(2, 16, 8, 8)
    poke_map[:, 0, 30:35, 20:25] = 6
    before, after = (networks.flow.latent(r, networks.conditioner(x0, poke_map)) for networks in (model, started))
    assert torch.allclose(after, before, atol=1e-4)


@torch.no_grad()
def test_a_doubled_model_has_the_codes_and_the_h_of_what_it_doubles(larger: ClipStore) -> None:
    doubled = PRESETS["double"].sized("plants-64").networks
    model, started = load_networks(find_model("plants-64"))[1], start_networks(doubled, "plants-64").eval()
    batch = larger.batch(np.arange(3))
    smaller = replace(batch, frames=halved(batch.frames), motion=halved(batch.motion) / 2)
    before, after = (
        networks.autoencoder.encode(motion_input(clips, networks.config.autoencoder))[0]
        for networks, clips in ((model, smaller), (started, batch))
    )
    assert torch.allclose(after, before, atol=1e-4)
    pokes = np.array([[0.4125, 0.6, 0.1, -0.05], [0.206, 0.3, 0.0, 0.1]])
    maps = [
        paint_pokes(*pokes_to_pixels(pokes, networks.config.size_px), networks.config.size_px, networks.config.poke_size_px)
        for networks in (model, started)
    ]
    before = model.conditioner(smaller.frames[:1, 0], maps[0][None])
    after = started.conditioner(batch.frames[:1, 0], maps[1][None])
    assert torch.allclose(after, before, atol=1e-5)


def test_the_last_level_of_a_doubled_model_is_what_its_preset_trains(larger: ClipStore) -> None:
    preset = PRESETS["double"].sized("garden-64")
    networks = start_networks(preset.networks, "garden-64")
    trained = {
        stage.name: schedule for stage, schedule in stages(preset, networks, (larger, larger), 1, fresh=False, with_twin=False)
    }
    assert [name for name, schedule in trained.items() if schedule.steps] == ["decoder"]
    assert all(parameter.requires_grad for parameter in networks.autoencoder.decoder.blocks[-1].parameters())


def test_a_doubled_model_is_trained_by_one_command_and_can_be_poked(
    larger_clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = PRESETS["double"]
    monkeypatch.setitem(PRESETS, "double", replace(preset, decoder=replace(preset.decoder, steps=2, batch=2)))
    folder = tmp_path / "twice-128"
    clips = [str(larger_clips), "--held-out", str(larger_clips), "--device", "cpu", "--threads", "1"]
    options = ["--work", str(tmp_path / "work"), "--preset", "double", "--from", "photo-64"]
    assert training.main([*clips, "-o", str(folder), *options]) == 0
    model = load_model(folder)
    last = list(model.stream(torch.zeros(3, 128, 128), [[0.5, 0.5, 0.1, 0.0]], n=2))[-1]
    assert last.frames.shape == (2, 3, 128, 128)
    assert model.features(torch.zeros(3, 128, 128)).isfinite().all()


def test_dense_flow_of_a_doubled_model_is_learned_at_the_size_that_its_encoders_read(larger: ClipStore) -> None:
    config = PRESETS["double"].sized("plants-64").networks
    conditioner = start_networks(config, "plants-64").conditioner
    poked = next(PokedStills(larger, conditioner, (config.max_pokes, config.poke_size_px)).in_order())
    assert poked.x0.shape[-1] == poked.maps.shape[-1] == poked.truth.shape[-1] == 64
    lengths = poked.maps.norm(dim=1)
    misses = (poked.maps - poked.truth).norm(dim=1)
    assert float(misses[lengths > 0].median()) < 0.5 * float(lengths[lengths > 0].median())


def test_a_model_that_is_not_installed_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="no model 'nowhere'"):
        start_networks(GARDEN, "nowhere")


@pytest.mark.parametrize("name", ["garden-64", "garden-128", "photo-64", "plants-64"])
def test_a_shipped_model_can_be_trained_further_whatever_its_sizes(name: str, store: Path, larger: ClipStore) -> None:
    preset, clips = PRESETS["footage-64"].sized(name), larger if name == "garden-128" else ClipStore(store)
    networks = start_networks(preset.networks, name)
    for stage, _ in stages(preset, networks, (clips, clips), 1, fresh=False, with_twin=True):
        torch.stack(list(stage.losses(0).values())).sum().backward()
        assert any(weight.grad is not None and bool(weight.grad.any()) for weight in stage.module.parameters()), stage.name


@pytest.mark.parametrize(("name", "has_dense_flow"), [("garden-64", True), ("photo-64", False)])
def test_dense_flow_is_trained_further_where_a_model_has_it(name: str, has_dense_flow: bool, store: Path) -> None:
    preset, clips = PRESETS["near-garden-64"].sized(name), ClipStore(store)
    networks = start_networks(preset.networks, name)
    names = [stage.name for stage, _ in stages(preset, networks, (clips, clips), 1, fresh=False, with_twin=False)]
    assert ("dense" in names) == has_dense_flow


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


def test_a_flow_that_has_learned_nothing_can_be_trained_further() -> None:
    torch.manual_seed(0)
    started = ConditionalFlow(small.flow())
    load_folded(started, folded_state(ConditionalFlow(small.flow())))
    z, h = torch.randn(2, started.config.channels, 8, 8), torch.randn(2, started.config.cond_channels, 8, 8)
    r, logdet = started.residual(z, h)
    (r.square().sum() - logdet.sum()).backward()
    assert r.isfinite().all()
    assert all(bool(weight.grad.isfinite().all()) for weight in started.parameters() if weight.grad is not None)


def settle_spectral_norms(module: nn.Module) -> None:
    """They estimate singular vectors step by step while training, and are settled in a trained network."""
    for _ in range(50):
        for child in module.modules():
            getattr(child, "weight", None)


@torch.no_grad()
def test_a_model_shown_the_thing_starts_as_what_it_was_with_its_flow_turned_round() -> None:
    before = load_networks(find_model("garden-64"))[1]
    after = start_networks(PRESETS["thing-64"].networks, "garden-64").eval()
    x0, poke_map, thing = torch.rand(2, 3, 64, 64), torch.zeros(2, 2, 64, 64), torch.ones(2, 2, 64, 64)
    poke_map[:, 0, 30:35, 20:25] = 6
    assert torch.allclose(after.conditioner(x0, poke_map, thing), before.conditioner(x0, poke_map), atol=1e-4)
    state = torch.randn(2, 16, 8, 8)
    seen = torch.cat((x0, thing[:, :1]), dim=1)
    flow, shift = before.autoencoder.render(state, x0).flow, after.autoencoder.render(state, seen).shift
    assert flow is not None
    assert shift is not None
    enlarged = F.interpolate(shift, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(enlarged, -flow, atol=1e-3)


def test_every_stage_of_a_model_that_sees_the_thing_learns_and_is_judged(store: Path) -> None:
    clips = ClipStore(store, augmented=True)
    networks = small.seeing_things()
    networks = replace(networks, autoencoder=replace(networks.autoencoder, motion_stride=2, encoder_widths=(8, 8, 16, 16)))
    two_steps = replace(PRESETS["smoke-64"], networks=networks, decoder=None)
    torch.manual_seed(0)
    started = start_networks(networks, None)
    seen = []
    for stage, schedule in stages(two_steps, started, (clips, clips), 1, fresh=True, with_twin=True):
        terms = stage.losses(0)
        torch.stack(list(terms.values())).sum().backward()
        assert all(bool(torch.isfinite(term)) for term in terms.values()), stage.name
        with torch.no_grad():
            assert all(np.isfinite(value) for value in stage.validate().values()), stage.name
        assert schedule.steps == 2
        seen.append(stage.name)
    assert seen == ["video", "conditioner", "dense", "base", "kinematics", "twin"]
