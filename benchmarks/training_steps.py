"""How long a step of each stage takes, and how much sooner it ends where numbers below 1e-38 count as zero.

    python -m benchmarks.training_steps CLIPS --model garden-64

One thread, processor time, medians of the steps; both ways in turns. `ipoke train` flushes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from ipoke_models.cvae import ConditionalVae
from ipoke_models.data.store import ClipStore
from ipoke_models.inference import load_model
from ipoke_models.networks import Networks
from ipoke_models.training.base import BaseLoss, BaseStage
from ipoke_models.training.codes import CodedClips
from ipoke_models.training.conditioner import ConditionerStage
from ipoke_models.training.kinematics import KinematicsStage
from ipoke_models.training.loop import Stage
from ipoke_models.training.presets import PRESETS
from ipoke_models.training.twin import TwinStage
from ipoke_models.training.video import VideoLoss, VideoStage

PRESET = PRESETS["garden-64"]
SEED, ROUNDS = 5, 2


def stages(clips: ClipStore, model: str) -> dict[str, Callable[[], Stage]]:
    """What makes each stage, on networks of its own."""

    def networks() -> Networks:
        return load_model(model).networks.train().requires_grad_(True)

    def coded(mine: Networks) -> CodedClips:
        flow = load_model(model).config
        return CodedClips(clips, mine.autoencoder, (flow.max_pokes, flow.poke_size_px))

    def video() -> Stage:
        return VideoStage(networks().autoencoder, clips, clips, VideoLoss(), PRESET.video.batch, SEED)

    def conditioner() -> Stage:
        return ConditionerStage(networks().conditioner, clips, clips, (5, 5), PRESET.conditioner.batch, SEED)

    def base() -> Stage:
        mine = networks()
        return BaseStage(mine, coded(mine), coded(mine), BaseLoss(), PRESET.base.batch, SEED)

    def kinematics() -> Stage:
        mine = networks()
        return KinematicsStage(mine, coded(mine), coded(mine), PRESET.kinematics.batch, SEED)

    def twin() -> Stage:
        mine = networks()
        return TwinStage(ConditionalVae(PRESET.twin_networks), mine, coded(mine), coded(mine), PRESET.twin.batch, SEED)

    return {"video": video, "conditioner": conditioner, "base": base, "kinematics": kinematics, "twin": twin}


def step_s(stage: Stage, step: int) -> float:
    """Processor time of one step, without the optimiser's."""
    started = time.process_time()
    torch.stack(list(stage.losses(step).values())).sum().backward()
    return time.process_time() - started


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--model", default="garden-64")
    parser.add_argument("--steps", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| stage | batch | s a step | flushed | times faster |\n|---|---|---|---|---|")
    for name, make in stages(ClipStore(options.clips, augmented=True), options.model).items():
        stage, taken = make(), {False: [], True: []}
        step_s(stage, 0)
        for _ in range(ROUNDS):
            for flushed, times in taken.items():
                torch.set_flush_denormal(flushed)
                times.extend(step_s(stage, step) for step in range(options.steps))
        plain, quick = (statistics.median(times) for times in taken.values())
        print(f"| {name} | {getattr(PRESET, name).batch} | {plain:.2f} | {quick:.2f} | {plain / quick:.2f} |", flush=True)


if __name__ == "__main__":
    main()
