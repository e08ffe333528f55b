"""What the plane shows: the still, a variant or a bake, and the timing of every user of the image sequence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import bpy

from . import ownership, stills

STILL_TIMING = "ipoke_still_timing"
TIMING = ("frame_duration", "frame_start", "frame_offset", "use_cyclic", "use_auto_refresh")


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


def show_clip(obj: bpy.types.Object, file: Path, frames: int, shown: str, number: int = 1, colour: str = "") -> None:
    """Put `frames` images on the plane as a sequence, from `file` with this number on; `shown` is VARIANT or BAKE.

    `colour` names the colour space that the files are read in; empty takes what fits the still.
    """
    plate = obj.ipoke
    path, before = blend_path(file), plate.clip
    image = ownership.own_clip(obj)
    if image is None:
        image = plate.clip = bpy.data.images.load(path)
        image.name = f"{obj.name} Clip"
        image.source = "SEQUENCE"
    if image.filepath != path:
        image.filepath = path
        image.reload()
    if plate.still is not None:
        read_like(image, file, plate.still, colour)
    _swap(obj, image, before)
    plate.shown = shown
    for user in users(image):
        time(user, frames, plate.start_frame, number - 1, plate.cyclic)


def load_sequence(file: Path, still: bpy.types.Image, colour: str = "") -> bpy.types.Image:
    """Return a new image that is the sequence which starts with `file`, read as `show_clip` reads it."""
    image = bpy.data.images.load(blend_path(file))
    image.source = "SEQUENCE"
    read_like(image, file, still, colour)
    return image


def colour_of(file: Path, still: bpy.types.Image, colour: str = "") -> str:
    """Return the colour space of frames that were made from a still: `colour` if one is named, else what fits."""
    linear = file.suffix == ".exr" and not stills.is_light(still)
    return colour or ("Linear Rec.709" if linear else still.colorspace_settings.name)


def time(user: ImageUser, frames: int, start: int, offset: int, cyclic: bool) -> None:
    """Let one user of a sequence play `frames` files from frame `start` on; `offset` is the first file's number less one."""
    user.frame_duration = max(frames, 1)
    user.frame_start = start
    user.frame_offset = offset
    user.use_cyclic = cyclic
    user.use_auto_refresh = True


def copy_timing(played: ImageUser, user: ImageUser) -> None:
    """Let one user of a sequence play what another one plays."""
    for name in TIMING:
        setattr(user, name, getattr(played, name))


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


def _swap(obj: bpy.types.Object, image: bpy.types.Image, before: bpy.types.Image | None = None) -> None:
    """Let the plane's own textures show an image in place of its still and its clip, now or `before`."""
    ours = {obj.ipoke.still, obj.ipoke.clip, before} - {None}
    ownership.own_materials(obj, [slot.material for slot in obj.material_slots if _textures(slot, ours - {image})])
    for slot in obj.material_slots:
        for node in _textures(slot, ours - {image}):
            if node.image == obj.ipoke.still and node.image.source in stills.PLAYED:
                node[STILL_TIMING] = [int(getattr(node.image_user, name)) for name in TIMING]
            node.image = image
            if image == obj.ipoke.still and STILL_TIMING in node:
                for name, value in zip(TIMING, node.pop(STILL_TIMING), strict=True):
                    setattr(node.image_user, name, value)


def _textures(slot: bpy.types.MaterialSlot, images: set[bpy.types.Image]) -> list[bpy.types.ShaderNodeTexImage]:
    """Texture nodes of a slot's material that show one of some images."""
    tree = None if slot.material is None else slot.material.node_tree
    return [node for node in (() if tree is None else tree.nodes) if node.type == "TEX_IMAGE" and node.image in images]


def read_like(image: bpy.types.Image, file: Path, still: bpy.types.Image, colour: str = "") -> None:
    """Let an image read its file as the still reads its own; `colour` names another colour space."""
    image.alpha_mode = still.alpha_mode
    name = colour_of(file, still, colour)
    if image.colorspace_settings.name != name:
        image.colorspace_settings.name = name
