"""`ipoke segment evaluate`: how well things are found under clicks on composites of pictures that no training saw."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from ..checkpoint import CARD_FILE
from ..data.pictures import PictureError
from ..errors import ModelError
from .card import Measured, write_card
from .composites import Composite, Kind, random_composite
from .contestants import Clicked, Contestant, GrabCut, Salience, on_picture, strokes_of
from .interaction import Click, first_click, iou, next_click
from .network import POSITIVE
from .segmenter import Segmenter, load_segmenter
from .stock import Stock, load_stock

PLATE_SIDE_PX = 512
STARTS = 3
CLICKS = 3
SEED = 28


@dataclass(frozen=True)
class Row:
    """One contestant, one composite, one first click: IoU after one click, two, three."""

    contestant: str
    composite: int
    kind: str
    start: int
    ious: tuple[float, ...]


def composite_at(stock: Stock, index: int) -> tuple[Composite, list[Click]]:
    """A composite of the protocol and the first clicks on its thing."""
    rng = np.random.default_rng([SEED, index])
    composite = random_composite(rng, stock, PLATE_SIDE_PX, bars=False)
    places = [first_click(rng, composite.thing) for _ in range(STARTS)]
    return composite, [((x + 0.5) / PLATE_SIDE_PX, (y + 0.5) / PLATE_SIDE_PX, POSITIVE) for x, y in places]


def judge(contestant: Contestant, composite: Composite, starts: Sequence[Click], number: int) -> list[Row]:
    """A contestant's rows on a composite; each further click is set in the middle of its own largest error."""
    find, wanted, rows = contestant.shown(composite.rgb), composite.thing > 0.5, []
    for start, first in enumerate(starts):
        clicks, ious = [first], []
        for _ in range(CLICKS if contestant.corrects else 1):
            found = find(clicks)
            ious.append(round(iou(wanted, found), 4))
            clicks.append(next_click(wanted, found))
        rows.append(Row(contestant.name, number, composite.kind.value, start, tuple(ious)))
    return rows


def best_of_three(clicked: Clicked, composite: Composite, starts: Sequence[Click], number: int) -> list[Row]:
    """The best of the three masks after one click on the picture shown last: what taking the smaller or larger one gives."""
    segmenter, prepared = clicked.segmenter, clicked.prepared
    assert prepared is not None
    wanted, rows = composite.thing > 0.5, []
    for start, first in enumerate(starts):
        masks = on_picture(segmenter.masks(prepared, strokes_of([first])), prepared.size_px)
        best = max(iou(wanted, mask) for mask in masks)
        rows.append(Row(f"{segmenter.name}, best of three", number, composite.kind.value, start, (round(best, 4),)))
    return rows


def table(rows: Sequence[Row]) -> str:
    """Markdown: one line a contestant and number of clicks, over all composites; then medians of each kind of composite."""
    kinds = [kind.value for kind in Kind]
    medians = " | ".join(f"{kind}, median" for kind in kinds)
    lines = [f"| | clicks | composites | median IoU | mean | above 0.8 | above 0.9 | {medians} |"]
    lines.append("|---" * (7 + len(kinds)) + "|")
    for name in dict.fromkeys(row.contestant for row in rows):
        own = [row for row in rows if row.contestant == name]
        for click in range(max(len(row.ious) for row in own)):
            values = np.array([row.ious[click] for row in own])
            of_kinds = [[row.ious[click] for row in own if row.kind == kind] for kind in kinds]
            cells = [name, str(click + 1), str(len({row.composite for row in own}))]
            cells += [
                f"{value:.3f}" for value in (np.median(values), values.mean(), (values > 0.8).mean(), (values > 0.9).mean())
            ]
            cells += [f"{np.median(found):.3f}" if found else "" for found in of_kinds]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def times(segmenter: Segmenter, composites: Sequence[tuple[Composite, list[Click]]]) -> str:
    """Medians of processor time: preparing a picture, the first click, a second one."""
    spent: list[list[float]] = []
    for composite, starts in composites:
        clicks = [starts[0], next_click(composite.thing > 0.5, np.zeros(composite.thing.shape, bool))]
        marks = [time.process_time()]
        prepared = segmenter.prepare(composite.rgb)
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
    parser.add_argument("pictures", type=Path, help="folder with cutouts, photos and masks of photographs")
    parser.add_argument("--count", type=int, default=500, help="composites")
    parser.add_argument("--grabcut", action="store_true", help="measure GrabCut too")
    parser.add_argument("--salience", type=Path, nargs="*", default=[], help="ONNX files of salience networks to measure too")
    parser.add_argument("--beside", type=int, metavar="N", help="measure the others on the first N composites only")
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
        segmenter = load_segmenter(options.model)
        stock = load_stock(options.pictures, held_out=True, side_px=PLATE_SIDE_PX)
        others: list[Contestant] = [GrabCut()] if options.grabcut else []
        others += [Salience(path) for path in options.salience]
    except (ModelError, PictureError) as error:
        print(error, file=sys.stderr)
        return 2
    rows: list[Row] = []
    clicked = Clicked(segmenter)
    with options.output.open("w", encoding="utf-8") if options.output else nullcontext() as output:
        for number in range(options.count):
            composite, starts = composite_at(stock, number)
            beside = others if options.beside is None or number < options.beside else []
            found = [row for one in (clicked, *beside) for row in judge(one, composite, starts, number)]
            found += best_of_three(clicked, composite, starts, number)
            rows += found
            if output:
                output.writelines(json.dumps(asdict(row)) + "\n" for row in found)
                output.flush()
            if (number + 1) % 25 == 0:
                print(f"{number + 1} of {options.count} composites", file=sys.stderr)
    spent = times(segmenter, [composite_at(stock, number) for number in range(min(options.count, 20))])
    measured = Measured(_command(options), f"Held-out pictures: {stock.summary()}.", f"{table(rows)}\n\n{spent}")
    print(f"{measured.pictures}\n\n{measured.figures}")
    if options.card:
        card = write_card(segmenter, options.card, measured)
        (segmenter.folder / CARD_FILE).write_text(card, encoding="utf-8")
    return 0


def _command(options: argparse.Namespace) -> str:
    salience = " ".join(["--salience", *(path.name for path in options.salience)]) if options.salience else ""
    parts = (
        f"ipoke segment evaluate {Path(options.model).name} PICTURES --count {options.count}",
        "--grabcut" if options.grabcut else "",
        salience,
        f"--beside {options.beside}" if options.beside is not None else "",
    )
    return " ".join(part for part in parts if part)
