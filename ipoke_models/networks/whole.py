"""The networks of one model under one roof, as checkpoints hold them."""

from __future__ import annotations

import dataclasses

from torch import nn

from ..config import ModelConfig
from .autoencoder import VideoAutoencoder
from .conditioning import Conditioner
from .flow import ConditionalFlow


class Networks(nn.Module):
    """Video autoencoder, conditioner and flow of a model."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.autoencoder = VideoAutoencoder(config.autoencoder)
        self.conditioner = Conditioner(config.conditioner)
        self.flow = ConditionalFlow(config.flow)


def without_norms(config: ModelConfig) -> ModelConfig:
    """The configuration of the same model with spectral and weight norms folded into plain weights."""
    conditioner = dataclasses.replace(
        config.conditioner,
        image=dataclasses.replace(config.conditioner.image, spectral_norm=False),
        poke=dataclasses.replace(config.conditioner.poke, spectral_norm=False),
    )
    return dataclasses.replace(
        config,
        autoencoder=dataclasses.replace(config.autoencoder, spectral_norm=False),
        conditioner=conditioner,
        flow=dataclasses.replace(config.flow, weight_norm=False),
    )
