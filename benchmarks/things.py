"""Stills whose thing is known, for measurements of bodies: held-out cut-outs before held-out photographs, and masks by hand.

A folder of photographs holds NAME.jpg and NAME.mask.png, and `things.json`: a list with `name`, and `tail` and `tip` of an arrow.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.plate.image import Field, PlateImage, decode_plate, shrink
from backend.plate.stage import lock_of
from backend.protocol.messages import Poke
from ipoke_models.data.pictures import NOT_PHOTOGRAPHS, crop_to_alpha, is_held_out, picture_files, read_bgr

SIZE_PX = (768, 576)
ARROW = 0.15
"""Length of an arrow, of the thing's longer side."""
INDEX = "things.json"
_LEAST_COLOURS = 400  # of 32768, in a cut-out: fewer are drawings
_LEAST_SIDES_PX = 80, 250
_A_KIND = 2  # cut-outs of one kind
_SHARE = 0.66  # of the plate's height or width that the thing takes
_STANDS_AT = 0.88  # of the plate's height, unless it is cut off below
_CUT_OFF = 0.5  # of a cut-out's width that its lowest rows fill


@dataclass(frozen=True)
class Still:
    """A plate without alpha, the matte (H, W) in [0, 1] of its thing, and an arrow on it."""

    name: str
    plate: PlateImage
    thing: Field
    poke: Poke


def cut_out_stills(cutouts: Path, photos: Path, count: int) -> list[Still]:
    """Held-out cut-outs before held-out photographs, always the same ones."""
    behind = [path for path in _by_hash(photos, {".jpg", ".jpeg"}) if min(_sides(path)) >= 240]
    if not behind:
        raise SystemExit(f"No held-out photographs under {photos}; give the folder that the models were taught with.")
    made: list[Still] = []
    for (name, cut), photo in zip(_cut_outs(cutouts, count), behind * count, strict=False):
        made.append(_composed(name, cut, photo))
    return made


def photo_stills(folder: Path) -> list[Still]:
    """Photographs with masks made by hand."""
    made = []
    for entry in json.loads((folder / INDEX).read_text()):
        plate = shrink(decode_plate((folder / f"{entry['name']}.jpg").read_bytes()), SIZE_PX[0])
        mask = lock_of(decode_plate((folder / f"{entry['name']}.mask.png").read_bytes()))
        thing = np.asarray(cv2.resize(mask, plate.size_px, interpolation=cv2.INTER_AREA), np.float32)
        (x, y), (tip_x, tip_y) = entry["tail"], entry["tip"]
        made.append(Still(entry["name"], plate, thing, Poke(x, y, tip_x - x, tip_y - y)))
    return made


def _by_hash(folder: Path, suffixes: set[str]) -> list[Path]:
    found = [path for path in picture_files([folder], suffixes) if is_held_out(path.name)]
    return sorted(found, key=lambda path: hashlib.sha256(path.name.encode()).digest())


def _sides(path: Path) -> tuple[int, ...]:
    picture = read_bgr(path)
    return (0,) if picture is None else picture.shape[:2]


def _cut_outs(folder: Path, count: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    kinds: Counter[str] = Counter()
    for path in _by_hash(folder, {".png"}):
        kind = path.stem.split("__")[-1].split("-")[0]
        if sum(kinds.values()) == count:
            return
        if kinds[kind] == _A_KIND or any(word in str(path.relative_to(folder)) for word in NOT_PHOTOGRAPHS):
            continue
        picture = read_bgr(path)
        cut = None if picture is None or picture.shape[2] != 4 else crop_to_alpha(picture)
        if cut is None or min(cut.shape[:2]) < _LEAST_SIDES_PX[0] or max(cut.shape[:2]) < _LEAST_SIDES_PX[1]:
            continue
        colours = np.unique((cut[cut[..., 3] > 127][:, :3] >> 3).astype(np.int32) @ (1, 32, 1024))
        if len(colours) >= _LEAST_COLOURS:
            kinds[kind] += 1
            yield path.stem.split("__")[-1], cut


def _composed(name: str, cut: NDArray[np.uint8], photo: Path) -> Still:
    width, height = SIZE_PX
    backdrop = read_bgr(photo)
    assert backdrop is not None
    scale = max(width / backdrop.shape[1], height / backdrop.shape[0])
    behind = cv2.resize(backdrop[..., :3], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)[:height, :width]
    scale = _SHARE * min(width / cut.shape[1], height / cut.shape[0])
    premultiplied = np.dstack([cut[..., :3] * (cut[..., 3:] / 255), cut[..., 3]]).astype(np.float32)
    small = cv2.resize(premultiplied, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    generator = np.random.default_rng(list(name.encode()))
    cut_off = (cut[-4:, :, 3] > 127).mean() > _CUT_OFF
    top = height - small.shape[0] if cut_off else int(_STANDS_AT * height) - small.shape[0]
    left = int(generator.integers(0, width - small.shape[1] + 1))
    place = (slice(top, top + small.shape[0]), slice(left, left + small.shape[1]))
    alpha, thing = np.clip(small[..., 3] / 255, 0, 1), np.zeros((height, width), np.float32)
    thing[place] = alpha
    picture = behind.astype(np.float32)
    picture[place] = picture[place] * (1 - alpha[..., None]) + small[..., :3]
    plate = PlateImage(np.clip(np.rint(picture), 0, 255).astype(np.uint8), None)
    return Still(name, plate, thing, _arrow(thing, generator))


def _arrow(thing: Field, generator: np.random.Generator) -> Poke:
    """From somewhere well inside the thing's upper two thirds, in any direction that stays on the plate."""
    height, width = thing.shape
    mask = np.pad(thing > 0.5, 1)
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    rows, columns = np.nonzero(mask[1:-1, 1:-1])
    top, high, wide = rows.min(), np.ptp(rows) + 1, np.ptp(columns) + 1
    inside = (depth[rows, columns] > 0.3 * depth.max()) & (rows < top + 0.67 * high)
    row, column = (int(found[inside][generator.integers(inside.sum())]) for found in (rows, columns))
    tail, length = np.array([column + 0.5, row + 0.5]), ARROW * max(high, wide)
    while True:
        angle = generator.uniform(0, 2 * np.pi)
        tip = tail + length * np.array([np.cos(angle), np.sin(angle)])
        if (tip > 4).all() and (tip < (width - 4, height - 4)).all():
            x, y, dx, dy = (float(value) for value in np.concatenate([tail, tip - tail]) / (width, height, width, height))
            return Poke(x, y, dx, dy)
