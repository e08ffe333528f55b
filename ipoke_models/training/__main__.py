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
from ..data.fresh import add_fresh_options, is_fresh, open_fresh
from ..data.pictures import PictureError
from ..data.store import ClipStore, StoreError
from ..errors import ModelError
from ..evaluation.card import PROVENANCE_FILE
from .interruption import terminate_like_interrupt
from .presets import PRESETS

TRAINING_PACKAGES = ("lightning_fabric", "tqdm")


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
    parser.add_argument("clips", type=Path, help="clip store to train on (see 'ipoke generate'), or RECIPE:SEED")
    parser.add_argument("--held-out", type=Path, required=True, help="clip store to judge by while training")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder to write; its name is the model's")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="garden-64")
    parser.add_argument(
        "--from", dest="source", metavar="MODEL", help="start from the weights of this model (name or folder) of the same sizes"
    )
    parser.add_argument("--twin", action="store_true", help="also train the flow's twin, for 'ipoke evaluate --twin WORK'")
    parser.add_argument("--work", type=Path, help="folder for checkpoints and the log (default: runs/MODEL)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 where that does no harm")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    add_fresh_options(parser)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    terminate_like_interrupt()
    try:
        stores = _open(options), ClipStore(options.held_out)
    except (PictureError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        return _train(options, stores)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name not in TRAINING_PACKAGES:
            raise
        print(f"Training needs the package {error.name}; install it with: pip install 'ipoke[train]'.", file=sys.stderr)
        return 2


def _open(options: argparse.Namespace) -> ClipStore:
    sizes = PRESETS[options.preset].networks.autoencoder
    if is_fresh(str(options.clips)):
        return open_fresh(str(options.clips), options, sizes.size_px, sizes.frames)
    return ClipStore(options.clips)


def _train(options: argparse.Namespace, stores: tuple[ClipStore, ClipStore]) -> int:
    from .launch import launch  # with what only training needs
    from .run import train

    fabric = launch(options.device, bf16=options.bf16)
    work = options.work or Path("runs") / options.output.name
    work.mkdir(parents=True, exist_ok=True)
    if fabric.is_global_zero:
        (work / PROVENANCE_FILE).write_text(json.dumps(_record(options, stores[0]), indent=1) + "\n", encoding="utf-8")
    try:
        networks = train(
            PRESETS[options.preset], stores, work, fabric, options.seed, source=options.source, with_twin=options.twin
        )
    except KeyboardInterrupt:
        if fabric.is_global_zero:
            print(f"Interrupted; the same command goes on from the last checkpoint in {work}.", file=sys.stderr)
        return 1
    if fabric.is_global_zero:
        card = f"# {options.output.name}\n\nNot measured yet: run `ipoke evaluate {options.output} CLIPS --card {work}`.\n"
        save_model(options.output, networks, options.output.name, card)
        print(f"Wrote {options.output}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
