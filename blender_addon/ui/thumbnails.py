"""The small pictures of variants in the sidebar: they play, and show what moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import bpy.utils.previews
import numpy as np
from numpy.typing import NDArray

from .._vendor.client import frame_file_name
from ..core.gestures import crop
from ..core.gestures.region import Box
from ..core.jobs import folders, trusted_paths
from ..core.lifetime import WhileEnabled
from ..scene import paths, plates
from ..scene.properties import IPOKE_PG_job, IPOKE_PG_plate, IPOKE_PG_variant

DRAWINGS = 24
"""How many pictures of a variant are shown at most while it plays."""
LOADS = 4
"""How many of them are read at most each time that the sidebar is drawn."""


@dataclass
class Thumbnails:
    """What was read of the disk."""

    pictures: bpy.utils.previews.ImagePreviewCollection = field(default_factory=bpy.utils.previews.new)
    """Small pictures by their files, and those of variants by their files and parts."""
    parts: dict[str, Box] = field(default_factory=dict)
    """Which part of the plate the pictures of a job show."""
    last: dict[str, str] = field(default_factory=dict)
    """Which picture of a variant was shown last, by its folder."""
    left: int = LOADS
    """How many pictures may be read until the sidebar is drawn the next time."""


state = WhileEnabled(Thumbnails, lambda own: bpy.utils.previews.remove(own.pictures))


def begin() -> None:
    """Let pictures be read again: the sidebar is being drawn."""
    state().left = LOADS


def of_variant(plate: IPOKE_PG_plate, variant: IPOKE_PG_variant, now: int) -> int:
    """Return the icon of what a variant shows at a frame of the scene; 0 when there is nothing to show."""
    job = plate.jobs.get(variant.job_id)
    if job is None or variant.frames < 1:
        return 0
    folder = folders.variant_folder(paths.folder(plate, job.name), variant.index)
    step = max(1, -(-variant.frames // DRAWINGS))
    frame = 1 + (now - plate.start_frame) % variant.frames // step * step
    file = folder / frame_file_name(frame)
    own, key = state(), f"{file} part"
    if key not in own.pictures:
        if own.left <= 0 or not trusted_paths.is_file(file):
            return _icon(own, own.last.get(str(folder), ""))
        own.left -= 1
        _keep_part(own, key, file, _part_of(own, plate, job))
    own.last[str(folder)] = key
    return _icon(own, key)


def picture(path: Path) -> int:
    """Return the icon of an image file; 0 when it is missing."""
    own, key = state(), str(path)
    if key not in own.pictures:
        if not trusted_paths.is_file(path):
            return 0
        own.pictures.load(key, key, "IMAGE")
        _ = own.pictures[key].image_size[0]  # loads it now; by itself it would stay empty until some later redraw
    return _icon(own, key)


def _icon(own: Thumbnails, key: str) -> int:
    return int(own.pictures[key].icon_id) if key in own.pictures else 0


def _part_of(own: Thumbnails, plate: IPOKE_PG_plate, job: IPOKE_PG_job) -> Box:
    if job.name not in own.parts:
        mask = paths.thing_file(plate, job.name)
        thing = None
        if job.thing_sha256 and trusted_paths.is_file(mask):
            seen = _read(mask)[::-1]
            thing = crop.reach_of((seen & 0xFF).astype(np.float32) / 255)
        ends = [end for poke in plates.poke_settings(job.pokes) if poke.enabled for end in (poke.arrow.tail, poke.arrow.tip)]
        own.parts[job.name] = crop.part_of(plates.size_px(plate), thing, ends)
    return own.parts[job.name]


def _keep_part(own: Thumbnails, key: str, file: Path, part: Box) -> None:
    pixels = _read(file)
    height, width = pixels.shape
    if not pixels.size:
        return  # no picture, or not yet a whole one
    rows = slice(round((1 - part.bottom) * height), max(round((1 - part.top) * height), 1))
    shown = np.ascontiguousarray(pixels[rows, round(part.left * width) : max(round(part.right * width), 1)])
    kept = own.pictures.new(key)
    kept.image_size = shown.shape[1], shown.shape[0]
    kept.image_pixels.foreach_set(shown.ravel())


def _read(file: Path) -> NDArray[np.int32]:
    """A small copy of an image file: its pixels (H, W), each a number, the first row at the bottom; none are kept."""
    shelf = bpy.utils.previews.new()
    try:
        loaded = shelf.load("", str(file), "IMAGE")
        width, height = loaded.image_size
        pixels = np.zeros(width * height, np.int32)
        loaded.image_pixels.foreach_get(pixels)
    finally:
        bpy.utils.previews.remove(shelf)
    return pixels.reshape(height, width)
