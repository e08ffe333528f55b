"""The segmenter's model card: what it was made of, how to make it again, what it measures. Its notes at the end are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..notes import kept_notes
from .segmenter import Segmenter

PROVENANCE_FILE = "provenance.json"
LOG_FILE = "log.jsonl"
_SALIENCE = "U²-Net-p as published (Qin et al. 2020; Apache-2.0), asked under a first click"
_BESIDE = """    python -m ipoke_models.convert.salience_weights u2netp.onnx -o salience.safetensors

What stands out was put beside it with `--salience salience.safetensors`, without a step of training.
"""


@dataclass(frozen=True)
class Measured:
    """A table of figures, the command that makes them, and the pictures that they are of."""

    command: str
    pictures: str
    figures: str


def write_card(segmenter: Segmenter, works: list[Path], measured: Measured) -> str:
    """Markdown; `works` are the folders of the trainings that followed one another."""
    records = [json.loads((work / PROVENANCE_FILE).read_text(encoding="utf-8")) for work in works]
    commands = "\n".join(f"    {record['command']}" for record in records)
    last = records[-1]
    networks = last["networks"]
    return f"""\
# {segmenter.name}

A still and strokes to nested masks of part, thing and group of things, asked in squares of {segmenter.size_px} px.

| | |
|---|---|
| encoder | EfficientNet-Lite0 to stride 32, started from ImageNet's weights |
| decoder | widths {networks["widths"]} at strides 2 to 32, attention at stride 16 in {networks["attention"]} rounds |
| what stands out | {_SALIENCE if segmenter.salience else "not asked for"} |
| clicks at most | {segmenter.max_clicks} |
| sha256 of the weights | {segmenter.sha256} |

## Data

Composites that are made while it trains: things with alpha before photographs, several of a kind, plants with their leaves,
things on stalks, and photographs whose thing a larger network (U2-Net) has found; clicks where the mask so far is most wrong.

* training part: {last["train"]}
* held-out part: {last["held_out"]}

## Made by

torch {last["torch"]}:

    python -m ipoke_models.convert.encoder_weights efficientnet_lite0.pth -o encoder.safetensors
{commands}
{_BESIDE if segmenter.salience else ""}
Last figures of the training's own log, IoU of the thing on held-out composites after one, two and three clicks:

| stage | steps | figures |
|---|---|---|
{_log(works)}
## Measured

    {measured.command}

{measured.pictures}

{measured.figures}

{kept_notes(segmenter.card)}"""


def _log(works: list[Path]) -> str:
    rows = []
    for work in works:
        last: dict[str, dict[str, object]] = {}
        for line in (work / LOG_FILE).read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            last[entry["stage"]] = entry
        for stage, entry in last.items():
            figures = ", ".join(f"{key} {value}" for key, value in entry.items() if key.startswith(("iou", "median")))
            rows.append(f"| {work.name}, {stage} | {entry['step']} | {figures} |\n")
    return "".join(rows)
