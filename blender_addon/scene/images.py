"""The pixels that Blender reads or holds of an image: of a movie's frame, of what was painted; as encoded files.

Blender decodes them, so they are what it shows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core import png
from ..core.errors import FolderError, PlateError

CLIP_SIDE_PX = 512
"""Models see 64 to 256 pixels of a clip; more than this would only take time."""
DATA_SPACES = ("Non-Color", "Raw")
FIRST_FRAME = -1048574

Pick = Callable[[int], list[int]]


def movie_clip(path: Path, pick: Pick) -> tuple[bytes, ...]:
    """Return frames of a movie as PNG files, about `CLIP_SIDE_PX` large, what is transparent on black; raises `FolderError`.

    `pick` is told how many frames there are and returns the numbers that are wanted, from 1 on.
    """
    with _movie(path) as movie:
        shown = (_on_black(_trimmed(_movie_pixels(movie, number))) for number in pick(movie.frame_duration))
        return tuple(png.encode(_reduced(pixels)) for pixels in shown)


def movie_frame(path: Path, number: int) -> bytes:
    """Return one frame of a movie, from 1 on, as a PNG file: 16 bits where the movie has more than 8; raises `FolderError`.

    Numbers before the first and after the last are these, as Blender shows them.
    """
    with _movie(path) as movie:
        return png.encode(_trimmed(_movie_pixels(movie, min(max(number, 1), movie.frame_duration))))


def check_picture(path: Path) -> None:
    """Raise `FolderError` when Blender can't read a file as a picture."""
    try:
        image = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise FolderError(f"{path} is missing or can't be read; bring it back, or choose another clip.") from error
    readable = 0 not in image.size
    bpy.data.images.remove(image)
    if not readable:
        raise FolderError(f"{path} is damaged or no picture, and the motion needs it; repair it, or choose another part.")


def encoded(image: bpy.types.Image) -> bytes:
    """Return what an image holds in memory: a PNG of 8 bits as it is stored, or an EXR of light; raises `PlateError`."""
    if 0 in image.size:
        raise PlateError(f"{image.name} holds no picture; relink the image, or choose another.")
    if not image.is_float:
        return png.encode(_trimmed(_array(image)))
    copy = bpy.data.images.new("iPOKE Pixels", *image.size, alpha=True, float_buffer=True)
    try:
        _read_as_data(copy)  # light is written as it is held
        copy.pixels.foreach_set(np.ascontiguousarray(_array(image)[::-1]).ravel())
        copy.file_format = "OPEN_EXR"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pixels.exr"
            copy.filepath_raw = str(path)
            copy.save()
            return path.read_bytes()
    finally:
        bpy.data.images.remove(copy)


def pixels_of(image: bpy.types.Image, number: int = 0) -> Any:
    """Return what an image holds as (H, W, 4) float32 pixels in [0, 1], the first row on top; `number` is a sequence's frame."""
    if image.source in ("SEQUENCE", "MOVIE"):
        load_frame(image, number)
    found = _array(image)
    return np.clip(found, 0, 1) if image.is_float else found.astype(np.float32) / 255


def load_frame(image: bpy.types.Image, number: int) -> None:
    """Let Blender read this frame of a sequence or a movie, so that its pixels and its size are this frame's."""
    texture = bpy.data.textures.new("iPOKE Frame", "IMAGE")  # what else plays an image reads it only to draw it
    try:
        texture.image = image
        user = texture.image_user
        user.frame_start, user.frame_duration, user.frame_offset, user.use_cyclic = FIRST_FRAME, 1, number - 1, False
        user.frame_current = number
        texture.evaluate((0.0, 0.0, 0.0))
    finally:
        bpy.data.textures.remove(texture)


@contextmanager
def _movie(path: Path) -> Iterator[bpy.types.Image]:
    """A movie as an image of its own, whose pixels are as they are stored."""
    try:
        movie = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise FolderError(f"{path} is no movie that Blender can read; choose another, or a folder of images.") from error
    try:
        if movie.source != "MOVIE" or 0 in movie.size:
            raise FolderError(f"{path} is no movie that Blender can read; choose another, or a folder of images.")
        if movie.is_float:
            _read_as_data(movie)
        yield movie
    finally:
        bpy.data.images.remove(movie)


def _movie_pixels(movie: bpy.types.Image, number: int) -> Any:
    load_frame(movie, number)
    if 0 in movie.size:
        raise FolderError(f"Frame {number} of {Path(movie.filepath).name} can't be decoded; choose another part of it.")
    return _array(movie)


def _read_as_data(image: bpy.types.Image) -> None:
    for name in DATA_SPACES:
        try:
            image.colorspace_settings.name = name
        except TypeError:  # the colour configuration has no such space
            continue
        return
    raise PlateError("The colour configuration has no space Non-Color or Raw; save the image as a file and choose that.")


def _array(image: bpy.types.Image) -> Any:
    """(H, W, 4) pixels, the first row on top: 8 bits as they are stored, or float as they are held."""
    width, height = image.size
    flat = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(flat)
    found = flat.reshape(height, width, image.channels)[::-1]
    if image.channels < 4:
        grey = found.shape[2] == 1
        colour = np.repeat(found, 3, axis=2) if grey else found[..., :3]
        found = np.dstack([colour, np.ones((height, width), np.float32)])
    if image.is_float:
        return found
    return np.rint(found * 255).astype(np.uint8)


def _trimmed(pixels: Any) -> Any:
    """8 bits, or 16 of float; without an alpha that is full everywhere."""
    if pixels.dtype != np.uint8:
        pixels = np.rint(np.clip(pixels, 0, 1) * 65535).astype(np.uint16)
    peak = np.iinfo(pixels.dtype).max
    return pixels if (pixels[..., 3] < peak).any() else pixels[..., :3]


def _on_black(pixels: Any) -> Any:
    if pixels.shape[2] == 3:
        return pixels
    share = pixels[..., 3:] / np.float32(np.iinfo(pixels.dtype).max)
    return np.rint(pixels[..., :3] * share).astype(pixels.dtype)


def _reduced(pixels: Any) -> Any:
    """The picture at a whole fraction of its size, no smaller than `CLIP_SIDE_PX` where it was not, by means of squares."""
    height, width, channels = pixels.shape
    step = max(height, width) // CLIP_SIDE_PX
    if step < 2:
        return pixels
    padded = np.pad(pixels, ((0, -height % step), (0, -width % step), (0, 0)), mode="edge").astype(np.float32)
    squares = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step, channels)
    return np.rint(squares.mean(axis=(1, 3))).astype(pixels.dtype)
