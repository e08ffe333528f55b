"""`python -m benchmarks.plate_kinds`: how far what is read of each kind of still lies from what Blender reads of the same file.

The files are those of the tests, made on the spot; Blender is its Python module, in a process of its own. Also counts stored
values outside the moved box that differ between a still with whole numbers and a frame made from it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.plate.image import PlateImage, decode_image, encode_frame
from backend.plate.motion import motion_of_flows
from backend.plate.render import Renderer
from backend.protocol.messages import Region
from tests.blender.kinds import Line, compare
from tests.media.table import TAKEN


def differing(data: bytes) -> tuple[int, int]:
    """Stored values outside the moved box that a frame's file changes, and how many were compared."""
    plate = decode_image(data, upright=False)
    region = Region(8, 6, 16, 16)
    flow = np.full((2, 16, 16), 3, np.float32)
    renderer = Renderer(plate, region, motion_of_flows([flow], [None]))
    frame = decode_image(encode_frame(renderer.frame(np.array([0.0, 1.0])), plate.depth_bits))
    kept = np.ones(plate.bgr.shape[:2], bool)
    kept[region.y : region.y + region.h, region.x : region.x + region.w] = False
    pairs = [(plate.bgr, frame.bgr), *_alphas(plate, frame)]
    return sum(int((old[kept] != new[kept]).sum()) for old, new in pairs), sum(old[kept].size for old, _ in pairs)


def _alphas(plate: PlateImage, frame: PlateImage) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    if plate.alpha is None or frame.alpha is None:
        return []
    return [(plate.alpha, frame.alpha)]


def main() -> int:
    """Print the table, like files in one line; returns 1 where a size, alpha or a stored value differs."""
    rows: dict[str, list[tuple[Line, int, int]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for line in compare(TAKEN, Path(folder)):
            rows.setdefault(_row(line.name), []).append((line, *differing(TAKEN[line.name]())))
    print("| files | values | layer | largest difference | size and alpha | values that differ in a frame |")
    print("|---|---|---|---|---|---|")
    for name, found in rows.items():
        lines = [line for line, _, _ in found]
        same = all(line.same_size and line.same_alpha for line in lines)
        differ, compared = (sum(column) for column in list(zip(*found, strict=True))[1:])
        worst = max(line.difference for line in lines)
        cells = (name, lines[0].depth, lines[0].layer, f"{worst:.1g}", "same" if same else "OTHER", f"{differ} of {compared}")
        print(f"| {' | '.join(cells)} |", flush=True)
    every = [one for found in rows.values() for one in found]
    return int(not all(line.same_size and line.same_alpha and differ == 0 for line, differ, _ in every))


def _row(name: str) -> str:
    """The row of a file: those that differ in their packing or orientation alone share one."""
    name = re.sub(r"orientation \d", "orientation 1 to 8", name).removesuffix(", interlaced")
    return re.sub(r"^EXR, half, .*", "EXR, half, every compression", name)


if __name__ == "__main__":
    sys.exit(main())
