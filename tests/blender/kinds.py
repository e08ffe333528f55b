"""Holds what is read of every still of the table to what Blender reads of the same file. No bpy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipoke_media.image import read_image
from ipoke_media.kinds import kind_of
from tests.machine import allowed
from tests.media.files import Make

BLENDER_PYTHON = os.environ.get("IPOKE_BLENDER_PYTHON", sys.executable)
LIMIT_S = 300
_SCRIPT = Path(__file__).with_name("reading.py")
_RESULT = "blender.npz"


@dataclass(frozen=True)
class Line:
    """A file, the largest difference of a pixel to Blender's in parts of white, and whether size and alpha are the same."""

    name: str
    size_px: tuple[int, int]
    depth: str
    layer: str
    difference: float
    same_size: bool
    same_alpha: bool


def compare(table: dict[str, Make], folder: Path) -> Iterator[Line]:
    """A line for each file, which are written to `folder`; Blender reads all of them in one process."""
    made = {name: make() for name, make in table.items()}
    for number, data in enumerate(made.values()):
        (folder / f"{number}{kind_of(data).suffix}").write_bytes(data)
    command = [BLENDER_PYTHON, str(_SCRIPT), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=allowed(LIMIT_S), check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    with np.load(folder / _RESULT) as blender:
        for number, (name, data) in enumerate(made.items()):
            yield _line(name, data, blender[str(number)], bool(blender[f"{number} premultiplied"]))


def unread(table: dict[str, Make], folder: Path) -> list[str]:
    """Names of the files of which Blender shows nothing."""
    made = {name: make() for name, make in table.items()}
    for number, data in enumerate(made.values()):
        (folder / f"{number}{kind_of(data).suffix}").write_bytes(data)
    command = [BLENDER_PYTHON, str(_SCRIPT), str(folder)]
    subprocess.run(command, capture_output=True, timeout=allowed(LIMIT_S), check=True)
    with np.load(folder / _RESULT) as blender:
        return [name for number, name in enumerate(made) if str(number) not in blender]


def _line(name: str, data: bytes, blender: NDArray[Any], premultiplied: bool) -> Line:
    ours = read_image(data)
    peak = float(np.iinfo(ours.rgb.dtype).max) if ours.rgb.dtype.kind == "u" else 1.0
    height, width = ours.rgb.shape[:2]
    alpha = np.ones((height, width)) if ours.alpha is None or ours.layer else ours.alpha / np.float64(peak)
    pixels = np.dstack([ours.rgb / np.float64(peak), alpha])
    same_size = pixels.shape[:2] == blender.shape[:2]
    difference = float(np.abs(pixels - blender).max()) if same_size else float("inf")
    # Of a picture without alpha either is true.
    same_alpha = ours.alpha is None or ours.premultiplied == premultiplied
    return Line(name, (width, height), ours.rgb.dtype.name, ours.layer, difference, same_size, same_alpha)
