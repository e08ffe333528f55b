"""Every stage of small networks for a few steps; run by torchrun it is the same training, shared by several processes."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import torch

from ipoke_models.data.store import ClipStore
from ipoke_models.networks import Networks
from ipoke_models.training.base import BaseLoss
from ipoke_models.training.launch import launch
from ipoke_models.training.presets import Preset
from ipoke_models.training.run import train
from ipoke_models.training.schedule import Schedule
from ipoke_models.training.video import VideoLoss
from tests.models import small

SCHEDULE = Schedule(steps=3, batch=4, learning_rate=1e-3, warmup=1)


def preset() -> Preset:
    model = small.model()
    networks = dataclasses.replace(
        model,
        autoencoder=dataclasses.replace(model.autoencoder, standardised=True),
        flow=dataclasses.replace(model.flow, base_hidden=8),
    )
    return Preset(
        networks=networks,
        video=SCHEDULE,
        video_loss=VideoLoss(),
        conditioner=SCHEDULE,
        base=SCHEDULE,
        base_loss=BaseLoss(),
        kinematics=SCHEDULE,
        twin=SCHEDULE,
        twin_hidden=16,
    )


def run(store: Path, work: Path) -> Networks:
    clips = ClipStore(store)
    return train(preset(), (clips, clips), work, launch("cpu", bf16=False), 1, with_twin=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(Path(sys.argv[1]), Path(sys.argv[2]))
