"""Stage 1 with the codes kept, and the loss without a term of visibility."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from ipoke_models.data.store import ClipStore
from ipoke_models.networks.autoencoder import VideoAutoencoder
from ipoke_models.training.launch import launch
from ipoke_models.training.loop import train_stage
from ipoke_models.training.presets import PRESETS
from ipoke_models.training.video import VideoLoss, VideoStage

_PRESET = PRESETS["smoke-64"]


def test_codes_that_are_kept_mean_what_they_did_and_look_otherwise(store: Path, tmp_path: Path) -> None:
    clips = ClipStore(store)
    torch.manual_seed(0)
    autoencoder = VideoAutoencoder(_PRESET.networks.autoencoder)
    before = {name: value.clone() for name, value in autoencoder.state_dict().items()}
    stage = VideoStage(autoencoder, clips, clips, VideoLoss(), 2, 0, codes_kept=True)
    assert stage.name == "decoder"
    train_stage(stage, replace(_PRESET.video, steps=3), tmp_path, launch("cpu", bf16=False))
    changed = {name.split(".")[0] for name, value in autoencoder.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"decoder"}


def test_at_no_weight_visibility_learns_from_the_frame_alone(store: Path) -> None:
    clips = ClipStore(store)
    torch.manual_seed(0)
    stage = VideoStage(VideoAutoencoder(_PRESET.networks.autoencoder), clips, clips, VideoLoss(visibility=0.0), 2, 0)
    terms = stage.losses(0)
    assert float(terms["visibility"].detach()) == 0
    (gradient,) = torch.autograd.grad(terms["frame"], stage.module.decoder.head.weight)
    assert float(gradient[2].abs().max()) > 0
