"""`ipoke segment masks`: masks of the things in photographs by a larger network, where what it says is sound."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.pictures import PictureError, picture_files, read_bgr
from ..data.procedural.motion import Array
from ..errors import ModelError
from .contestants import Salience

LEAST_SOUND = 0.8
_SHARES = (0.03, 0.65)
"""Of the picture, between which a thing's share lies."""
_NARROW_PX, _WIDE_PX = 1.5, 6.0
"""Width of an edge, at the network's 320 px, from which on it counts as soft, and within which it falls to 1/e."""
_STEEP_FROM, _STEEP_OVER = 0.3, 0.45
_ISLAND = 0.05
_SURE, _UNSURE = 0.5, (0.1, 0.9)


def soundness(salience: Array) -> float:
    """How likely a map (H, W) in [0, 1] outlines one thing: one piece, sure inside, a narrow edge, off the picture's border."""
    inside = salience > _SURE
    if not _SHARES[0] < inside.mean() < _SHARES[1]:
        return 0.0
    _, _, facts, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8))
    largest = float(facts[1:, cv2.CC_STAT_AREA].max()) / float(inside.sum())
    outline = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    unsure = (salience > _UNSURE[0]) & (salience < _UNSURE[1])
    width_px = float(unsure.sum()) / max(float(outline.sum()), 1.0)
    border = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]]).mean()
    narrow = np.exp(-max(0.0, width_px - _NARROW_PX) / _WIDE_PX)
    return largest * float(salience[inside].mean()) * float(narrow) * (1 - min(1.0, 4 * float(border)))


def mask_of(salience: Array, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The map at the picture's size (width, height) with a steeper edge and without small islands, 0 to 255."""
    alpha = np.clip((cv2.resize(salience, size_px, interpolation=cv2.INTER_CUBIC) - _STEEP_FROM) / _STEEP_OVER, 0, 1)
    count, pieces, facts, _ = cv2.connectedComponentsWithStats((alpha > 0.05).astype(np.uint8))
    if count > 1:
        areas_px = facts[:, cv2.CC_STAT_AREA].astype(float)
        areas_px[0] = 0
        alpha = alpha * (areas_px >= _ISLAND * areas_px.max())[pieces]
    return np.rint(alpha * 255).astype(np.uint8)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ipoke segment masks`."""
    parser.add_argument("pictures", type=Path, help="folder with photos; masks are written beside them")
    parser.add_argument("--teacher", type=Path, required=True, help="ONNX file of the network, such as u2net.onnx")


def run(options: argparse.Namespace) -> int:
    """Write a mask for every photograph with a sound one that has none yet; returns the exit code."""
    try:
        teacher = Salience(options.teacher)
        photos = picture_files([options.pictures / "photos"], {".jpg", ".jpeg"})
    except (ModelError, PictureError) as error:
        print(error, file=sys.stderr)
        return 2
    folder = options.pictures / "masks"
    folder.mkdir(exist_ok=True)
    written = 0
    for path in photos:
        target = folder / f"{path.stem}.png"
        photo = None if target.exists() else read_bgr(path)
        if photo is None:
            continue
        salience = teacher.map_of(np.ascontiguousarray(photo[..., 2::-1]))
        if soundness(salience) >= LEAST_SOUND:
            data = cv2.imencode(".png", mask_of(salience, (photo.shape[1], photo.shape[0])))[1].tobytes()
            half = target.with_name(f".{target.name}.part")
            half.write_bytes(data)
            half.replace(target)  # there whole or not at all, since what is there is not made again
            written += 1
    print(f"Wrote {written} masks of {len(photos)} photographs to {folder}.", file=sys.stderr)
    return 0
