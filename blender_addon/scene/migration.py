"""Brings what older versions of the add-on stored in a file up to date. Every step is safe to take again."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ..core.jobs import folders
from . import plates, sequences
from .properties import IPOKE_PG_plate


def upgrade() -> None:
    """Bring every plate of the file to `plates.DATA_VERSION`; plates of a newer version and linked ones stay as they are."""
    for obj in bpy.data.objects:
        plate = obj.ipoke
        if plate.plate_id and plate.data_version < plates.DATA_VERSION and plates.is_own(obj):
            _name_bakes(plate)
            _keep_pace(plate)
            plate.data_version = plates.DATA_VERSION


def settle(obj: bpy.types.Object, library: Path) -> None:
    """Let an object that was appended from a file find its results where that file has them."""
    if not plates.is_own(obj):
        return  # a linked object's paths belong to its own file, and are read so
    for job in obj.ipoke.jobs:
        job.folder = _from_there(job.folder, library)
    for variant in obj.ipoke.variants:
        variant.baked_file = _from_there(variant.baked_file, library)


def _from_there(path: str, library: Path) -> str:
    if not path.startswith("//"):
        return path
    return sequences.blend_path(Path(os.path.normpath(library.parent / path[2:])))


def _name_bakes(plate: IPOKE_PG_plate) -> None:
    """Version 1 kept every bake in one place; since version 2 a variant says where its bake is."""
    for variant in plate.variants:
        if variant.baked_frames and not variant.baked_file:
            variant.baked_file = folders.first_frame(folders.bake_place(variant.index)).as_posix()


def _keep_pace(plate: IPOKE_PG_plate) -> None:
    """Before version 3 clips had the model's own pace, and only bakes could be laid out in time."""
    if plate.data_version < 3:
        for name, value in (("fit", False), ("loop", "none")):
            if not plate.timing.is_property_set(name):  # what was set since is the artist's
                setattr(plate.timing, name, value)
        if plate.bake.is_property_set("own_timing"):
            return
        plate.bake.own_timing = any(plate.bake.is_property_set(name) for name in ("hold", "fit", "length", "loop", "easing"))
