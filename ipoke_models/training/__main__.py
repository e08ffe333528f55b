"""`ipoke train`: all stages from clips or footage to a model folder. Interrupt it at will; the same command goes on."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..checkpoint import read_card, require_free, require_name, save_model
from ..config import AutoencoderConfig
from ..data.clips import Portion, add_footage_options, footage_command, footage_options, open_clips, open_training_clips
from ..data.device_clips import KeptClips
from ..data.footage.layouts import Part
from ..data.footage.store import FootageOptions
from ..data.pictures import PictureError
from ..data.procedural.fresh import add_fresh_options, is_fresh, open_fresh
from ..data.store import ClipStore, StoreError
from ..errors import CheckpointError, ModelError
from ..evaluation.card import PROVENANCE_FILE
from ..notes import NOTES
from ..strangers import parse_json, read_small
from .interruption import terminate_like_interrupt
from .packages import how_to_install
from .presets import PRESETS, Preset

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PACKAGE = Path(__file__).parents[1]
_MOST_RECORD_BYTES = 1 << 20


def _record(options: argparse.Namespace, store: ClipStore) -> dict[str, object]:
    clips = " ".join(str(portion) for portion in options.clips)
    held_out = f" --held-out {options.held_out.name}" if options.held_out else ""
    return {
        "command": f"ipoke train {clips}{held_out} -o {options.output.name} "
        f"--preset {options.preset} --seed {options.seed}"
        + (f" --from {options.source}" if options.source else "")
        + (footage_command(options) if store.info.footage else "")
        + "".join(f" --{name} {name.upper()}" for name in ("cutouts", "photos", "mocap", "animated") if getattr(options, name))
        + (f" --restyled {options.restyled}" if options.restyled else "")
        + ("" if options.augment else " --no-augment"),
        "commit": _commit(),
        "torch": torch.__version__,
        "seed": options.seed,
        "train": [{"folder": one.folder.name, **asdict(info)} for one, info in zip(options.clips, store.infos, strict=True)],
    }


def _commit() -> str:
    """The last commit that changed this package; unknown where it is not run from a clone."""
    ask = ["git", "-C", str(PACKAGE), "log", "-1", "--abbrev=12", "--format=%h", "--", "."]
    try:
        found = subprocess.run(ask, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ipoke train", description=__doc__)
    parser.add_argument(
        "clips",
        type=Portion.parse,
        nargs="+",
        metavar="CLIPS[@SHARE]",
        help="clip store (see 'ipoke generate') or folder of footage; or several, SHARE of what is drawn coming from one; "
        "or RECIPE:SEED[:COUNT]",
    )
    parser.add_argument("--held-out", type=Path, help="clips to judge by while training (default: a part of the footage)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder to write; its name is the model's")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="garden-64")
    parser.add_argument("--from", dest="source", metavar="MODEL", help="start from the weights of this model, a name or folder")
    parser.add_argument("--twin", action="store_true", help="also train the flow's twin, for 'ipoke evaluate --twin WORK'")
    parser.add_argument("--work", type=Path, help="folder for checkpoints and the log (default: runs/MODEL)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 where that does no harm")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    add_fresh_options(parser)
    add_footage_options(parser)
    parser.add_argument("--no-augment", dest="augment", action="store_false", help="don't vary colour, angle and place of clips")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    terminate_like_interrupt()
    try:
        return _train(options)
    except (ModelError, PictureError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(how_to_install(error), file=sys.stderr)
        return 2


def _open(
    options: argparse.Namespace, sizes: AutoencoderConfig, footage: FootageOptions, device: torch.device
) -> tuple[ClipStore, ClipStore]:
    def opener(folder: Path, part: Part, size_px: int, frames: int, footage: FootageOptions) -> ClipStore:
        if is_fresh(str(folder)):
            store: ClipStore = open_fresh(str(folder), options, size_px, frames, held_out=folder == options.held_out)
        else:
            store = open_clips(folder, part, size_px, frames, footage)
        return KeptClips(store, device) if KeptClips.fit(store, device) else store

    return open_training_clips(options.clips, options.held_out, sizes, footage, augment=options.augment, opener=opener)


def _train(options: argparse.Namespace) -> int:
    from .launch import launch
    from .work_lock import claim  # with what only training needs

    if not options.output.name:  # such as ".", whose name is the current folder's
        options.output = options.output.resolve()
    require_name(options.output.name)
    require_free(options.output)
    footage, preset = footage_options(options), PRESETS[options.preset].sized(options.source)
    fabric = launch(options.device, bf16=options.bf16)
    work: Path = options.work or Path("runs") / options.output.name
    _require_own(work)
    work.mkdir(parents=True, exist_ok=True)
    with claim(work) if fabric.is_global_zero else nullcontext():
        return _train_in(work, preset, options, footage, fabric)


def _require_own(work: Path) -> None:
    """Raises CheckpointError where the record of a training would replace another file of that name."""
    path = work / PROVENANCE_FILE
    if not os.path.lexists(path):
        return
    try:
        record = parse_json(read_small(path, _MOST_RECORD_BYTES))
    except (OSError, ValueError):
        record = None
    if not isinstance(record, dict) or not {"command", "commit", "train"} <= record.keys():
        raise CheckpointError(f"{path} is no record of a training; name another folder with --work.")


def _train_in(work: Path, preset: Preset, options: argparse.Namespace, footage: FootageOptions, fabric: Fabric) -> int:
    from .run import train

    try:
        with fabric.rank_zero_first():
            stores = _open(options, preset.networks.autoencoder, footage, fabric.device)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on with the clips that are missing.", file=sys.stderr)
        return 1
    if fabric.is_global_zero:
        (work / PROVENANCE_FILE).write_text(json.dumps(_record(options, stores[0]), indent=1) + "\n", encoding="utf-8")
    try:
        networks = train(preset, stores, work, fabric, options.seed, source=options.source, with_twin=options.twin)
    except KeyboardInterrupt:
        if fabric.is_global_zero:
            print(f"Interrupted; the same command goes on from the last checkpoint in {work}.", file=sys.stderr)
        return 1
    if fabric.is_global_zero:
        card = f"# {options.output.name}\n\nNot measured yet: run `ipoke evaluate {options.output} CLIPS --card {work}`.\n"
        card += "".join(read_card(options.output).partition(NOTES)[1:])  # somebody's words
        save_model(options.output, networks, options.output.name, card)
        print(f"Wrote {options.output}.", file=sys.stderr)
    return 0


def _flush_denormals() -> None:
    """Count numbers below 1e-38 as zero, which processors are slow at: gradients through saturated units are full of them.

    This holds for the whole process, and for threads that start later: a program of its own may do it, a library may not.
    """
    for kind in (np.float32, np.float64):
        np.finfo(kind)  # looks for the smallest of them once, and warns where there is none
    torch.set_flush_denormal(True)


if __name__ == "__main__":
    _flush_denormals()
    sys.exit(main())
