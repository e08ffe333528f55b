"""What is trained and for how long, one preset a model."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import (
    AutoencoderConfig,
    ConditionerConfig,
    CvaeConfig,
    DecoderConfig,
    DecoderHead,
    EncoderConfig,
    FlowConfig,
    ModelConfig,
    MotionInput,
)
from .base import BaseLoss
from .schedule import Schedule
from .video import VideoLoss


@dataclass(frozen=True)
class Preset:
    """Sizes of the networks and the schedule of each stage."""

    networks: ModelConfig
    video: Schedule
    video_loss: VideoLoss
    conditioner: Schedule
    base: Schedule
    """Runs where `networks.flow.base_hidden` asks for a base."""
    base_loss: BaseLoss
    kinematics: Schedule
    twin: Schedule
    twin_hidden: int
    """Hidden channels of the flow's twin, for about as many parameters as the flow has."""

    @property
    def twin_networks(self) -> CvaeConfig:
        """Sizes of the flow's twin."""
        flow = self.networks.flow
        return CvaeConfig(flow.channels, flow.cond_channels, self.twin_hidden)


def _small_64() -> ModelConfig:
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
        variation=0.5,
    )


def _refinement(video_steps: int, video_rate: float, base_steps: int, kinematics_steps: int) -> Preset:
    """Goes on from a finished model (`--from`): its encoders of still and pokes are trained with the base alone."""
    return Preset(
        networks=_small_64(),
        video=Schedule(steps=video_steps, batch=12, learning_rate=video_rate),
        video_loss=VideoLoss(),
        conditioner=Schedule(steps=0, batch=16, learning_rate=2e-3),
        base=Schedule(steps=base_steps, batch=24, learning_rate=7e-4, validate_every=200, save_every=100),
        base_loss=BaseLoss(),
        kinematics=Schedule(steps=kinematics_steps, batch=24, learning_rate=1e-3, validate_every=200, save_every=100),
        twin=Schedule(steps=2000, batch=24, learning_rate=1e-3, validate_every=200, save_every=100),
        twin_hidden=128,
    )


PRESETS = {
    "garden-64": Preset(
        networks=_small_64(),
        video=Schedule(steps=2400, batch=12, learning_rate=2e-3),
        video_loss=VideoLoss(),
        conditioner=Schedule(steps=250, batch=16, learning_rate=2e-3, validate_every=125, save_every=125),
        base=Schedule(steps=1600, batch=24, learning_rate=1e-3, validate_every=200, save_every=100),
        base_loss=BaseLoss(),
        kinematics=Schedule(steps=2000, batch=24, learning_rate=2e-3, validate_every=200, save_every=100),
        twin=Schedule(steps=2000, batch=24, learning_rate=1e-3, validate_every=200, save_every=100),
        twin_hidden=128,
    ),
    "refine-64": _refinement(video_steps=4000, video_rate=1.5e-3, base_steps=1200, kinematics_steps=1200),
    "widen-64": _refinement(video_steps=1000, video_rate=1e-3, base_steps=1600, kinematics_steps=800),
    "footage-64": Preset(
        networks=_small_64(),
        video=Schedule(steps=300, batch=8, learning_rate=5e-4, warmup=20, average=0.98, validate_every=100, save_every=25),
        video_loss=VideoLoss(),
        conditioner=Schedule(steps=40, batch=12, learning_rate=3e-4, warmup=10, average=0.9, validate_every=20, save_every=20),
        base=Schedule(steps=60, batch=16, learning_rate=3e-4, warmup=10, average=0.95, validate_every=30, save_every=15),
        base_loss=BaseLoss(),
        kinematics=Schedule(steps=60, batch=16, learning_rate=3e-4, warmup=10, average=0.95, validate_every=30, save_every=15),
        twin=Schedule(steps=60, batch=16, learning_rate=1e-3, warmup=10, validate_every=30, save_every=15),
        twin_hidden=128,
    ),
    "smoke-64": Preset(
        networks=_small_64(),
        video=Schedule(steps=2, batch=2, learning_rate=1e-3),
        video_loss=VideoLoss(),
        conditioner=Schedule(steps=2, batch=2, learning_rate=1e-3),
        base=Schedule(steps=2, batch=2, learning_rate=1e-3),
        base_loss=BaseLoss(),
        kinematics=Schedule(steps=2, batch=2, learning_rate=1e-3),
        twin=Schedule(steps=2, batch=2, learning_rate=1e-3),
        twin_hidden=16,
    ),
}
"""`footage-64` goes on from a model of these sizes (`--from garden-64`) with little footage and few processor minutes.

`smoke-64` runs every stage for two steps: it proves that training works, its model does not.
"""
