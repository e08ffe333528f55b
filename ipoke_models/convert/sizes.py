"""The sizes of a released model: read off the tensors' shapes, then held against the YAML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..config import (
    LATENT_PX,
    AutoencoderConfig,
    ConditionerConfig,
    DecoderConfig,
    EncoderConfig,
    FlowConfig,
    ModelConfig,
)
from ..errors import CheckpointError
from ..strangers import brief
from .layout import Settings, Source
from .tensors import Tensors

_FIXED: dict[tuple[str, ...], tuple[Any, ...]] = {
    ("first_stage", "architecture", "CN_content"): ("spade",),
    ("first_stage", "architecture", "norm"): ("group",),
    ("first_stage", "architecture", "spectral_norm"): (True,),
    ("first_stage", "architecture", "motion_bias"): (True,),
    ("first_stage", "architecture", "min_spatial_size"): (LATENT_PX,),
    ("first_stage", "training", "full_sequence"): (True,),
    ("img_encoder", "architecture", "deterministic"): (True,),
    ("img_encoder", "architecture", "min_spatial_size"): (LATENT_PX,),
    ("poke_encoder", "architecture", "deterministic"): (True,),
    ("poke_encoder", "architecture", "min_spatial_size"): (LATENT_PX,),
    ("second_stage", "architecture", "activation"): ("elu",),
    ("second_stage", "architecture", "augmented_input"): (False,),
    ("second_stage", "architecture", "cond_conv"): (False,),
    ("second_stage", "architecture", "condition_nice"): (False,),
    ("second_stage", "architecture", "coupling_type"): ("conv",),
    ("second_stage", "architecture", "kernel_size"): ([2, 3], (2, 3)),
    ("second_stage", "architecture", "prior_transform"): ("affine",),
    ("second_stage", "architecture", "transform"): ("affine",),
}
"""Options that every released model sets alike; other values were never released and are refused."""


def model_config(tensors: Tensors, source: Source) -> ModelConfig:
    """The configuration of a released model.

    Raises:
        CheckpointError: shapes and YAML contradict each other, or an option was never released.
    """
    _require_released(source)
    size_px = _size_px(tensors, source)
    second = source.configs["second_stage"]
    frames = second.whole("data", "max_frames")
    image, poke = _encoder(tensors, "conditioner"), _encoder(tensors, "poke_embedder")
    config = ModelConfig(
        autoencoder=_autoencoder(tensors, size_px, frames),
        conditioner=ConditionerConfig(image, poke),
        flow=_flow(tensors, image.channels + poke.channels),
        max_pokes=second.whole("data", "n_pokes"),
        poke_size_px=2 * (second.whole("data", "poke_size") // 2) + 1,
    )
    _cross_check(config, source)
    return config


def _require_released(source: Source) -> None:
    for (stage, *keys), allowed in _FIXED.items():
        settings = source.configs[stage]
        value = settings.get(*keys)
        if value is not None and value not in allowed:
            raise CheckpointError(f"{settings.path}: {'.'.join(keys)} is {brief(value)}, but only {allowed[0]!r} was released.")


def _size_px(tensors: Tensors, source: Source) -> int:
    size_px = LATENT_PX << _count(tensors, r"first_stage_model\.gen\.blocks\.(\d+)\.")
    for stage in ("first_stage", "img_encoder", "poke_encoder", "second_stage"):
        settings = source.configs[stage]
        said = settings.require("data", "spatial_size")
        _same(settings, ("data", "spatial_size"), list(said) if isinstance(said, (list, tuple)) else said, [size_px, size_px])
    return size_px


def _autoencoder(tensors: Tensors, size_px: int, frames: int) -> AutoencoderConfig:
    encoder, decoder = "first_stage_model.enc_motion", "first_stage_model.gen"
    layers = _count(tensors, r"first_stage_model\.enc_motion\.layer(\d+)\.", first=1)
    ups = _count(tensors, r"first_stage_model\.gen\.blocks\.(\d+)\.")
    widths = [tensors.size(f"{encoder}.conv1.weight", 0)]
    widths += [tensors.size(f"{encoder}.layer{layer + 1}.0.conv1.weight", 0) for layer in range(layers)]
    decoder_widths = [tensors.size(f"{decoder}.in_block.conv1.conv.weight_orig", 0)]
    decoder_widths += [tensors.size(f"{decoder}.blocks.{up}.conv2.conv.weight_orig", 0) for up in range(ups)]
    return AutoencoderConfig(
        size_px=size_px,
        frames=frames,
        latent_channels=tensors.size("first_stage_model.motion_bias", 1),
        encoder_widths=tuple(widths),
        gru_layers=_count(tensors, r"first_stage_model\.rnn\.cells\.(\d+)\."),
        decoder=DecoderConfig(
            widths=tuple(decoder_widths), spade_hidden=tensors.size(f"{decoder}.spade_blocks.0.conv.weight", 0)
        ),
        spectral_norm=False,
    )


def _encoder(tensors: Tensors, name: str) -> EncoderConfig:
    blocks = _count(tensors, rf"{name}\.encoder\.model\.(\d+)\.")
    stem = f"{name}.encoder.model.0.conv.weight_orig"
    rest = [tensors.size(f"{name}.encoder.model.{index}.conv1.conv.weight_orig", 0) for index in range(1, blocks)]
    return EncoderConfig(
        in_channels=tensors.size(stem, 1),
        out_channels=tensors.size(f"{name}.decoder.out_conv.conv.weight", 0),
        widths=(tensors.size(stem, 0), *rest),
        spectral_norm=False,
    )


def _flow(tensors: Tensors, cond_channels: int) -> FlowConfig:
    levels = _count(tensors, r"flow\.flow\.layers\.(\d+)\.")
    channels = tensors.size("flow.flow.shuffle_layers.0.forward_shuffle_idx", 0)
    split = tensors.size("flow.flow.priors.0.actnorm.log_scale", 0)
    return FlowConfig(
        channels=channels,
        cond_channels=cond_channels,
        num_steps=tuple(_count(tensors, rf"flow\.flow\.layers\.{level}\.(\d+)\.") for level in range(levels)),
        factor=channels // split,
        mid_channels=tensors.size("flow.flow.priors.0.coupling.net.conv1.weight", 0),
        weight_norm=False,
    )


def _cross_check(config: ModelConfig, source: Source) -> None:
    first, poke, second = (source.configs[stage] for stage in ("first_stage", "poke_encoder", "second_stage"))
    autoencoder, flow = config.autoencoder, config.flow
    _check(first, ("architecture", "z_dim"), autoencoder.latent_channels)
    _check(first, ("architecture", "n_gru_layers"), autoencoder.gru_layers)
    _check(first, ("data", "max_frames"), config.frames)
    _check_list(first, ("architecture", "ENC_M_channels"), autoencoder.encoder_widths)
    _check_list(first, ("architecture", "dec_channels"), autoencoder.decoder.widths)
    _check(second, ("architecture", "num_steps"), list(flow.num_steps))
    with_image = bool(poke.get("architecture", "poke_and_image"))
    _same(poke, ("architecture", "poke_and_image"), 5 if with_image else 2, config.conditioner.poke.in_channels)
    if second.get("architecture", "factor") is not None:
        said = flow.channels // max(1, second.whole("architecture", "factor"))
        _same(second, ("architecture", "factor"), said, flow.split_channels)
    if second.get("architecture", "flow_mid_channels_factor") is not None:
        said = second.whole("architecture", "flow_mid_channels_factor") * flow.channels
        _same(second, ("architecture", "flow_mid_channels_factor"), said, flow.mid_channels)


def _check(settings: Settings, keys: tuple[str, ...], found: object) -> None:
    value = settings.get(*keys)
    if value is not None:
        _same(settings, keys, list(value) if isinstance(value, (list, tuple)) else value, found)


def _check_list(settings: Settings, keys: tuple[str, ...], found: Sequence[int]) -> None:
    """The YAML may list widths for more resolutions than the model has."""
    value = settings.get(*keys)
    if value is None:
        return
    said = list(value) if isinstance(value, (list, tuple)) else [value]
    if list(found) not in (said[: len(found)], said[-len(found) :]):
        _same(settings, keys, said, list(found))


def _same(settings: Settings, keys: tuple[str, ...], said: object, found: object) -> None:
    if said != found:
        raise CheckpointError(f"{settings.path}: {'.'.join(keys)} means {brief(said)}, but the checkpoint's tensors say {found}.")


def _count(tensors: Tensors, pattern: str, first: int = 0) -> int:
    """How many consecutive numbers, from `first`, occur where `pattern` has its group."""
    matches = (re.match(pattern, key) for key in tensors.left)
    numbers = {int(match[1]) for match in matches if match}
    if numbers != set(range(first, first + len(numbers))) or not numbers:
        raise CheckpointError(f"the checkpoint holds no whole set of {_readable(pattern)}, numbered from {first}; it is damaged.")
    return len(numbers)


def _readable(pattern: str) -> str:
    return pattern.replace(r"(\d+)", "N").replace("\\", "").rstrip(".")
