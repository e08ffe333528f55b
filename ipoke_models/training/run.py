"""All stages of a training, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from ..data.store import ClipStore
from ..networks.autoencoder import VideoAutoencoder
from ..networks.cvae import ConditionalVae
from ..networks.whole import Networks
from . import processes
from .adversarial import AdversarialVideoStage
from .base import BaseStage
from .codes import CodedClips, encode_store
from .conditioner import ConditionerStage, DenseStage, PokedStills
from .flow import KinematicsStage
from .loop import Stage, train_stage
from .perceptual import PerceptualDistance, load_perceptual
from .presets import Preset
from .schedule import Schedule
from .start import start_networks
from .twin import TwinStage, save_twin
from .video import VideoStage

STANDARDISING_CLIPS = 1024


def train(
    preset: Preset,
    stores: tuple[ClipStore, ClipStore],
    work: Path,
    fabric: Fabric,
    seed: int,
    *,
    source: str | None = None,
    with_twin: bool = False,
) -> Networks:
    """Run every stage, each resuming from its last checkpoint in `work`; the twin's weights stay there.

    `source`, a model's name or folder, is where the networks start; its codes keep the scale they have.

    Raises:
        ModelError: the source can't be read, or has other sizes than the preset; or weights that a loss needs are missing.
    """
    perceptual = load_perceptual().to(fabric.device) if preset.video_loss.perceptual else None
    torch.manual_seed(seed)
    networks = start_networks(preset.networks, source).to(fabric.device)
    for stage, schedule in stages(preset, networks, stores, seed, perceptual, fresh=source is None, with_twin=with_twin):
        train_stage(stage, schedule, work, fabric)
        if isinstance(stage, TwinStage) and processes.index() == 0:
            save_twin(work, stage.module)
    return networks.cpu().eval()


def stages(
    preset: Preset,
    networks: Networks,
    stores: tuple[ClipStore, ClipStore],
    seed: int,
    perceptual: PerceptualDistance | None = None,
    *,
    fresh: bool,
    with_twin: bool,
) -> Iterator[tuple[Stage, Schedule]]:
    """Every stage with its schedule, each put together when the one before it has been trained.

    `fresh` networks start from nothing: codes are standardised, and the flow's first batch sets its norms.
    """
    pokes = (preset.networks.max_pokes, preset.networks.poke_size_px)
    autoencoder = networks.autoencoder
    yield _video_stage(preset, autoencoder, stores, perceptual, seed), preset.video
    conditioner = networks.conditioner
    stills, held_out_stills = (PokedStills(store, conditioner, pokes) for store in stores)
    if preset.networks.conditioner.image.decoded:
        yield ConditionerStage(conditioner, stills, held_out_stills, preset.conditioner.batch, seed), preset.conditioner
    if preset.dense is not None and conditioner.dense is not None:
        yield DenseStage(conditioner, stills, held_out_stills, preset.dense.batch, seed), preset.dense
    if preset.networks.autoencoder.standardised and fresh:
        autoencoder.standardise(encode_store(autoencoder, stores[0], STANDARDISING_CLIPS))
    train_clips, held_out_clips = (CodedClips(store, autoencoder, pokes, preset.least_deviation) for store in stores)
    if preset.networks.flow.base_hidden:
        yield BaseStage(networks, train_clips, held_out_clips, preset.base_loss, preset.base.batch, seed), preset.base
    kinematics = KinematicsStage(networks, train_clips, held_out_clips, preset.kinematics.batch, seed, fresh=fresh)
    yield kinematics, preset.kinematics
    if with_twin:
        twin = ConditionalVae(preset.twin_networks).to(next(networks.parameters()).device)
        yield TwinStage(twin, networks, train_clips, held_out_clips, preset.twin.batch, seed), preset.twin
    if preset.decoder is not None:
        loss = replace(preset.video_loss, visibility=0.0)
        yield VideoStage(autoencoder, *stores, loss, preset.decoder.batch, seed, perceptual, codes_kept=True), preset.decoder


def _video_stage(
    preset: Preset,
    autoencoder: VideoAutoencoder,
    stores: tuple[ClipStore, ClipStore],
    perceptual: PerceptualDistance | None,
    seed: int,
) -> VideoStage:
    loss, batch = preset.video_loss, preset.video.batch
    if preset.critics is None:
        return VideoStage(autoencoder, *stores, loss, batch, seed, perceptual)
    return AdversarialVideoStage(autoencoder, stores, loss, preset.critics, batch, seed, perceptual)
