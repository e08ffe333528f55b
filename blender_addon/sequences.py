"""Owns what the plane shows: the still, a variant or a bake, and the timing of every user of the image sequence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import bpy


class ImageUser(Protocol):
    """What plays an image sequence; image users and compositor nodes share these names."""

    frame_duration: int
    frame_start: int
    frame_offset: int
    use_cyclic: bool
    use_auto_refresh: bool


def show_still(obj: bpy.types.Object) -> None:
    """Put the original still back on the plane."""
    plate = obj.ipoke
    _swap(obj, plate.still)
    plate.shown = "STILL"


def show_clip(obj: bpy.types.Object, file: Path, frames: int, shown: str, number: int = 1) -> None:
    """Put `frames` images on the plane as a sequence, from `file` with this number on; `shown` is VARIANT or BAKE."""
    plate = obj.ipoke
    path = blend_path(file)
    image = plate.clip
    if image is None:
        image = plate.clip = bpy.data.images.load(path)
        image.name = f"{obj.name} Clip"
    if image.source != "SEQUENCE":
        image.source = "SEQUENCE"
    if image.filepath != path:
        image.filepath = path
        image.reload()
    if plate.still is not None:
        image.alpha_mode = plate.still.alpha_mode
        linear = file.suffix == ".exr" and not plate.still.is_float
        name = "Linear Rec.709" if linear else plate.still.colorspace_settings.name
        if image.colorspace_settings.name != name:
            image.colorspace_settings.name = name
    _swap(obj, image)
    plate.shown = shown
    _time(image, frames, plate.start_frame, number - 1, plate.cyclic)


def blend_path(path: Path) -> str:
    """Return the path as the .blend should store it: relative to it when it is saved."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:  # another drive
        return str(path)


def users(image: bpy.types.Image) -> Iterator[ImageUser]:
    """Yield everything in the file that plays an image: nodes of every kind, empties, cameras, textures."""
    for tree in _node_trees():
        for node in tree.nodes:
            if getattr(node, "image", None) == image:
                yield getattr(node, "image_user", node)
    for obj in bpy.data.objects:
        if obj.type == "EMPTY" and obj.data == image:
            yield obj.image_user
    for camera in bpy.data.cameras:
        yield from (background.image_user for background in camera.background_images if background.image == image)
    for texture in bpy.data.textures:
        if texture.type == "IMAGE" and texture.image == image:
            yield texture.image_user


def _node_trees() -> Iterator[Any]:
    owners: list[Any] = [*bpy.data.materials, *bpy.data.worlds, *bpy.data.lights, *bpy.data.scenes]
    yield from (owner.node_tree for owner in owners if getattr(owner, "node_tree", None) is not None)
    yield from bpy.data.node_groups


def _swap(obj: bpy.types.Object, image: bpy.types.Image) -> None:
    plate = obj.ipoke
    ours = {plate.still, plate.clip}
    for slot in obj.material_slots:
        if slot.material is None or slot.material.node_tree is None:
            continue
        for node in slot.material.node_tree.nodes:
            if node.type == "TEX_IMAGE" and node.image in ours and node.image != image:
                node.image = image


def _time(image: bpy.types.Image, frames: int, start: int, offset: int, cyclic: bool) -> None:
    for user in users(image):
        user.frame_duration = max(frames, 1)
        user.frame_start = start
        user.frame_offset = offset
        user.use_cyclic = cyclic
        user.use_auto_refresh = True
