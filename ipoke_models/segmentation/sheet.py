"""`ipoke segment sheet`: what was found on held-out composites, on photographs, at places on any pictures, to look at."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..data.pictures import PictureError, read_bgr, shrink
from ..errors import ModelError
from ..installed import find_segmenter
from .config import GROUP, PART, THING
from .contestants import on_picture, strokes_of
from .interaction import Click, iou, next_click
from .network import POSITIVE
from .segmenter import Segmenter, load_segmenter
from .trials import PHOTOGRAPH, Trial, open_trials

TILE_PX = 256
COLUMNS = 6
COMPOSITES = 24
_LARGEST_PX = 1280
_PART_RGB, _THING_RGB, _GROUP_RGB = (255, 220, 0), (255, 60, 30), (40, 120, 255)

Rgb = NDArray[np.uint8]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ipoke segment sheet`."""
    parser.add_argument("model", help="the segmenter's folder, or the name of one that is installed")
    parser.add_argument("-o", "--output", type=Path, required=True, help="image to write")
    parser.add_argument(
        "--pictures", type=Path, help="folder with cutouts, photos and masks, or with photographs and things.json"
    )
    parser.add_argument("--count", type=int, help="pictures of that folder: 24 composites, or all photographs")
    parser.add_argument("--clicks", type=int, default=1, help="clicks on each of them; those after the first correct")
    parser.add_argument("--at", action="append", default=[], metavar="IMAGE@X,Y[;-X,Y...]", help="an image and clicks on it")
    parser.add_argument("--threads", type=int, default=1)


def run(options: argparse.Namespace) -> int:
    """Write the sheet; returns the exit code."""
    torch.set_num_threads(options.threads)
    try:
        segmenter = load_segmenter(find_segmenter(options.model))
        tiles = [still_tile(segmenter, *parse_place(text)) for text in options.at]
        if options.pictures:
            trials = open_trials(options.pictures, options.count)
            shown = COMPOSITES if options.count is None and trials.kinds != (PHOTOGRAPH,) else trials.count
            tiles += [trial_tile(segmenter, trials.trial(number), options.clicks) for number in range(shown)]
    except (ModelError, PictureError) as error:
        print(error, file=sys.stderr)
        return 2
    if not tiles:
        print("There is nothing to show; name --pictures or --at.", file=sys.stderr)
        return 2
    options.output.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(options.output), sheet(tiles)[..., ::-1]):
        print(f"{options.output} can't be written; name a .png or .jpg file.", file=sys.stderr)
        return 2
    return 0


def parse_place(text: str) -> tuple[Path, list[Click]]:
    """IMAGE@X,Y;X,Y;-X,Y as a path and clicks.

    Raises:
        PictureError: it says something else.
    """
    path, _, places = text.rpartition("@")
    clicks: list[Click] = []
    try:
        for place in places.split(";"):
            x, y = place.removeprefix("-").split(",")
            clicks.append((float(x), float(y), -POSITIVE if place.startswith("-") else POSITIVE))
    except ValueError as error:
        raise PictureError(f"{text!r} names no image and places on it; write IMAGE@0.4,0.5 in fractions.") from error
    return Path(path), clicks


def still_tile(segmenter: Segmenter, path: Path, clicks: list[Click]) -> Rgb:
    """An image with what was found under clicks.

    Raises:
        PictureError: it can't be read.
    """
    picture = read_bgr(path)
    if picture is None:
        raise PictureError(f"{path} can't be read as an image; name a PNG or JPEG.")
    rgb = np.ascontiguousarray(shrink(picture, _LARGEST_PX)[..., 2::-1])
    prepared = segmenter.prepare(rgb)
    found = segmenter.masks(prepared, strokes_of(clicks))
    scores = " ".join(f"{one.score:.2f}" for one in (found.part, found.thing, found.group))
    return _tile(rgb, on_picture(found, prepared.size_px), clicks, scores)


def trial_tile(segmenter: Segmenter, trial: Trial, count: int) -> Rgb:
    """A picture whose thing is known with what was found after so many clicks, its name and the IoU of the thing."""
    prepared, clicks = segmenter.prepare(trial.rgb), [trial.starts[0]]
    for number in range(count):
        masks = on_picture(segmenter.masks(prepared, strokes_of(clicks)), prepared.size_px)
        if number + 1 < count:
            clicks.append(next_click(trial.wanted, masks[THING]))
    return _tile(trial.rgb, masks, clicks, f"{iou(trial.wanted, masks[THING]):.2f} {trial.name}")


def sheet(tiles: list[Rgb]) -> Rgb:
    """Tiles in rows."""
    blank = np.zeros_like(tiles[0])
    full = tiles + [blank] * (-len(tiles) % min(COLUMNS, len(tiles)))
    columns = min(COLUMNS, len(tiles))
    return np.vstack([np.hstack(full[start : start + columns]) for start in range(0, len(full), columns)])


def _tile(rgb: Rgb, masks: NDArray[np.bool_], clicks: list[Click], text: str) -> Rgb:
    """The picture, and below it the same darker, with the thing tinted, the part's and the group's outlines, and the clicks."""
    seen = rgb.astype(np.float32) * 0.45
    seen[masks[THING]] = rgb[masks[THING]] * 0.55 + np.array(_THING_RGB, np.float32) * 0.45
    above, below = (_letterboxed(np.asarray(picture, np.uint8)) for picture in (rgb, seen))
    for level, colour in ((GROUP, _GROUP_RGB), (PART, _PART_RGB), (THING, _THING_RGB)):
        mask = _letterboxed(np.where(masks[level][..., None], 255, np.zeros(3)).astype(np.uint8))[..., 0] > 127
        outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(below, outlines, -1, colour, 1)
    scale = TILE_PX / max(rgb.shape[:2])
    margin_x, margin_y = (TILE_PX - rgb.shape[1] * scale) / 2, (TILE_PX - rgb.shape[0] * scale) / 2
    for x, y, sign in clicks:
        place = int(margin_x + x * rgb.shape[1] * scale), int(margin_y + y * rgb.shape[0] * scale)
        for radius, colour in ((5, (0, 0, 0)), (3, (60, 255, 60) if sign == POSITIVE else (255, 0, 255))):
            if sign:
                cv2.circle(below, place, radius, colour, -1)
    cv2.putText(below, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return np.vstack([above, below])


def _letterboxed(picture: Rgb) -> Rgb:
    scale = TILE_PX / max(picture.shape[:2])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((TILE_PX, TILE_PX, 3), np.uint8)
    top, left = (TILE_PX - size[1]) // 2, (TILE_PX - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas
