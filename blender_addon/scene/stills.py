"""The still behind a plate: which frame of a sequence or a movie it is, and its bytes as a file."""

from __future__ import annotations

from pathlib import Path

import bpy

from .._vendor import frame_numbers
from .._vendor.client.owned import read_regular
from .._vendor.protocol import limits
from ..core.errors import FolderError, PlateError
from ..core.jobs.clip_frames import Timing
from . import images, plates
from .properties import IPOKE_PG_plate

PLAYED = frozenset({"SEQUENCE", "MOVIE"})
RENDERS = frozenset({"RENDER_RESULT", "COMPOSITING"})
LIGHT_FORMATS = frozenset({"OPEN_EXR", "OPEN_EXR_MULTILAYER", "HDR"})


def take(obj: bpy.types.Object) -> None:
    """Let the frame that the plane shows now be the plate's still; while it shows a clip, that stays as it was."""
    plate = obj.ipoke
    plate.still_frame = shown_frame(plate)
    if plate.still.source in PLAYED and 0 in plate.still.size:  # nothing has drawn it yet
        images.load_frame(plate.still, plate.still_frame)


def shown_frame(plate: IPOKE_PG_plate) -> int:
    """Return which frame of a sequence or a movie the plane shows now, or showed before it played a clip; 0 of a plain still."""
    image = plate.still
    if image.source not in PLAYED:
        return 0
    node = next((node for node in plates.image_nodes(plate.id_data) if node.image == image), None)
    if plate.shown == "STILL" and node is not None:
        return timing(node.image_user).number(bpy.context.scene.frame_current)
    return plate.still_frame


def timing(user: bpy.types.ImageUser) -> Timing:
    """Return when an image user plays what."""
    return Timing(user.frame_duration, user.frame_start, user.frame_offset, user.use_cyclic)


def read(image: bpy.types.Image, number: int = 0) -> bytes:
    """Return a still as an encoded image file; raises `PlateError` when there is none.

    `number` says which frame of a sequence or a movie. What is painted or generated is read from memory.
    """
    if image.type in RENDERS:
        raise PlateError(f"{image.name} is not a picture of its own, it changes with each render; save it and choose the file.")
    if image.source == "TILED":
        raise PlateError(f"{image.name} is a UDIM image, and a plate is one picture; choose the file of one of its tiles.")
    if image.source == "MOVIE":
        return _movie_frame(image, number)
    if image.source == "GENERATED" or image.is_dirty:
        return images.encoded(image)
    if image.packed_file is not None:
        return bytes(image.packed_file.data)
    return _file_bytes(image, number)


def first_number(image: bpy.types.Image) -> int:
    """Return which frame of a sequence jobs of older files sampled, which note none: that of the file that the image names."""
    found = frame_numbers.frame_name(Path(image.filepath).name) if image.source == "SEQUENCE" else None
    return 0 if found is None else found.counted


def name(image: bpy.types.Image, number: int) -> str:
    """Return what a still is called: of a sequence the file, of a movie the frame."""
    if image.source == "SEQUENCE":
        return _path(image, number).name
    return f"{image.name}, frame {number}" if image.source == "MOVIE" else image.name


def is_light(image: bpy.types.Image) -> bool:
    """Tell whether the still's file stores linear light, so that the frames made of it do."""
    return image.is_float and (image.file_format in LIGHT_FORMATS or image.source == "GENERATED")


def _movie_frame(image: bpy.types.Image, number: int) -> bytes:
    path = _path(image, number)
    if not path.is_file():
        raise PlateError(f"The movie {path} is missing; relink it.")
    try:
        return images.movie_frame(path, number)
    except FolderError as error:
        raise PlateError(error.sentence) from error


def _file_bytes(image: bpy.types.Image, number: int) -> bytes:
    path = _path(image, number)
    try:
        return read_regular(path, limits.RAW_BYTES)
    except ValueError as error:
        raise PlateError(f"The plate's file {path} has more than {limits.RAW_BYTES // 2**20} MiB; choose another.") from error
    except OSError as error:
        if image.source == "SEQUENCE":
            raise PlateError(
                f"{path}, which the plane shows at this frame, can't be read: {error.strerror}; go to a frame of the timeline "
                "that has a picture, or relink the image."
            ) from error
        raise PlateError(f"The plate's file {path} can't be read: {error.strerror}; relink the image.") from error


def _path(image: bpy.types.Image, number: int) -> Path:
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    found = frame_numbers.frame_name(path.name) if image.source == "SEQUENCE" else None
    return path if found is None else path.with_name(found.at(number))
