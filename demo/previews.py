"""Owns the demo's pictures: the contact sheet with the arrows, a video a variant, and all of them moving at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.plate import preview
from backend.plate.image import decode_plate
from backend.protocol.messages import Poke, Region


def find_job(output: Path) -> Path:
    """Return the folder of the sampled variants."""
    return next(path.parent for path in sorted(output.glob("ipoke/*/*/job.json")))


MOVING = "variants.webp"
_TILE_PX = (400, 225)
_FRAME_MS = 1000 // 24
_QUALITY = 75


def make_previews(output: Path) -> None:
    """Write `contact_sheet.png`, `preview_NN.mp4` and `variants.webp` into the output folder."""
    folder = find_job(output)
    job = json.loads((folder / "job.json").read_text())
    plate = decode_plate((output / "plate.jpg").read_bytes())

    def write(name: str, data: bytes) -> Path:
        (output / name).write_bytes(data)
        return output / name

    maker = preview.PreviewMaker(write, plate, [Poke(*poke) for poke in job["pokes"]])
    for variant in job["variants"]:
        for t, frame in enumerate(sorted((folder / variant["folder"]).glob("frame_*.png")), start=1):
            maker.frame(variant["index"], t, frame.read_bytes())
        maker.variant_done(variant["index"])
    maker.finish([Region(*job["region_px"])])
    folders = [folder / variant["folder"] for variant in job["variants"]]
    _write_moving(output / MOVING, cv2.imread(str(output / "plate.jpg"), cv2.IMREAD_COLOR), folders)


def _write_moving(file: Path, still: np.ndarray[Any, Any], folders: list[Path]) -> None:
    """Variants two by two, from the still until they rest there again, for ever."""
    instants = [[still] * len(folders)]
    frames = [sorted(folder.glob("frame_*.png")) for folder in folders]
    instants += [[cv2.imread(str(path), cv2.IMREAD_COLOR) for path in together] for together in zip(*frames, strict=True)]
    pages = []
    for pictures in instants:
        tiles = [cv2.resize(picture, _TILE_PX, interpolation=cv2.INTER_AREA) for picture in pictures]
        pages.append(np.vstack([np.hstack(tiles[row : row + 2]) for row in range(0, len(tiles), 2)]))
    animation = cv2.Animation()
    animation.frames, animation.durations = pages, [_FRAME_MS] * len(pages)
    if not cv2.imwriteanimation(str(file), animation, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY]):
        raise OSError(f"{file} can't be written.")
