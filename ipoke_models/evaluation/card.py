"""The model card: what a model is, what it was trained on, how to make it again, and what it measures.

All of it is generated but the notes at its end, which are somebody's words and are kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..data.procedural.fresh import is_fresh
from ..data.procedural.recipes import GARDEN
from ..data.store import StoreInfo
from ..model import Model
from ..notes import kept_notes

PROVENANCE_FILE = "training.json"


def write_card(model: Model, held_out: tuple[str, StoreInfo], figures: str, work: Path, how: str) -> str:
    """Markdown of the card; `work` holds the training's record and log, `how` measured `figures` on `held_out`, named here."""
    record = json.loads((work / PROVENANCE_FILE).read_text(encoding="utf-8"))
    sections = [
        f"# {model.name}\n\nOne still, 1 to {model.max_pokes} pokes, {model.size_px} px, {model.frames} frames.\n",
        _networks(model),
        _data(record["train"], *held_out),
        _training(record, work),
        f"## Measured\n\n    {how}\n\n{_HOW_MEASURED}\n\n{figures}\n",
        kept_notes(model.card),
    ]
    return "\n".join(sections)


_HOW_MEASURED = """\
The first clips whose poke is at least 2 px long, one poke each by the paper's rule (a strongly moving place). What rows and
columns mean stands in `docs/evaluation.md`."""


def _networks(model: Model) -> str:
    settings = model.config
    widths = settings.conditioner.dense_widths
    rows = {
        "video encoder reads": settings.autoencoder.motion_input.value,
        "decoder": settings.autoencoder.decoder.head.value,
        "z and r": f"{settings.flow.channels} x 8 x 8",
        "flow": f"steps {list(settings.flow.num_steps)}, {settings.flow.mid_channels} hidden channels in the couplings",
        "base of the flow": f"{settings.flow.base_hidden} hidden channels" if settings.flow.base_hidden else "none",
        **({"encoders of still and pokes read": f"{settings.conditioner.read_px} px"} if settings.conditioner.stride > 1 else {}),
        **({"dense flow in h": f"U-Net, {list(widths)} channels from 32 x 32 down"} if widths else {}),
        "variation of sampling": f"{settings.variation:g}",
        "sha256 of the weights": model.sha256,
    }
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows.items())


def _data(train: list[dict[str, Any]], name: str, held_out: StoreInfo) -> str:
    infos = {entry.pop("folder"): StoreInfo(**entry) for entry in map(dict, train)}
    generated = [
        f"    {_generate(folder, info)}"
        for folder, info in (infos | {name: held_out}).items()
        if not info.footage and not is_fresh(folder)
    ]
    listed = "".join(f"* training clips, {folder}: {info.pictures}\n" for folder, info in infos.items())
    listed += f"* held-out clips: {held_out.pictures}\n"
    if not generated:
        return f"## Data\n\nFootage, with estimated flow:\n\n{listed}"
    commands = "\n".join(generated)
    return f"## Data\n\nProcedural clips with exact flow:\n\n{commands}\n\n{listed}\nNo picture is in both parts.\n"


def _generate(folder: str, info: StoreInfo) -> str:
    held_out = " --held-out" if info.pictures.startswith("held-out") else ""
    recipe = "" if info.recipe == GARDEN else f" --recipe {info.recipe}"
    restyled = f" --restyled {info.restyled}" if info.restyled else ""
    mocap = " --mocap MOCAP" if "captured motions" in info.pictures else ""
    animated = " --animated ANIMATED" if "animated cut-outs" in info.pictures else ""
    return (
        f"ipoke generate -o {folder}{recipe} --count {info.count} --seed {info.seed} --size {info.size_px}{held_out} "
        f"--cutouts CUTOUTS --photos PHOTOS{mocap}{animated}{restyled}"
    )


def _training(record: dict[str, Any], work: Path) -> str:
    log = [json.loads(line) for line in (work / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = ["| stage | steps | figures |", "|---|---|---|"]
    for stage, entry in {entry["stage"]: entry for entry in log}.items():
        figures = ", ".join(f"{name} {value}" for name, value in entry.items() if name not in ("stage", "step", "time"))
        lines.append(f"| {stage} | {entry['step']} | {figures} |")
    return (
        f"## Made by\n\nCommit {record['commit']}, torch {record['torch']}, seed {record['seed']}:\n\n    {record['command']}\n\n"
        "Last figures of the training's own log, those of validation on held-out clips:\n\n" + "\n".join(lines) + "\n"
    )
