"""Owns a still in memory: decoding every usual kind of file, and encoding PNG. Values stay as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..protocol import limits
from .errors import PlateError
from .exif import orientation, without_tiff_orientation

Pixels = NDArray[Any]  # uint8 or uint16

SMALLEST_SIDE_PX = 16
_TURNS: dict[int, tuple[int | None, int | None]] = {
    2: (None, 1),
    3: (cv2.ROTATE_180, None),
    4: (None, 0),
    5: (cv2.ROTATE_90_CLOCKWISE, 1),
    6: (cv2.ROTATE_90_CLOCKWISE, None),
    7: (cv2.ROTATE_90_COUNTERCLOCKWISE, 1),
    8: (cv2.ROTATE_90_COUNTERCLOCKWISE, None),
}


@dataclass(frozen=True)
class PlateImage:
    """A still: `bgr` (H, W, 3) and straight `alpha` (H, W) or None, both uint8 or both uint16, as stored."""

    bgr: Pixels
    alpha: Pixels | None

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.bgr.shape[1], self.bgr.shape[0]

    @property
    def depth_bits(self) -> int:
        """8 or 16."""
        return 8 * self.bgr.dtype.itemsize

    @cached_property
    def premultiplied(self) -> NDArray[np.uint16]:
        """Colour times alpha, and alpha, in 16 bits: (H, W, 4). Only for a plate with alpha."""
        assert self.alpha is not None
        scale = 257 if self.depth_bits == 8 else 1
        alpha = self.alpha.astype(np.uint32) * scale
        result = np.empty((*alpha.shape, 4), np.uint16)
        result[..., 3] = alpha
        for channel in range(3):
            result[..., channel] = (self.bgr[..., channel].astype(np.uint32) * scale * alpha + 32767) // 65535
        return result


def decode_plate(data: bytes, *, upright: bool = True) -> PlateImage:
    """Decode an image file of any usual kind; `upright` turns it as its EXIF orientation says. Raises PlateError."""
    if not data:
        raise PlateError("The plate's file is empty; choose an image.")
    try:
        pixels: Pixels | None = cv2.imdecode(np.frombuffer(without_tiff_orientation(data), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise PlateError(
            "The plate can't be read as an image of at most "
            f"{limits.IMAGE_SIDE_PX} x {limits.IMAGE_SIDE_PX} px; use a PNG, JPEG, TIFF or WebP file."
        )
    _check(pixels)
    if upright:
        pixels = _turn(pixels, orientation(data))
    return _split(pixels)


def encode_png(image: PlateImage, depth_bits: int) -> bytes:
    """PNG file of an image at 8 or 16 bits; values are scaled exactly when the depth differs."""
    pixels: Pixels = image.bgr if image.alpha is None else np.dstack([image.bgr, image.alpha])
    good, data = cv2.imencode(".png", _with_depth(pixels, depth_bits))
    if not good:
        raise PlateError("A frame can't be encoded as PNG; use a smaller plate.")
    return data.tobytes()


def shrink(image: PlateImage, long_side_px: int) -> PlateImage:
    """The image with its long side at most `long_side_px`."""
    width, height = image.size_px
    scale = long_side_px / max(width, height)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if image.alpha is None:
        return PlateImage(cv2.resize(image.bgr, size, interpolation=cv2.INTER_AREA), None)
    return from_premultiplied(cv2.resize(image.premultiplied, size, interpolation=cv2.INTER_AREA), image.depth_bits)


def from_premultiplied(pixels: Pixels, depth_bits: int) -> PlateImage:
    """Straight image of (H, W, 4) premultiplied 16-bit pixels; colour under no alpha is black."""
    alpha = pixels[..., 3].astype(np.uint32)
    colour = (pixels[..., :3].astype(np.uint32) * 65535 + alpha[..., None] // 2) // np.maximum(alpha, 1)[..., None]
    straight = np.dstack([np.minimum(colour, 65535).astype(np.uint16), pixels[..., 3]])
    straight = _with_depth(straight, depth_bits)
    return PlateImage(np.ascontiguousarray(straight[..., :3]), np.ascontiguousarray(straight[..., 3]))


def _check(pixels: Pixels) -> None:
    height, width = pixels.shape[:2]
    if max(width, height) > limits.IMAGE_SIDE_PX:
        raise PlateError(f"The plate has {width} x {height} px; scale it to at most {limits.IMAGE_SIDE_PX} px a side.")
    if min(width, height) < SMALLEST_SIDE_PX:
        raise PlateError(f"The plate has {width} x {height} px; it needs at least {SMALLEST_SIDE_PX} px a side.")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise PlateError(f"The plate has {pixels.dtype} pixels; save it with 8 or 16 bits a channel.")


def _turn(pixels: Pixels, exif_orientation: int) -> Pixels:
    rotation, flip = _TURNS.get(exif_orientation, (None, None))
    if rotation is not None:
        pixels = cv2.rotate(pixels, rotation)
    return pixels if flip is None else cv2.flip(pixels, flip)


def _split(pixels: Pixels) -> PlateImage:
    if pixels.ndim == 2:
        return PlateImage(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), None)
    channels = pixels.shape[2]
    if channels == 3:
        return PlateImage(pixels, None)
    if channels == 2:
        return PlateImage(cv2.cvtColor(pixels[..., 0], cv2.COLOR_GRAY2BGR), pixels[..., 1].copy())
    if channels == 4:
        return PlateImage(pixels[..., :3].copy(), pixels[..., 3].copy())
    raise PlateError(f"The plate has {channels} channels; save it as grey, RGB or RGBA.")


def _with_depth(pixels: Pixels, depth_bits: int) -> Pixels:
    if pixels.dtype == np.uint8 and depth_bits == 16:
        return pixels.astype(np.uint16) * np.uint16(257)
    if pixels.dtype == np.uint16 and depth_bits == 8:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return pixels
