"""Configurations small enough to test quickly, of each kind that exists, and one thread to test them with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn

from ipoke_models.config import (
    AutoencoderConfig,
    ConditionerConfig,
    DecoderConfig,
    DecoderHead,
    EncoderConfig,
    FlowConfig,
    ModelConfig,
    MotionInput,
)


def encoder(size_px: int = 64, in_channels: int = 3, out_channels: int = 3, spectral_norm: bool = True) -> EncoderConfig:
    return EncoderConfig(
        in_channels=in_channels,
        out_channels=out_channels,
        widths=(8, 16, 16, 16)[: (size_px // 8).bit_length() - 1],
        groups=8,
        spectral_norm=spectral_norm,
    )


def warping(size_px: int = 64) -> AutoencoderConfig:
    """Flow-fed encoder, warp decoder at half the resolution."""
    count = (size_px // 8).bit_length()
    return AutoencoderConfig(
        size_px=size_px,
        frames=10,
        latent_channels=6,
        motion_input=MotionInput.FLOW,
        flow_scale_px=8.0,
        encoder_widths=(8, 8, 16, 16, 16)[:count],
        gru_layers=2,
        decoder=DecoderConfig(
            head=DecoderHead.WARP, widths=(16, 12, 12, 8)[: count - 1], spade_hidden=8, flow_stride=2, flow_scale_px=4.0
        ),
        groups=8,
        spectral_norm=False,
    )


def painting(size_px: int = 64, spectral_norm: bool = True) -> AutoencoderConfig:
    """Frames in, frames out: the paper's kind."""
    count = (size_px // 8).bit_length()
    return AutoencoderConfig(
        size_px=size_px,
        frames=10,
        latent_channels=6,
        encoder_widths=(8, 8, 16, 16, 16)[:count],
        gru_layers=1,
        decoder=DecoderConfig(widths=(16, 12, 12, 8, 8)[:count], spade_hidden=8),
        groups=8,
        spectral_norm=spectral_norm,
    )


def flow(
    channels: int = 6,
    cond_channels: int = 32,
    weight_norm: bool = True,
    base_hidden: int = 0,
    base_normalised: bool = False,
) -> FlowConfig:
    return FlowConfig(
        channels=channels,
        cond_channels=cond_channels,
        num_steps=(1, 1),
        factor=channels // 2,
        mid_channels=8,
        weight_norm=weight_norm,
        base_hidden=base_hidden,
        base_normalised=base_normalised,
    )


def model(size_px: int = 64) -> ModelConfig:
    return ModelConfig(
        autoencoder=warping(size_px),
        conditioner=ConditionerConfig(image=encoder(size_px), poke=encoder(size_px, 5, 2)),
        flow=flow(),
    )


def with_base(size_px: int = 64) -> ModelConfig:
    """The same, with a base that its variants are drawn half way towards."""
    return replace(model(size_px), flow=flow(base_hidden=8), variation=0.5)


def with_dense_flow(size_px: int = 64) -> ModelConfig:
    """The same, with dense flow in h."""
    return with_base(size_px).with_dense((8, 8))


def seeing_things(size_px: int = 64) -> ModelConfig:
    """The same, shown the thing, and with the motion head."""
    return with_dense_flow(size_px).seeing_things()


def jitter(module: nn.Module, deviation: float = 0.05) -> nn.Module:
    """Moves every parameter off its start, so that zero-initialised layers say something."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(deviation * torch.randn_like(parameter))
    return module


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """For modules that import it. Small networks run slower on several threads, and on a busy machine eight times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
