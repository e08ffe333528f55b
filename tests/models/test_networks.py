"""Every network through the same properties."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ipoke_models.config import (
    AutoencoderConfig,
    ConditionerConfig,
    CvaeConfig,
    DecoderConfig,
    EncoderConfig,
    FlowConfig,
    ModelConfig,
)
from ipoke_models.errors import ConfigError
from ipoke_models.networks.autoencoder import ConvGRU, VideoAutoencoder, VideoEncoder, flow_motion_input
from ipoke_models.networks.conditioning import Conditioner, Decoder, Encoder, ImageAutoencoder, PokeAutoencoder
from ipoke_models.networks.cvae import ConditionalVae
from ipoke_models.networks.decoder import warp
from ipoke_models.networks.dense_flow import DenseFlow
from ipoke_models.networks.discriminators import ClipDiscriminator, PatchDiscriminator
from ipoke_models.networks.flow import ConditionalFlow
from ipoke_models.networks.layers import folded_state
from ipoke_models.networks.whole import Networks, without_norms

from . import small
from .closeness import assert_close

Case = tuple[Callable[[int, bool], nn.Module], Callable[[nn.Module, int], Tensor]]


def _image(size_px: int, channels: int = 3) -> Tensor:
    return torch.rand(2, channels, size_px, size_px) * 2 - 1


def _code(channels: int = 6) -> Tensor:
    return torch.randn(2, channels, 8, 8)


def _autoencoded(net: nn.Module, size_px: int) -> Tensor:
    assert isinstance(net, VideoAutoencoder)
    channels = net.config.motion_input.channels
    mean, logvar = net.encode(torch.randn(2, 11, channels, size_px, size_px))
    rendered = net.render_many(net.unroll(mean + logvar, 2), _image(size_px))
    fields = [field for field in (rendered.flow, rendered.visibility, rendered.colour) if field is not None]
    return torch.cat([field.flatten(1) for field in (rendered.frame, *fields)], dim=1)


CASES: dict[str, Case] = {
    "video encoder": (
        lambda size, normed: VideoEncoder(small.painting(size)),
        lambda net, size: torch.cat(net(torch.randn(2, 11, 3, size, size))),
    ),
    "recurrent unit": (lambda size, normed: ConvGRU(6, 3), lambda net, size: next(net(_code()))),
    "painting autoencoder": (lambda size, normed: VideoAutoencoder(small.painting(size, normed)), _autoencoded),
    "warping autoencoder": (lambda size, normed: VideoAutoencoder(small.warping(size)), _autoencoded),
    "encoder": (lambda size, normed: Encoder(small.encoder(size, 3, 3, normed)), lambda net, size: net(_image(size))),
    "decoder": (lambda size, normed: Decoder(small.encoder(size, 3, 3, normed)), lambda net, size: net(_code(16))),
    "image autoencoder": (
        lambda size, normed: ImageAutoencoder(small.encoder(size, 3, 3, normed)),
        lambda net, size: net(_image(size)),
    ),
    "poke autoencoder": (
        lambda size, normed: PokeAutoencoder(small.encoder(size, 5, 2, normed)),
        lambda net, size: net(_image(size, 2), _image(size)),
    ),
    "poke autoencoder without image": (
        lambda size, normed: PokeAutoencoder(small.encoder(size, 2, 2, normed)),
        lambda net, size: net(_image(size, 2), _image(size)),
    ),
    "dense flow": (
        lambda size, normed: DenseFlow((8, 16, 16), size),
        lambda net, size: net(_image(size, 2), _image(size)),
    ),
    "patch discriminator": (
        lambda size, normed: PatchDiscriminator(3, (4, 8, 8, 16), normed),
        lambda net, size: net(_image(size)),
    ),
    "clip discriminator": (
        lambda size, normed: ClipDiscriminator((8, 8, 16, 16), 8, normed),
        lambda net, size: net(torch.randn(2, 10, 3, size, size))[0],
    ),
    "twin of the flow": (
        lambda size, normed: ConditionalVae(CvaeConfig(6, 32, hidden=16, blocks=1)),
        lambda net, size: torch.cat(net(_code(), _code(32)), dim=1),
    ),
    "flow": (
        lambda size, normed: ConditionalFlow(small.flow(weight_norm=normed)),
        lambda net, size: torch.cat([net(code := _code(), h := _code(32))[0], net.inverse(code, h)], dim=1),
    ),
}

SHAPES = {
    "video encoder": lambda size: (4, 6, 8, 8),
    "recurrent unit": lambda size: (2, 6, 8, 8),
    "painting autoencoder": lambda size: (2, 2 * 3 * size * size),
    "encoder": lambda size: (2, 16, 8, 8),
    "decoder": lambda size: (2, 3, size, size),
    "image autoencoder": lambda size: (2, 3, size, size),
    "poke autoencoder": lambda size: (2, 2, size, size),
    "poke autoencoder without image": lambda size: (2, 2, size, size),
    "dense flow": lambda size: (2, 2, 32, 32),
    "warping autoencoder": lambda size: (2, 2 * (3 + 2 + 1 + 3) * size * size),
    "patch discriminator": lambda size: (2, 1, size // 8 - 2, size // 8 - 2),
    "clip discriminator": lambda size: (2, 1),
    "twin of the flow": lambda size: (2, 18, 8, 8),
    "flow": lambda size: (2, 12, 8, 8),
}


def _answer(name: str, net: nn.Module, size_px: int = 64) -> Tensor:
    torch.manual_seed(1)
    return CASES[name][1](net, size_px)


@pytest.mark.parametrize("name", CASES)
def test_gradients_reach_every_parameter(name):
    net = small.jitter(CASES[name][0](64, True))
    _answer(name, net).square().sum().backward()
    unreached = [key for key, value in net.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    # A bias before an instance norm, which removes means, has a gradient of rounding errors alone.
    assert not [key for key in unreached if not key.endswith("shortcut.0.bias")]


@pytest.mark.parametrize("name", CASES)
def test_folded_norms_keep_the_function_in_train_and_eval(name):
    net = small.jitter(CASES[name][0](64, True)).eval()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    plain = CASES[name][0](64, False)
    plain.load_state_dict(folded_state(net))
    with torch.no_grad():
        expected = _answer(name, net)
        assert_close(_answer(name, plain.eval()), expected, atol=1e-4, rtol=1e-4)
        assert_close(_answer(name, plain.train()), expected, atol=1e-4, rtol=1e-4)
    for key, value in net.state_dict().items():
        assert_close(value, before[key])


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_saved_and_loaded_it_answers_alike(name, tmp_path):
    net = small.jitter(CASES[name][0](64, True)).eval()
    save_file({key: value.clone() for key, value in net.state_dict().items()}, tmp_path / "net.safetensors")
    other = CASES[name][0](64, True).eval()
    other.load_state_dict(load_file(tmp_path / "net.safetensors"))
    with torch.no_grad():
        assert torch.equal(_answer(name, other), _answer(name, net))


@pytest.mark.slow
@pytest.mark.parametrize("size_px", [64, 128])
@pytest.mark.parametrize("name", CASES)
def test_shapes(name, size_px):
    with torch.no_grad():
        answer = _answer(name, CASES[name][0](size_px, True).eval(), size_px)
    assert answer.shape == SHAPES[name](size_px)
    assert answer.isfinite().all()


def test_decoding_from_scratch_equals_decoding_with_the_stills_part_reused():
    net = VideoAutoencoder(small.warping()).eval()
    z, x0 = torch.randn(3, 6, 8, 8), _image(64)[:1]
    with torch.no_grad():
        one_by_one = torch.cat([net.decode(code[None], x0, 4) for code in z])
        modulation = net.modulate(x0)
        together = torch.stack([net.render(state, x0, modulation).frame for state in net.states(z, 4)], dim=1)
        many = net.render_many(net.unroll(z, 4), x0.expand(3, -1, -1, -1)).frame
    assert_close(together, one_by_one)
    assert_close(many, one_by_one)


def test_h_holds_the_dense_flow_where_it_belongs():
    config = ConditionerConfig(small.encoder(), small.encoder(64, 5, 2), poke_grid=True, dense_widths=(8, 8))
    net, x0, poke_map = Conditioner(config).eval(), _image(64), 5 * _image(64, 2)
    with torch.no_grad():
        h, flow = net(x0, poke_map), net.dense(poke_map, x0)
    assert h.shape == (2, config.channels, 8, 8)
    assert torch.equal(F.pixel_shuffle(h[:, -32:], 4), flow)
    assert torch.equal(F.pixel_shuffle(h[:, -64:-32], 4), F.avg_pool2d(poke_map, 2))


@pytest.mark.parametrize("widths", [(7,), (0, 8), (8,) * 7])
def test_widths_that_no_dense_flow_can_have_are_refused(widths):
    with pytest.raises(ConfigError, match="dense_widths must be positive multiples of 8, 5 at most"):
        small.model().with_dense(widths)


def test_zero_flow_returns_the_image_exactly():
    image = _image(64)
    assert_close(warp(image, torch.zeros(2, 2, 64, 64)), image, atol=1e-6, rtol=0)


def test_flow_points_from_the_frames_pixel_to_the_stills():
    image = _image(64)
    flow = torch.zeros(2, 2, 64, 64)
    flow[:, 0], flow[:, 1] = 3, -2
    assert_close(warp(image, flow)[:, :, 2:, :-3], image[:, :, :-2, 3:], atol=1e-5, rtol=0)


def test_a_fresh_warp_decoder_hardly_moves_the_still():
    net = VideoAutoencoder(small.warping()).eval()
    with torch.no_grad():
        rendered = net.render(torch.randn(1, 6, 8, 8), _image(64)[:1])
    assert rendered.flow is not None
    assert rendered.flow.abs().mean() < 1
    assert rendered.visibility is not None
    assert rendered.visibility.mean() > 0.7


def test_motion_input_starts_still():
    flows = torch.randn(2, 10, 2, 64, 64)
    motion = flow_motion_input(_image(64), flows, scale_px=8.0)
    assert motion.shape == (2, 11, 5, 64, 64)
    assert motion[:, 0, :2].abs().max() == 0
    assert_close(motion[:, 1:, :2], flows / 8)


RELEASED = {
    128: ((64, 128, 256, 256, 256), (256, 256, 256, 128, 64), (32, 64, 64, 64), 64),
    64: ((64, 128, 256, 256), (256, 256, 128, 64), (32, 64, 64), 32),
}
COUNTS = {
    128: {"autoencoder": 30_279_875, "conditioner.image": 825_731, "conditioner.poke": 826_018, "flow": 1_237_326_840},
    64: {"autoencoder": 19_808_771, "conditioner.image": 603_651, "conditioner.poke": 603_938, "flow": 1_054_426_620},
}


@pytest.mark.slow
@pytest.mark.parametrize("size_px", RELEASED)
def test_the_released_sizes_have_the_released_numbers_of_parameters(size_px):
    encoder_widths, decoder_widths, widths, channels = RELEASED[size_px]
    config = ModelConfig(
        autoencoder=AutoencoderConfig(
            size_px, 10, channels, encoder_widths=encoder_widths, decoder=DecoderConfig(widths=decoder_widths)
        ),
        conditioner=ConditionerConfig(EncoderConfig(3, 3, widths), EncoderConfig(5, 2, widths)),
        flow=FlowConfig(channels, 128),
    )
    with torch.device("meta"):
        networks = Networks(without_norms(config))
    counts = {name: sum(p.numel() for p in networks.get_submodule(name).parameters()) for name in COUNTS[size_px]}
    # The released flow also stores a gain for each output of its weight-normed layers.
    normed = [child for name, child in networks.flow.named_modules() if name.endswith((".mix", ".conv3"))]
    counts["flow"] += sum(child.weight.shape[0] for child in normed)
    assert counts == COUNTS[size_px]
