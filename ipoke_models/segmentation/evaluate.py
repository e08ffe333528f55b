"""`ipoke segment evaluate`: how well things are found under clicks on pictures that no training saw."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import cv2
import numpy as np
import torch

from ..checkpoint import CARD_FILE
from ..data.pictures import PictureError
from ..errors import ModelError
from ..installed import find_segmenter
from .card import Measured, write_card
from .contestants import Clicked, Contestant, GrabCut, Salience, on_picture, strokes_of
from .interaction import iou, next_click
from .segmenter import Segmenter, load_segmenter
from .trials import PHOTOGRAPH, Trial, Trials, open_trials

CLICKS = 3
_TIMED = 20


@dataclass(frozen=True)
class Row:
    """One contestant, one picture, one first click: IoU after one click, two, three."""

    contestant: str
    picture: str
    kind: str
    start: int
    ious: tuple[float, ...]


def judge(contestant: Contestant, trial: Trial) -> list[Row]:
    """A contestant's rows on a picture; each further click is set in the middle of its own largest error."""
    find, rows = contestant.shown(trial.rgb), []
    for start, first in enumerate(trial.starts):
        clicks, ious = [first], []
        for _ in range(CLICKS if contestant.corrects else 1):
            found = find(clicks)
            ious.append(round(iou(trial.wanted, found), 4))
            clicks.append(next_click(trial.wanted, found))
        rows.append(Row(contestant.name, trial.name, trial.kind, start, tuple(ious)))
    return rows


def best_of_three(clicked: Clicked, trial: Trial) -> list[Row]:
    """The best of the three masks after one click on the picture shown last: what taking the smaller or larger one gives."""
    segmenter, prepared = clicked.segmenter, clicked.prepared
    assert prepared is not None
    rows = []
    for start, first in enumerate(trial.starts):
        masks = on_picture(segmenter.masks(prepared, strokes_of([first])), prepared.size_px)
        best = max(iou(trial.wanted, mask) for mask in masks)
        rows.append(Row(f"{segmenter.name}, best of three", trial.name, trial.kind, start, (round(best, 4),)))
    return rows


def table(rows: Sequence[Row], kinds: Sequence[str]) -> str:
    """Markdown: one line a contestant and number of clicks, over all pictures; then medians of each of several kinds."""
    columns = kinds if len(kinds) > 1 else ()
    medians = "".join(f" {kind}, median |" for kind in columns)
    lines = [f"| | clicks | pictures | median IoU | mean | above 0.8 | above 0.9 |{medians}"]
    lines.append("|---" * (7 + len(columns)) + "|")
    for name in dict.fromkeys(row.contestant for row in rows):
        own = [row for row in rows if row.contestant == name]
        for click in range(max(len(row.ious) for row in own)):
            values = np.array([row.ious[click] for row in own])
            of_kinds = [[row.ious[click] for row in own if row.kind == kind] for kind in columns]
            cells = [name, str(click + 1), str(len({row.picture for row in own}))]
            cells += [
                f"{value:.3f}" for value in (np.median(values), values.mean(), (values > 0.8).mean(), (values > 0.9).mean())
            ]
            cells += [f"{np.median(found):.3f}" if found else "" for found in of_kinds]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def one_by_one(rows: Sequence[Row]) -> str:
    """Markdown: one line a picture with everyone's IoU after one click, two, three."""
    names = list(dict.fromkeys(row.contestant for row in rows))
    lines = [f"| | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for picture in dict.fromkeys(row.picture for row in rows):
        own = {row.contestant: ", ".join(f"{value:.2f}" for value in row.ious) for row in rows if row.picture == picture}
        lines.append(f"| {picture} | {' | '.join(own.get(name, '') for name in names)} |")
    return "\n".join(lines)


def times(segmenter: Segmenter, trials: Trials) -> str:
    """Medians of processor time: preparing a picture, the first click, a second one."""
    spent: list[list[float]] = []
    for number in range(min(trials.count, _TIMED)):
        trial = trials.trial(number)
        clicks = [trial.starts[0], next_click(trial.wanted, np.zeros(trial.wanted.shape, bool))]
        marks = [time.process_time()]
        prepared = segmenter.prepare(trial.rgb)
        marks.append(time.process_time())
        for count in (1, 2):
            segmenter.masks(prepared, strokes_of(clicks[:count])).on_picture(prepared.size_px)
            marks.append(time.process_time())
        spent.append(list(np.diff(marks)))
    prepare, first, second = np.median(spent, axis=0) * 1000
    return f"Processor time, medians: to prepare {prepare:.0f} ms, the first click {first:.0f} ms, a second {second:.0f} ms."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ipoke segment evaluate`."""
    parser.add_argument("model", help="the segmenter's folder, or the name of one that is installed")
    parser.add_argument("pictures", type=Path, help="folder with cutouts, photos and masks, or with photographs and things.json")
    parser.add_argument("--count", type=int, help="pictures: 500 composites, or all photographs")
    parser.add_argument("--grabcut", action="store_true", help="measure GrabCut too")
    parser.add_argument("--salience", type=Path, nargs="*", default=[], help="ONNX files of salience networks to measure too")
    parser.add_argument("--beside", type=int, metavar="N", help="measure the others on the first N pictures only")
    parser.add_argument("-o", "--output", type=Path, help="file for every single figure, JSON lines")
    parser.add_argument(
        "--card", type=Path, nargs="+", metavar="WORK", help="write the model's card, with its trainings' records"
    )
    parser.add_argument("--threads", type=int, default=1)


def run(options: argparse.Namespace) -> int:
    """Measure, and print a table in Markdown; returns the exit code."""
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    try:
        segmenter = load_segmenter(find_segmenter(options.model))
        trials = open_trials(options.pictures, options.count)
        others: list[Contestant] = [GrabCut()] if options.grabcut else []
        others += [Salience(path) for path in options.salience]
        with options.output.open("w", encoding="utf-8") if options.output else nullcontext() as output:
            rows = _measured(segmenter, trials, others, options.beside, output)
        figures = f"{table(rows, trials.kinds)}\n\n{times(segmenter, trials)}"
    except (ModelError, PictureError) as error:
        print(error, file=sys.stderr)
        return 2
    if trials.kinds == (PHOTOGRAPH,):
        figures += f"\n\n{one_by_one(rows)}"
    measured = Measured(_command(options, trials), trials.description, figures)
    print(f"{measured.pictures}\n\n{measured.figures}")
    if options.card:
        card = write_card(segmenter, options.card, measured)
        (segmenter.folder / CARD_FILE).write_text(card, encoding="utf-8")
    return 0


def _measured(
    segmenter: Segmenter, trials: Trials, others: Sequence[Contestant], beside: int | None, output: TextIO | None
) -> list[Row]:
    """Everyone's rows, each written to `output` as soon as it is there."""
    clicked, rows = Clicked(segmenter), []
    for number in range(trials.count):
        trial = trials.trial(number)
        asked = [clicked, *(others if beside is None or number < beside else [])]
        found = [row for one in asked for row in judge(one, trial)] + best_of_three(clicked, trial)
        rows += found
        if output:
            output.writelines(json.dumps(asdict(row)) + "\n" for row in found)
            output.flush()
        if (number + 1) % 25 == 0:
            print(f"{number + 1} of {trials.count} pictures", file=sys.stderr)
    return rows


def _command(options: argparse.Namespace, trials: Trials) -> str:
    salience = " ".join(["--salience", *(path.name for path in options.salience)]) if options.salience else ""
    source = "PHOTOGRAPHS" if trials.kinds == (PHOTOGRAPH,) else "PICTURES"
    parts = (
        f"ipoke segment evaluate {Path(options.model).name} {source} --count {trials.count}",
        "--grabcut" if options.grabcut else "",
        salience,
        f"--beside {options.beside}" if options.beside is not None else "",
    )
    return " ".join(part for part in parts if part)
