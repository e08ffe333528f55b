"""Contact sheets of a recipe's clips, to look at: a few frames of each, and what moves and what must not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pictures import PictureError
from .clips import Clip, render
from .recipes import GARDEN, RECIPES
from .scene_source import SceneSource, add_picture_options

SHOWN_FRAMES = (0, 2, 4, 6, 8, 10)
FRAMES = SHOWN_FRAMES[-1]


def contact_sheet(clips: list[Clip], columns: int, scale: int) -> NDArray[np.uint8]:
    """Clips side by side, each a row of frames 0, 2, ... 10, last the forward flow (hue) with neighbours in white: BGR."""
    strips = [_strip(clip, scale) for clip in clips]
    strips += [np.zeros_like(strips[0])] * (-len(strips) % columns)
    rows = [np.concatenate(strips[start : start + columns], axis=1) for start in range(0, len(strips), columns)]
    return np.asarray(np.concatenate(rows)[..., ::-1], np.uint8)


def _strip(clip: Clip, scale: int) -> NDArray[np.uint8]:
    shown = [*(clip.frames[t] for t in SHOWN_FRAMES), _flow_picture(clip)]
    enlarged = [np.kron(frame, np.ones((scale, scale, 1), np.uint8)) for frame in shown]
    return np.pad(np.concatenate(enlarged, axis=1), ((2, 2), (2, 6), (0, 0)))


def _flow_picture(clip: Clip) -> NDArray[np.uint8]:
    flow = clip.forward[-1]
    angle, amplitude = np.arctan2(flow[..., 1], flow[..., 0]), np.linalg.norm(flow, axis=-1)
    hsv = np.stack([(angle / np.pi + 1) * 89.9, np.full_like(angle, 255), np.minimum(amplitude / 12, 1) * 255], -1)
    picture = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
    picture[clip.neighbour] = 200
    return np.asarray(picture, np.uint8)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ipoke_models.data.procedural.sheet", description=__doc__)
    parser.add_argument("output", type=Path, help="picture to write")
    parser.add_argument("--recipe", choices=sorted(RECIPES), default=GARDEN)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--columns", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first clip")
    parser.add_argument("--size", type=int, default=64, help="working resolution in px")
    parser.add_argument("--scale", type=int, default=2, help="screen pixels a pixel")
    add_picture_options(parser)
    options = parser.parse_args(arguments)
    folders = (options.cutouts, options.photos, options.mocap)
    of_recipe = options.recipe, options.seed, options.size, FRAMES
    source = SceneSource(*of_recipe, *folders, restyled=options.restyled, animated=options.animated)
    numbers = range(options.first, options.first + options.count)
    try:
        clips = [render(source.scene(number), source.size_px, source.frames) for number in numbers]
    except PictureError as error:
        print(error, file=sys.stderr)
        return 2
    if not cv2.imwrite(str(options.output), contact_sheet(clips, options.columns, options.scale)):
        print(f"{options.output} can't be written; name a PNG file in a folder that exists.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
