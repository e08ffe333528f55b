"""Owns the plate of an object: finding it, reading its file's bytes, and giving an object a plate."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from .core.errors import PlateError
from .core.jobs import Target

if TYPE_CHECKING:
    from .properties import IPOKE_PG_plate


def plate_of(obj: bpy.types.Object | None) -> IPOKE_PG_plate | None:
    """Return the object's plate, or None when it has no still."""
    if obj is None or obj.type != "MESH" or obj.ipoke.still is None:
        return None
    return obj.ipoke


def active(context: bpy.types.Context) -> IPOKE_PG_plate | None:
    """Return the active object's plate."""
    return plate_of(context.active_object)


def adopt(obj: bpy.types.Object) -> IPOKE_PG_plate:
    """Make the first image of the object's material its plate, unless it has one; raises `PlateError`."""
    plate = plate_of(obj)
    if plate is None:
        node = next(image_nodes(obj), None) if obj.type == "MESH" else None
        if node is None or node.image is None:
            raise PlateError(f"{obj.name} shows no image; add an image plane or give its material an image texture.")
        plate = obj.ipoke
        plate.still = node.image
    if not plate.plate_id:
        plate.plate_id = uuid.uuid4().hex
    return plate


def image_nodes(obj: bpy.types.Object) -> Iterator[bpy.types.ShaderNodeTexImage]:
    """Yield the image texture nodes with an image in the object's materials, those of the active material first."""
    materials = [obj.active_material, *(slot.material for slot in obj.material_slots)]
    seen: set[str] = set()
    for material in materials:
        if material is None or material.node_tree is None or material.name in seen:
            continue
        seen.add(material.name)
        yield from (node for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image is not None)


def target(obj: bpy.types.Object) -> Target:
    """Return the name of an object's plate for a job; a copy of another object's plate becomes a plate of its own."""
    plate = obj.ipoke
    if any(other is not obj and other.ipoke.plate_id == plate.plate_id for other in bpy.data.objects):
        plate.plate_id = uuid.uuid4().hex
    return Target(plate.plate_id, obj.name)


def find(wanted: Target) -> bpy.types.Object | None:
    """Return the object that a job is for, or None when it is gone."""
    owners = [obj for obj in bpy.data.objects if obj.ipoke.plate_id == wanted.plate_id]
    return next((obj for obj in owners if obj.name == wanted.object_name), owners[0] if owners else None)


def read(image: bpy.types.Image) -> bytes:
    """Return the still as an encoded image file; raises `PlateError` when there is none."""
    if image.is_dirty:
        raise PlateError(f"{image.name} has changes that are not saved; save or pack the image first.")
    if image.packed_file is not None:
        return bytes(image.packed_file.data)
    path = Path(bpy.path.abspath(image.filepath_from_user(), library=image.library))
    try:
        return path.read_bytes()
    except OSError as error:
        raise PlateError(f"The plate's file {path} can't be read: {error.strerror}; relink the image.") from error


def size_px(plate: IPOKE_PG_plate) -> tuple[int, int]:
    """Return the still's size; (1, 1) while its file is missing."""
    width, height = plate.still.size
    return max(width, 1), max(height, 1)
