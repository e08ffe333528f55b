"""How things move as a whole, read from what compositors get: the STMap pass of the last frame.

    python -m benchmarks.whole_things CUTOUTS PHOTOS [--model NAME ...] [--things tests/data/things] [--sheets DIR] [--json FILE]

Stills whose things are known (`benchmarks/things.py`), one arrow each, default settings. For each: variants of each model on
the body, of the first one's region, and the puppet: the body without a model, its tail eased along the arrow, its ground held
exactly. Medians over stills:

tip      how far off the tip is what the tail shows, in arrows
torn     share of the thing's area that is stretched or squeezed beyond 0.7 to 1.4
leak     share of the rest that moves by more than 0.02 arrows
follows  how far the thing moves on average, in arrows
differ   how far two variants are apart on average, in arrows
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import torch
from numpy.typing import NDArray

from backend.plate.drawer import Drawer
from backend.plate.image import Field, displayed
from backend.plate.passes import Instant, encode_passes
from backend.plate.posed import PosedRenderer
from backend.plate.preview import draw_arrows

from .contestants import Contestant, contestants_of, eased_puppet, takes_of
from .plates import stage_of
from .things import Still, cut_out_stills, photo_stills

VARIANTS = 4
FIGURES = ("tip", "torn", "leak", "follows", "differ")
STRETCH = 0.7, 1.4
LEAK = 0.02
CELL_PX = 4
SHEET_ROWS, SHEET_PX = 8, 320


@dataclass(frozen=True)
class Shown:
    """What a last frame shows: for each pixel the place (2, H, W) px of the still, whether that is the thing, and the picture.

    The picture is BGR in [0, 1].
    """

    source: NDArray[np.float64]
    thing: NDArray[np.bool_]
    picture: Field


def main() -> int:
    """Measure, print a table, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cutouts", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=24, help="cut-outs")
    parser.add_argument("--things", type=Path, help="a folder of photographs with masks")
    parser.add_argument("--every", type=int, default=1, help="take one of so many photographs")
    parser.add_argument("--model", action="append", help="an installed model's name; may be given several times")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheets", type=Path, help="a folder for contact sheets")
    parser.add_argument("--json", type=Path, help="a file for the figures of every still")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    contestants = contestants_of(options.model or [None], region=True)
    groups = {"cut-outs": cut_out_stills(options.cutouts, options.photos, options.count)}
    if options.things is not None:
        groups["photographs"] = photo_stills(options.things)[:: options.every]
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for group, stills in groups.items():
        rows: list[Field] = []
        for still in stills:
            shown = {one.name: list(last_frames(one, still, options.seed)) for one in contestants}
            measured = {name: figures(still, frames) for name, frames in shown.items()}
            found.setdefault(group, {})[still.name] = measured
            first = contestants[0].name
            rows.append(_row(still, shown[first]))
            print(still.name, [round(value, 3) for value in measured[first]], file=sys.stderr, flush=True)
        if options.sheets is not None:
            _write_sheets(options.sheets, group, rows)
        if options.json is not None:
            options.json.write_text(json.dumps({"figures": FIGURES, **found}, indent=1) + "\n")
    print("| " + " | ".join(("", *FIGURES)) + " |\n|---" + "|---" * len(FIGURES) + "|")
    for group, stills_of in found.items():
        for name in (one.name for one in contestants):
            medians = np.median([one[name] for one in stills_of.values()], axis=0)
            print(f"| {len(stills_of)} {group}, {name} | " + " | ".join(f"{value:.3f}" for value in medians) + " |")
    return 0


def last_frames(contestant: Contestant, still: Still, seed: int) -> Iterator[Shown]:
    """The last frames of a still's variants; of the puppet its only one."""
    stage = stage_of(still.plate, [still.poke], still.thing if contestant.as_body else None)
    if contestant.model is None:
        poses = np.stack([stage.body.rest, eased_puppet(stage, still.poke)[-1]])
        yield _shown(still, PosedRenderer(still.plate, stage.parted, stage.body, poses), np.array([0.0, 1.0]))
        return
    takes = takes_of(contestant.model, stage, still.poke, seed, VARIANTS)
    for variant in range(VARIANTS):
        plan = takes.plan(takes.drawn(variant))
        yield _shown(still, plan.course.renderer(), plan.timeline.rows[-1])


def _shown(still: Still, renderer: Drawer, last: NDArray[np.float64]) -> Shown:
    width, height = still.plate.size_px
    file = OpenEXR.File(io.BytesIO(encode_passes([Instant(renderer, last, last, last)])), True)
    planes = {name: np.asarray(channel.pixels) for name, channel in file.channels().items()}
    source = np.stack([planes["STMap.R"] * width - 0.5, (1 - planes["STMap.G"]) * height - 0.5]).astype(np.float64)
    thing = (_at(still.thing, source) > 0.5) & (planes["occlusion.V"] < 0.5)
    return Shown(source, thing, displayed(renderer.frame(last)))


def figures(still: Still, shown: list[Shown]) -> list[float]:
    """tip, torn, leak, follows and differ of a still's last frames; differ is 0 of one frame alone."""
    size = np.array(still.plate.size_px)
    tail = np.array([still.poke.x, still.poke.y]) * size - 0.5
    arrow = np.array([still.poke.dx, still.poke.dy]) * size
    length = float(np.hypot(*arrow))
    each = [_of_frame(still, one, tail, arrow) for one in shown]
    apart = [_apart(*pair) / length for pair in combinations(shown, 2)]
    return [*np.mean(each, axis=0).tolist(), float(np.mean(apart)) if apart else 0.0]


def _of_frame(still: Still, shown: Shown, tail: NDArray[np.float64], arrow: NDArray[np.float64]) -> list[float]:
    length, source, thing = float(np.hypot(*arrow)), shown.source, shown.thing
    places = np.indices(source.shape[1:])[::-1].astype(np.float64)
    moved = np.hypot(*(source - places)) / length
    tip = [_at(plane.astype(np.float32), (tail + arrow)[:, None, None]).item() for plane in source]
    rest = ~thing & ~(still.thing > 0.5)
    return [
        float(np.hypot(*(np.array(tip) - tail))) / length,
        _torn(source, thing),
        float((moved[rest] > LEAK).mean()),
        float(moved[thing].mean()),
    ]


def _torn(source: NDArray[np.float64], thing: NDArray[np.bool_]) -> float:
    """Share of the thing's inside whose neighbours were nearer or farther apart in the still than `STRETCH` allows."""
    inside = cv2.erode(thing.astype(np.uint8), np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0
    across = (source[:, 1:-1, 2:] - source[:, 1:-1, :-2]) / 2
    down = (source[:, 2:, 1:-1] - source[:, :-2, 1:-1]) / 2
    shrunk = np.linalg.svd(np.stack([across, down], axis=-1)[:, inside].transpose(1, 0, 2), compute_uv=False)
    stretch = 1 / np.maximum(shrunk, 1e-3)
    return float(((stretch < STRETCH[0]) | (stretch > STRETCH[1])).any(axis=1).mean())


def _apart(one: Shown, other: Shown) -> float:
    """How far the thing's places in two frames are apart on average, in pixels."""
    (x, y, known), (other_x, other_y, also) = (_gone(shown) for shown in (one, other))
    both = known & also
    return float(np.hypot(x - other_x, y - other_y)[both].mean())


def _gone(shown: Shown) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """How far the thing's places have gone in a frame, by cells of the still, across and down; and which of them it shows."""
    rows, columns = np.nonzero(shown.thing)
    x, y = shown.source[:, rows, columns]
    down, across = (length // CELL_PX + 1 for length in shown.thing.shape)
    places = [np.clip(np.rint(at / CELL_PX).astype(int), 0, most - 1) for at, most in ((x, across), (y, down))]
    cells, count_of = places[1] * across + places[0], across * down
    count = np.bincount(cells, minlength=count_of)
    # How far what is seen of a cell has gone: a frame may show another part of it than the next one does.
    gone = [np.bincount(cells, moved, count_of) / np.maximum(count, 1) for moved in (columns - x, rows - y)]
    return gone[0], gone[1], count > 0


def _at(plane: Field, places: NDArray[np.float64]) -> Field:
    x, y = places.astype(np.float32)
    return np.asarray(cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _row(still: Still, shown: list[Shown]) -> Field:
    height = SHEET_PX * 3 // 4
    whole = draw_arrows(still.plate, [still.poke], [], max(still.plate.size_px)).astype(np.float32) / 255
    cells = []
    for picture in (whole, *(one.picture for one in shown)):
        scale = min(SHEET_PX / picture.shape[1], height / picture.shape[0])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cell = np.zeros((height, SHEET_PX, 3), np.float32)
        cell[: small.shape[0], : small.shape[1]] = small[:height, :SHEET_PX]
        cells.append(cell)
    return np.hstack(cells)


def _write_sheets(folder: Path, group: str, rows: list[Field]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(rows), SHEET_ROWS):
        sheet = np.rint(np.vstack(rows[start : start + SHEET_ROWS]) * 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{group}-{start // SHEET_ROWS}.jpg"), sheet)


if __name__ == "__main__":
    sys.exit(main())
