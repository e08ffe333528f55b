"""Owns a still in memory: as its file is read, as pixels to calculate with, and as frames' files. Values stay as stored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_media import png
from ipoke_media.errors import ImageError
from ipoke_media.exr_writing import write_exr
from ipoke_media.image import Picture, read_image
from ipoke_media.tags import Tags

from ..protocol import limits
from ..protocol.messages import Region
from .errors import PlateError

Pixels = NDArray[Any]  # uint8, uint16, float16 or float32
Field = NDArray[np.float32]

SMALLEST_SIDE_PX = 16
FLOAT_BITS = 32


@dataclass(frozen=True)
class PlateImage:
    """A still: `bgr` (H, W, 3) and `alpha` (H, W) or None, of one type, as stored.

    uint8 and uint16 are encoded for display; float16 and float32 are linear light without bounds. `premultiplied` says
    that the colour was stored times alpha, as EXR does. `layer` is which of its file's layers it is, empty where there is
    one, and `tags` go along into frames.
    """

    bgr: Pixels
    alpha: Pixels | None
    premultiplied: bool = False
    layer: str = ""
    tags: Tags = field(default_factory=Tags)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.bgr.shape[1], self.bgr.shape[0]

    @property
    def is_float(self) -> bool:
        """Whether values are linear light without bounds."""
        return self.bgr.dtype.kind == "f"

    @property
    def depth_bits(self) -> int:
        """8, 16, or 32 for every float plate."""
        return FLOAT_BITS if self.is_float else 8 * self.bgr.dtype.itemsize

    @property
    def peak(self) -> float:
        """The value of white and of full alpha."""
        return 1.0 if self.is_float else float(np.iinfo(self.bgr.dtype).max)


def decode_plate(data: bytes, *, upright: bool = True, premultiplied: bool = False, layer: str | None = None) -> PlateImage:
    """Decode a plate as `decode_image` does, and refuse one that shows nothing. Raises PlateError."""
    plate = decode_image(data, upright=upright, premultiplied=premultiplied, layer=layer)
    if plate.alpha is not None and not (plate.alpha > 0).any():
        raise PlateError("The plate is transparent everywhere, so nothing can move; choose another image or remove its alpha.")
    return plate


def decode_image(data: bytes, *, upright: bool = True, premultiplied: bool = False, layer: str | None = None) -> PlateImage:
    """Decode an image file as Blender does; `upright` turns it as its EXIF orientation says. Raises PlateError.

    `premultiplied` says that the colour of a PNG or TIFF is stored times its alpha where Blender takes it as straight.
    Of an EXR the named `layer` is read, or else the one that Blender shows.
    """
    try:
        picture = read_image(data, layer=layer, side_px=limits.IMAGE_SIDE_PX)
    except ImageError as error:
        raise PlateError(error.sentence.replace("The image", "The plate", 1)) from error
    return _checked(picture.upright() if upright else picture, premultiplied)


def encode_png(image: PlateImage, depth_bits: int) -> bytes:
    """PNG file of an image at 8 or 16 bits, with its tags; values are scaled exactly when the depth differs."""
    pixels: Pixels = image.bgr if image.alpha is None else np.dstack([image.bgr, image.alpha])
    if image.is_float:
        pixels = _for_display(image, depth_bits)
    good, data = cv2.imencode(".png", _with_depth(pixels, depth_bits))
    if not good:
        raise PlateError("A frame can't be encoded as PNG; use a smaller plate.")
    return png.with_chunks(data.tobytes(), image.tags.all_png_chunks)


def encode_exr(image: PlateImage) -> bytes:
    """EXR file of an image: half or float as the image is, float of an 8- or 16-bit one (linear light, premultiplied)."""
    if not image.is_float:
        shown = image.bgr.astype(np.float32) / np.float32(image.peak)
        alpha = None if image.alpha is None else image.alpha.astype(np.float32) / np.float32(image.peak)
        if alpha is not None and image.premultiplied:
            shown /= np.maximum(alpha[..., None], np.float32(1 / 65536))
        linear = linear_of(shown)
        image = replace(image, bgr=linear if alpha is None else linear * alpha[..., None], alpha=alpha, premultiplied=True)
    planes = {name: image.bgr[..., 2 - channel] for channel, name in enumerate("RGB")}
    try:
        return write_exr(planes if image.alpha is None else {**planes, "A": image.alpha}, image.tags)
    except ImageError as error:
        raise PlateError(error.sentence.replace("The image", "A frame", 1)) from error


def check_depth(plate: PlateImage, depth_bits: int) -> None:
    """Refuse frames of a depth whose files can't say what the plate says of its colours. Raises PlateError."""
    is_exr = depth_bits == FLOAT_BITS
    lost = plate.tags.lost_in_exr if is_exr else plate.tags.lost_in_png
    if lost:
        kind, other = ("EXR", "PNG") if is_exr else ("PNG", "EXR")
        raise PlateError(f"{kind} frames can't carry {lost}; convert the plate to sRGB, or ask for {other} frames.")


def encode_frame(image: PlateImage, depth_bits: int) -> bytes:
    """A frame's file: EXR for 32 bits, PNG for 8 and 16."""
    return encode_exr(image) if depth_bits == FLOAT_BITS else encode_png(image, depth_bits)


def shrunk_mask(mask: Field, size_px: tuple[int, int]) -> Field:
    """A mask (H, W) at a smaller size (W, H), or itself."""
    if mask.shape[::-1] == size_px:
        return mask
    return np.asarray(cv2.resize(mask, size_px, interpolation=cv2.INTER_AREA), np.float32)


def shrunk_px(size_px: tuple[int, int], long_side_px: int) -> tuple[int, int]:
    """Width and height with the longer of them at most `long_side_px`."""
    scale = min(1.0, long_side_px / max(size_px))
    return max(1, round(size_px[0] * scale)), max(1, round(size_px[1] * scale))


def shrink(image: PlateImage, long_side_px: int) -> PlateImage:
    """The image with its long side at most `long_side_px`."""
    size = shrunk_px(image.size_px, long_side_px)
    if size == image.size_px:
        return image
    small = from_working(cv2.resize(to_working(image), size, interpolation=cv2.INTER_AREA), image)
    return replace(small, tags=image.tags.resized())


def to_working(image: PlateImage) -> Field:
    """Pixels to calculate with: (H, W, 3 or 4) float32, premultiplied, on the image's own scale; no NaN, no infinity."""
    pixels = image.bgr if image.alpha is None else np.dstack([image.bgr, image.alpha])
    working = pixels.astype(np.float32)
    if image.is_float:
        limit = float(np.finfo(image.bgr.dtype).max) / 16
        working = np.nan_to_num(working, nan=0.0, posinf=limit, neginf=-limit)
    if image.alpha is not None and not image.premultiplied:
        working[..., :3] *= working[..., 3:] * np.float32(1 / image.peak)
    return working


def working_part(image: PlateImage, box: Region) -> Field:
    """The same of a box of the image."""
    place = (slice(box.y, box.y + box.h), slice(box.x, box.x + box.w))
    return to_working(PlateImage(image.bgr[place], None if image.alpha is None else image.alpha[place], image.premultiplied))


def from_working(working: Field, like: PlateImage) -> PlateImage:
    """The image that such pixels are, stored as `like` is; colour under no alpha is black. Changes `working`."""
    if like.alpha is not None:
        # Interpolation overshoots at edges: alpha above full would leave its colour too bright.
        working /= np.maximum(working[..., 3:] * np.float32(1 / like.peak), 1)
    if like.alpha is not None and not like.premultiplied:
        working[..., :3] *= np.float32(like.peak) / np.maximum(working[..., 3:], np.float32(like.peak / 65536))
    kind = like.bgr.dtype
    if like.is_float:
        limit = float(np.finfo(kind).max)
        stored = np.clip(working, -limit, limit).astype(kind)
    else:
        stored = np.clip(np.rint(working), 0, like.peak).astype(kind)
    if like.alpha is None:
        return replace(like, bgr=stored)
    alpha = stored[..., 3]
    return replace(like, bgr=stored[..., :3], alpha=np.clip(alpha, 0, 1) if like.is_float else alpha)


def displayed(image: PlateImage) -> Field:
    """(H, W, 3 or 4) in [0, 1] as a screen shows it, colour premultiplied."""
    working = to_working(image) * np.float32(1 / image.peak)
    if image.is_float:
        working[..., :3] = display_of(working[..., :3])
    return np.clip(working, 0, 1, out=working)


def display_of(linear: Field) -> Field:
    """Linear light to the sRGB curve, clipped to [0, 1]."""
    light = np.clip(linear, 0, 1)
    curve: Field = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)
    return curve


def linear_of(display: Field) -> Field:
    """The sRGB curve to linear light."""
    light: Field = np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return light


def _checked(picture: Picture, premultiplied: bool) -> PlateImage:
    height, width = picture.rgb.shape[:2]
    if min(width, height) < SMALLEST_SIDE_PX:
        raise PlateError(f"The plate has {width} x {height} px; it needs at least {SMALLEST_SIDE_PX} px a side.")
    if picture.rgb.dtype.kind == "f" and not np.isfinite(picture.rgb).any():
        raise PlateError("The plate has no finite pixel; render it again.")
    alpha = None if picture.alpha is None else np.ascontiguousarray(picture.alpha)
    times_alpha = alpha is not None and (premultiplied or picture.premultiplied)
    return PlateImage(np.ascontiguousarray(picture.rgb[..., ::-1]), alpha, times_alpha, picture.layer, picture.tags)


def _for_display(image: PlateImage, depth_bits: int) -> Pixels:
    shown = displayed(image)
    if image.alpha is not None:
        shown[..., :3] /= np.maximum(shown[..., 3:], np.float32(1 / 65536))
    return np.rint(np.clip(shown, 0, 1) * (2**depth_bits - 1)).astype(np.uint8 if depth_bits == 8 else np.uint16)


def _with_depth(pixels: Pixels, depth_bits: int) -> Pixels:
    if pixels.dtype == np.uint8 and depth_bits == 16:
        return pixels.astype(np.uint16) * np.uint16(257)
    if pixels.dtype == np.uint16 and depth_bits == 8:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return pixels
