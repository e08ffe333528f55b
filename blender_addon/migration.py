"""Owns bringing what older versions of the add-on stored in a file up to date. Every step is safe to take again."""

from __future__ import annotations

import bpy

from . import plates
from .core import folders
from .properties import IPOKE_PG_plate


def upgrade() -> None:
    """Bring every plate of the file to `plates.DATA_VERSION`; a plate of a newer version is left as it is."""
    for obj in bpy.data.objects:
        plate = obj.ipoke
        if plate.plate_id and plate.data_version < plates.DATA_VERSION:
            _name_bakes(plate)
            plate.data_version = plates.DATA_VERSION


def _name_bakes(plate: IPOKE_PG_plate) -> None:
    """Version 1 kept every bake in one place; since version 2 a variant says where its bake is."""
    for variant in plate.variants:
        if variant.baked_frames and not variant.baked_file:
            variant.baked_file = folders.first_frame(folders.bake_place(variant.index)).as_posix()
