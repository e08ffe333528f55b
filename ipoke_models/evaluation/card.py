"""The model card: what a model is, what it was trained on, how to make it again, and what it measures."""

from __future__ import annotations

import json
from pathlib import Path

from ..data.store import ClipStore
from ..inference import DRAWS, Model

PROVENANCE_FILE = "training.json"


def write_card(model: Model, store: ClipStore, table: str, moments: dict[str, float], work: Path, how: str) -> str:
    """Markdown of the card; `work` holds the training's record and log, `how` is the command that measured the table."""
    record = json.loads((work / PROVENANCE_FILE).read_text(encoding="utf-8"))
    log = [json.loads(line) for line in (work / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    last = {entry["stage"]: entry for entry in log}
    settings = model.config
    return f"""# {model.name}

Moves cut-out-like objects and plants: one still, 1 to {model.max_pokes} pokes, {model.size_px} px, {model.frames} frames.

| | |
|---|---|
| video encoder reads | {settings.autoencoder.motion_input.value} |
| decoder | {settings.autoencoder.decoder.head.value} (backward flow, visibility, colour for what the warp can't show) |
| z and r | {settings.flow.channels} x 8 x 8 |
| flow | steps {list(settings.flow.num_steps)}, {settings.flow.mid_channels} hidden channels in the couplings |
| sha256 of the weights | {model.sha256} |

## Data

Procedural clips only: photo cut-outs that bend, bulge and shift, and articulated plants, before photographs, with exact flow.
Training clips: {record["train"]["count"]} (seed {record["train"]["seed"]}), {record["train"]["pictures"]}.
Held-out clips: seed {store.info.seed}, {store.info.pictures}. No picture is in both parts.

Cut-outs: the photographs among Debian's `tuxpaint-stamps-default` (GPL-2). Photographs: Debian's `lomiri-wallpapers-16.04`
(CC0, CC BY, CC BY-SA) and the nature part of `mate-backgrounds` (GPL-2+), `chelsea`, `coffee`, `grass`, `gravel` and `brick` of
scikit-image (see its data licences), `china` of scikit-learn (CC BY 2.0). None of these pictures are part of this repository.

## Made by

Commit {record["commit"]}, torch {record["torch"]}, seed {record["seed"]}:

    {record["command"]}

Last figures of the training's own log on held-out clips:

{_last_figures(last)}

## Measured

    {how}

The first clips of the held-out store whose poke is at least 2 px long, one poke each by the paper's rule (a strongly moving
place). The poked point is tracked with DIS optical flow between the still and the last frame; its distance to the arrow's tip
is given in percent of the arrow's length. Medians carry a 95 % bootstrap interval. A variant is the best of {DRAWS} draws: the
one whose decoded flow brings the poked places closest to the tips. One draw alone misses much more often.

{table}

r of held-out clips under the flow (0, 1 and 0 would be perfect): {_listed(moments)}.

## Limits

Trained on procedural clips at {model.size_px} px only. Thin parts that cross each other, motion towards the camera, and
objects that fill the picture are outside what it has seen. Some variants are torn: large parts are dragged into loops, about
one in four on the demo photograph. Edges of what moves are soft, and nearby background is dragged along. Judge by the frames.
"""


def _listed(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())


def _last_figures(last: dict[str, dict[str, float]]) -> str:
    lines = ["| stage | steps | figures |", "|---|---|---|"]
    for stage, entry in last.items():
        figures = ", ".join(f"{name} {value}" for name, value in entry.items() if name not in ("stage", "step", "time"))
        lines.append(f"| {stage} | {entry['step']} | {figures} |")
    return "\n".join(lines)
