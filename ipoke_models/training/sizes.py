"""Sizes of the networks that presets train; those of the release are in `bench/released.py`."""

from __future__ import annotations

from dataclasses import replace

from ..config import (
    AutoencoderConfig,
    ConditionerConfig,
    DecoderConfig,
    DecoderHead,
    EncoderConfig,
    FlowConfig,
    ModelConfig,
    MotionInput,
)


def small_64() -> ModelConfig:
    """The shipped sizes: flow-fed encoder, warp decoder, a base in front of the flow."""

    def encoder(in_channels: int, out_channels: int) -> EncoderConfig:
        return EncoderConfig(in_channels, out_channels, widths=(32, 64, 64), groups=8, spectral_norm=False)

    return ModelConfig(
        autoencoder=AutoencoderConfig(
            size_px=64,
            frames=10,
            latent_channels=16,
            motion_input=MotionInput.FLOW,
            flow_scale_px=1.0,
            motion_stride=2,
            encoder_widths=(16, 32, 48, 64),
            gru_layers=2,
            decoder=DecoderConfig(
                head=DecoderHead.WARP, widths=(64, 48, 32), spade_hidden=32, flow_stride=2, flow_scale_px=4.0, normalised=False
            ),
            groups=4,
            spectral_norm=False,
            standardised=True,
        ),
        conditioner=ConditionerConfig(image=encoder(3, 3), poke=encoder(5, 2), poke_grid=True),
        flow=FlowConfig(channels=16, cond_channels=160, num_steps=(2, 1, 1, 1), factor=8, mid_channels=96, base_hidden=128),
        variation=0.3,
    )


def photo_64() -> ModelConfig:
    """The same autoencoder, larger encoders of still and pokes, which the base trains, and a base whose units don't saturate."""
    small = small_64()
    return _with_larger_base(small, small.autoencoder, (48, 96, 112))


def photo_128() -> ModelConfig:
    """`photo_64` for 128 px: everything is halved once more, flow is twice as long."""
    small = small_64()
    decoder = replace(small.autoencoder.decoder, widths=(64, 64, 48, 32), flow_scale_px=8.0)
    autoencoder = replace(small.autoencoder, size_px=128, flow_scale_px=2.0, encoder_widths=(16, 32, 48, 48, 64), decoder=decoder)
    return _with_larger_base(small, autoencoder, (32, 48, 96, 112))


def _with_larger_base(config: ModelConfig, autoencoder: AutoencoderConfig, widths: tuple[int, ...]) -> ModelConfig:
    image, poke = (EncoderConfig(channels, 0, widths, groups=8, spectral_norm=False) for channels in (3, 5))
    conditioner = ConditionerConfig(image, poke, poke_grid=True)
    flow = replace(config.flow, cond_channels=conditioner.channels, base_hidden=192, base_normalised=True)
    return replace(config, autoencoder=autoencoder, conditioner=conditioner, flow=flow, variation=0.2)


def dense_64() -> ModelConfig:
    """The shipped sizes, and a U-Net whose dense flow h holds as well."""
    return replace(small_64().with_dense((48, 64, 96, 96)), variation=0.2)


def thing_64() -> ModelConfig:
    """The same, shown the thing: it says where each of its places goes."""
    return dense_64().seeing_things()


def rgb_64() -> ModelConfig:
    """The same with the paper's decoder, which paints at full resolution and normalises, instead of the warp head."""
    small = small_64()
    painter = DecoderConfig(head=DecoderHead.RGB, widths=(64, 48, 32, 16), spade_hidden=32)
    return replace(small, autoencoder=replace(small.autoencoder, decoder=painter))


def frames_64() -> ModelConfig:
    """The same with the paper's motion encoder, which reads frames, instead of one that reads flow."""
    small = small_64()
    return replace(small, autoencoder=replace(small.autoencoder, motion_input=MotionInput.FRAMES, motion_stride=1))
