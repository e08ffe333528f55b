"""The plate of an object: finding it, what is set on it, and giving an object a plate."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .._vendor.client import Level, Stroke
from ..core.errors import PlateError
from ..core.gestures import region
from ..core.gestures.plane import Vec2
from ..core.gestures.pokes import Arrow
from ..core.gestures.region import Box
from ..core.jobs.job import Target
from ..core.jobs.settings import PokeSetting, Settings
from ..core.things.thing import Source, ThingSetting
from . import sampling
from .properties import IPOKE_PG_plate, IPOKE_PG_poke, IPOKE_PG_thing

DATA_VERSION = 3


def plate_of(obj: bpy.types.Object | None) -> IPOKE_PG_plate | None:
    """Return the object's plate, or None when it has no still."""
    if obj is None or obj.type != "MESH" or obj.ipoke.still is None:
        return None
    return obj.ipoke


def is_own(obj: bpy.types.Object) -> bool:
    """Return whether an object belongs to this file: Blender takes no new results into one that is linked, or an override."""
    return obj.library is None and obj.override_library is None


def active(context: bpy.types.Context) -> IPOKE_PG_plate | None:
    """Return the active object's plate."""
    return plate_of(context.active_object)


def adopt(obj: bpy.types.Object) -> IPOKE_PG_plate:
    """Make the first image of the object's material its plate, unless it has one; raises `PlateError`."""
    if not is_own(obj):
        raise PlateError(f"{obj.name} belongs to another file; make it local first (Object > Relations > Make Local).")
    plate = plate_of(obj)
    if plate is None:
        node = next(image_nodes(obj), None) if obj.type == "MESH" else None
        if node is None or node.image is None:
            raise PlateError(f"{obj.name} shows no image; add an image plane or give its material an image texture.")
        plate = obj.ipoke
        plate.still = node.image
    if not plate.plate_id:
        plate.plate_id = uuid.uuid4().hex
        plate.data_version = DATA_VERSION
        plate.start_frame = bpy.context.scene.frame_start  # 1001 in many a shot
    return plate


def make_active(context: bpy.types.Context, obj: bpy.types.Object) -> None:
    """Select the object alone and make it the active one, unless it is already."""
    if obj == context.view_layer.objects.active:
        return
    for other in context.selected_objects:
        other.select_set(False)
    obj.select_set(True)
    context.view_layer.objects.active = obj


def settings(plate: IPOKE_PG_plate) -> Settings:
    """Return what is set on a plate."""
    box = region_box(plate) if plate.use_region else None
    return Settings(
        poke_settings(plate.pokes),
        plate.samples,
        box,
        sampling=sampling.of_plate(plate),
        model=plate.model,
        still_frame=plate.still_frame,
        thing=thing_setting(plate.thing),
        free_ground=plate.free_ground,
    )


def poke_settings(pokes: Iterable[IPOKE_PG_poke]) -> tuple[PokeSetting, ...]:
    """Return stored pokes as plain data."""
    return tuple(PokeSetting(poke.name, Arrow(tuple(poke.tail), tuple(poke.tip)), poke.strength, poke.enabled) for poke in pokes)


def store_pokes(stored: bpy.types.bpy_prop_collection, pokes: Iterable[PokeSetting]) -> None:
    """Replace stored pokes."""
    stored.clear()
    for setting in pokes:
        poke = stored.add()
        poke.name = setting.name
        poke.tail, poke.tip = setting.arrow.tail, setting.arrow.tip
        poke.strength, poke.enabled = setting.strength, setting.enabled


def pulls(plate: IPOKE_PG_plate) -> bool:
    """Return whether an arrow takes part; pins alone move nothing."""
    return any(poke.enabled and not poke.arrow.is_pin for poke in poke_settings(plate.pokes))


def thing_setting(stored: IPOKE_PG_thing) -> ThingSetting:
    """Return what is set of a thing as plain data."""
    image = "" if stored.image is None else stored.image.name_full
    return ThingSetting(Source(stored.source), Level(stored.level), strokes(stored), image)


def store_thing(stored: IPOKE_PG_thing, wanted: ThingSetting) -> None:
    """Set everything of a thing."""
    stored.source, stored.level = wanted.source, wanted.level
    stored.image = next((image for image in bpy.data.images if image.name_full == wanted.image), None)
    stored.strokes.clear()
    for stroke in wanted.strokes:
        add_stroke(stored, stroke)


def strokes(stored: IPOKE_PG_thing) -> tuple[Stroke, ...]:
    """Return the strokes that are painted on a plate as plain data."""
    return tuple(Stroke(_points(stroke.points), stroke.radius, stroke.adds) for stroke in stored.strokes)


def add_stroke(stored: IPOKE_PG_thing, stroke: Stroke) -> None:
    """Add a stroke above those that are there."""
    entry = stored.strokes.add()
    entry.radius, entry.adds = stroke.radius, stroke.adds
    for at in stroke.points:
        entry.points.add().at = at


def _points(stored: Any) -> tuple[Vec2, ...]:
    flat = np.empty(2 * len(stored), np.float32)
    stored.foreach_get("at", flat)
    return tuple(zip(flat[::2].tolist(), flat[1::2].tolist(), strict=True))  # read at every move of the mouse


def region_box(plate: IPOKE_PG_plate) -> Box:
    """Return the region that is set by hand."""
    return Box(*plate.region)


def propose_region(plate: IPOKE_PG_plate) -> None:
    """Set the region to what the model saw last, or to the largest square near the arrows."""
    size = size_px(plate)
    seen = [job.region_px for job in plate.jobs if any(job.region_px)]
    box = region.to_box(seen[-1], size) if seen else region.around(settings(plate).asked, size)
    plate.region = box.left, box.top, box.right, box.bottom


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
    return Target(plate.plate_id, obj.name, obj.session_uid)


def find(wanted: Target) -> bpy.types.Object | None:
    """Return the object that a job is for, or None when it is gone.

    While its file is open that is the very object that asked. In a file that was opened since it is the one with its plate.
    """
    own = [obj for obj in bpy.data.objects if is_own(obj)]
    asker = next((obj for obj in own if obj.session_uid == wanted.session_uid and obj.ipoke.plate_id), None)
    if asker is not None:
        return asker
    owners = [obj for obj in own if obj.ipoke.plate_id == wanted.plate_id]
    return next((obj for obj in owners if obj.name == wanted.object_name), owners[0] if owners else None)


def load(path: Path) -> bpy.types.Image:
    """Return a still as an image of the file: one that shows it already, else a new one; raises `PlateError`.

    An image that plays, that is packed or painted on, or whose file is away shows something else; it is left alone.
    """
    known = next((image for image in bpy.data.images if _is_still_of(image, path)), None)
    if known is not None:
        return known
    try:
        image = bpy.data.images.load(str(path))
    except (RuntimeError, ValueError) as error:
        sentence = f"{path} is no image that Blender can read; choose a PNG, JPEG, TIFF or EXR file"
        raise PlateError(sentence) from error
    if 0 in image.size:
        bpy.data.images.remove(image)  # it was made a moment ago, and here
        raise PlateError(f"{path} holds no picture; choose another file")
    return image


def _is_still_of(image: bpy.types.Image, path: Path) -> bool:
    plain = image.source == "FILE" and image.type == "IMAGE" and image.library is None
    if not plain or image.packed_file is not None or image.is_dirty:
        return False
    return os.path.normpath(bpy.path.abspath(image.filepath)) == os.path.normpath(path) and 0 not in image.size


def size_px(plate: IPOKE_PG_plate) -> tuple[int, int]:
    """Return the still's size; (1, 1) while its file is missing."""
    return _size_px(plate.still)


def image_size_px(obj: bpy.types.Object) -> tuple[int, int]:
    """Return the size of the still that an object has, or would have as a plate."""
    node = next(image_nodes(obj), None)
    return _size_px(obj.ipoke.still or (node.image if node is not None else None))


def _size_px(image: bpy.types.Image | None) -> tuple[int, int]:
    width, height = (1, 1) if image is None else image.size
    return max(width, 1), max(height, 1)
