"""Owns reading single frames of a movie, by way of Blender's own sequencer in a scene that is gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from .core.errors import FolderError
from .placing import strips_of

LONG_SIDE_PX = 512
"""Models see 64 to 256 pixels; more than this would only take time."""

Pick = Callable[[int], list[int]]


def frames(path: Path, pick: Pick) -> tuple[bytes, ...]:
    """Return frames of a movie as PNG files, no larger than `LONG_SIDE_PX`; raises `FolderError`.

    `pick` is told how many frames there are and returns the numbers that are wanted, from 1 on.
    """
    with _scene() as scene, tempfile.TemporaryDirectory() as folder:
        count = _open(scene, path)
        scene.render.filepath = str(Path(folder) / "frame_")
        return tuple(_rendered(scene, number) for number in pick(count))


def _rendered(scene: bpy.types.Scene, number: int) -> bytes:
    scene.frame_start = scene.frame_end = number
    bpy.ops.render.render(animation=True, scene=scene.name)  # a still would be the open scene's frame, whatever this one's is
    return Path(scene.render.frame_path(frame=number)).read_bytes()


def _open(scene: bpy.types.Scene, path: Path) -> int:
    """Put the movie into the scene's sequencer, from frame 1 on; returns how many frames it has."""
    clip = None
    try:
        clip = bpy.data.movieclips.load(str(path))
        (width, height), count = clip.size, clip.frame_duration
        strips_of(scene.sequence_editor_create()).new_movie("Movie", str(path), 1, 1)
    except RuntimeError as error:
        raise FolderError(f"{path} is no movie that Blender can read; choose another, or a folder of images.") from error
    finally:
        if clip is not None:
            bpy.data.movieclips.remove(clip)
    if not (width and height and count):
        raise FolderError(f"{path} holds no pictures; choose another movie, or a folder of images.")
    scale = min(1.0, LONG_SIDE_PX / max(width, height))
    scene.render.resolution_x, scene.render.resolution_y = round(width * scale), round(height * scale)
    return count


@contextmanager
def _scene() -> Iterator[bpy.types.Scene]:
    """A scene that renders its sequencer's pictures as they are stored."""
    scene = bpy.data.scenes.new("iPOKE Movie")
    scene.render.resolution_percentage = 100
    scene.render.dither_intensity = 0.0
    if bpy.app.version >= (5, 0, 0):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.view_settings.view_transform = "Standard"
    try:
        yield scene
    finally:
        bpy.data.scenes.remove(scene)
