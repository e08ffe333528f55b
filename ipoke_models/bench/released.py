"""The sizes of the published models with random weights, since no trained ones can be had."""

from __future__ import annotations

import torch
from torch import nn

from ..config import AutoencoderConfig, ConditionerConfig, DecoderConfig, EncoderConfig, FlowConfig, ModelConfig
from ..networks.whole import Networks, without_norms

RELEASED = ("released-64", "released-128")
_WEIGHT_GAIN = 0.03


def released_config(size_px: int) -> ModelConfig:
    """The sizes of the published models: 64 px with 32 latent channels, 128 px with 64."""
    large = size_px == 128
    widths = (32, 64, 64, 64) if large else (32, 64, 64)
    channels = 64 if large else 32
    return ModelConfig(
        autoencoder=AutoencoderConfig(
            size_px=size_px,
            frames=10,
            latent_channels=channels,
            encoder_widths=(64, 128, 256, 256, 256) if large else (64, 128, 256, 256),
            decoder=DecoderConfig(widths=(256, 256, 256, 128, 64) if large else (256, 256, 128, 64)),
        ),
        conditioner=ConditionerConfig(EncoderConfig(3, 3, widths), EncoderConfig(5, 2, widths)),
        flow=FlowConfig(channels=channels, cond_channels=128),
    )


def random_networks(config: ModelConfig, device: str = "cpu") -> Networks:
    """Networks with random weights, small enough in the flow for its inverse to stay finite."""
    with torch.device("meta"):
        networks = Networks(without_norms(config))
    networks = networks.to_empty(device=device).eval().requires_grad_(False)
    for name, tensor in networks.state_dict().items():
        if tensor.dtype == torch.int64:
            tensor.copy_(torch.randperm(tensor.numel()))
        elif name.endswith("weight") and tensor.ndim > 1:
            gain = _WEIGHT_GAIN if name.endswith(("mix.weight", "conv3.weight")) else 1.0
            nn.init.normal_(tensor, std=gain / tensor[0].numel() ** 0.5)
        else:
            nn.init.constant_(tensor, 1.0 if "norm" in name and name.endswith("weight") else 0.0)
    return networks
