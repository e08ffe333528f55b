"""Every stage of small networks for a few steps; run by torchrun it is the same training, shared by several processes."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import torch

from ipoke_models.data.store import ClipStore
from ipoke_models.networks.autoencoder import VideoAutoencoder
from ipoke_models.training.adversarial import AdversarialVideoStage
from ipoke_models.training.base import BaseLoss
from ipoke_models.training.launch import launch
from ipoke_models.training.loop import train_stage
from ipoke_models.training.perceptual import PerceptualDistance
from ipoke_models.training.presets import PRESETS, Preset
from ipoke_models.training.run import train
from ipoke_models.training.schedule import Schedule
from ipoke_models.training.video import VideoLoss
from tests.models import small

SCHEDULE = Schedule(steps=3, batch=4, learning_rate=1e-3, warmup=1)
FIRST = dataclasses.replace(SCHEDULE, learning_rate=1e-4)
"""Along gradients that are only rounding Adam takes whole steps, and standardised codes show these enlarged: so small ones."""


def preset() -> Preset:
    model = small.with_dense_flow()
    networks = dataclasses.replace(model, autoencoder=dataclasses.replace(model.autoencoder, standardised=True))
    return Preset(
        networks=networks,
        video=FIRST,
        video_loss=VideoLoss(),
        conditioner=SCHEDULE,
        dense=SCHEDULE,
        base=SCHEDULE,
        base_loss=BaseLoss(),
        kinematics=SCHEDULE,
        twin=SCHEDULE,
        twin_hidden=16,
    )


def adversarial_stage(clips: ClipStore) -> AdversarialVideoStage:
    """Stage 1 of the paper scaled down: every term and weight of it, small networks."""
    torch.manual_seed(0)
    paper = PRESETS["paper-64"]
    assert paper.critics is not None
    critics = dataclasses.replace(paper.critics, frame_widths=(8, 8, 8, 8), clip_widths=(8, 8, 16), groups=8)
    autoencoder, perceptual = VideoAutoencoder(small.painting()), PerceptualDistance((4, 4, 8, 8, 8))
    return AdversarialVideoStage(autoencoder, (clips, clips), paper.video_loss, critics, SCHEDULE.batch, 1, perceptual)


def run(store: Path, work: Path) -> None:
    clips, fabric = ClipStore(store), launch("cpu", bf16=False)
    train(preset(), (clips, clips), work, fabric, 1, with_twin=True)
    paper = dataclasses.replace(PRESETS["paper-64"].video, steps=3, batch=SCHEDULE.batch)
    train_stage(adversarial_stage(clips), paper, work / "adversarial", fabric)


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(Path(sys.argv[1]), Path(sys.argv[2]))
