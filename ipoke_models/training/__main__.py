"""`ipoke train`: all stages from a clip store to a model folder. Interrupt it at will; the same command goes on."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from ..checkpoint import save_model
from ..cvae import ConditionalVae
from ..data.store import ClipStore, StoreError
from ..errors import ModelError
from ..evaluation.card import PROVENANCE_FILE
from ..networks import Networks
from .base import BaseStage
from .codes import CodedClips, encode_store
from .conditioner import ConditionerStage
from .kinematics import KinematicsStage
from .loop import train_stage
from .presets import PRESETS, Preset
from .start import start_networks
from .twin import TwinStage, save_twin
from .video import VideoStage

STANDARDISING_CLIPS = 1024


def train(
    preset: Preset,
    stores: tuple[ClipStore, ClipStore],
    work: Path,
    seed: int,
    *,
    source: str | None = None,
    with_twin: bool = False,
) -> Networks:
    """Run every stage, each resuming from its last checkpoint in `work`; the twin's weights stay there.

    `source`, a model's name or folder, is where the networks start; its codes keep the scale they have.

    Raises:
        ModelError: the source can't be read, or has other sizes than the preset.
    """
    torch.manual_seed(seed)
    networks = start_networks(preset.networks, source)
    pokes = (preset.networks.max_pokes, preset.networks.poke_size_px)
    video = VideoStage(networks.autoencoder, *stores, preset.video_loss, preset.video.batch, seed)
    train_stage(video, preset.video, work)
    conditioner = ConditionerStage(networks.conditioner, *stores, pokes, preset.conditioner.batch, seed)
    train_stage(conditioner, preset.conditioner, work)
    if preset.networks.autoencoder.standardised and source is None:
        some = encode_store(networks.autoencoder, stores[0], STANDARDISING_CLIPS)
        networks.autoencoder.standardise(some.mean.flatten(0, 1))
    train_clips, held_out_clips = (
        CodedClips(store, networks.autoencoder, encode_store(networks.autoencoder, store), pokes) for store in stores
    )
    if preset.networks.flow.base_hidden:
        base = BaseStage(networks, train_clips, held_out_clips, preset.base_loss, preset.base.batch, seed)
        train_stage(base, preset.base, work)
    kinematics = KinematicsStage(networks, train_clips, held_out_clips, preset.kinematics.batch, seed, fresh=source is None)
    train_stage(kinematics, preset.kinematics, work)
    if with_twin:
        twin = ConditionalVae(preset.twin_networks)
        stage = TwinStage(twin, networks, train_clips, held_out_clips, preset.twin.batch, seed)
        train_stage(stage, preset.twin, work)
        save_twin(work, twin)
    return networks.eval()


def _record(options: argparse.Namespace, store: ClipStore) -> dict[str, object]:
    found = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "command": f"ipoke train {options.clips.name} --held-out {options.held_out.name} -o {options.output.name} "
        f"--preset {options.preset} --seed {options.seed}" + (f" --from {options.source}" if options.source else ""),
        "commit": found.stdout.strip() or "unknown",
        "torch": torch.__version__,
        "seed": options.seed,
        "train": asdict(store.info),
    }


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ipoke train", description=__doc__)
    parser.add_argument("clips", type=Path, help="clip store to train on (see 'ipoke generate')")
    parser.add_argument("--held-out", type=Path, required=True, help="clip store to judge by while training")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder to write; its name is the model's")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="garden-64")
    parser.add_argument(
        "--from", dest="source", metavar="MODEL", help="start from the weights of this model (name or folder) of the same sizes"
    )
    parser.add_argument("--twin", action="store_true", help="also train the flow's twin, for 'ipoke evaluate --twin WORK'")
    parser.add_argument("--work", type=Path, help="folder for checkpoints and the log (default: runs/MODEL)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        stores = ClipStore(options.clips), ClipStore(options.held_out)
    except StoreError as error:
        print(error, file=sys.stderr)
        return 2
    work = options.work or Path("runs") / options.output.name
    work.mkdir(parents=True, exist_ok=True)
    (work / PROVENANCE_FILE).write_text(json.dumps(_record(options, stores[0]), indent=1) + "\n", encoding="utf-8")
    try:
        networks = train(PRESETS[options.preset], stores, work, options.seed, source=options.source, with_twin=options.twin)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Interrupted; the same command goes on from the last checkpoint in {work}.", file=sys.stderr)
        return 1
    card = f"# {options.output.name}\n\nNot measured yet: run `ipoke evaluate {options.output} CLIPS --card {work}`.\n"
    save_model(options.output, networks, options.output.name, card)
    print(f"Wrote {options.output}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
