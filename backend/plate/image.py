"""Owns a still in memory: decoding every usual kind of file, and encoding PNG and EXR. Values stay as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..protocol import limits
from ..protocol.messages import Region
from . import exr
from .errors import PlateError
from .exif import orientation, without_tiff_orientation

Pixels = NDArray[Any]  # uint8, uint16, float16 or float32
Field = NDArray[np.float32]

SMALLEST_SIDE_PX = 16
FLOAT_BITS = 32
_RADIANCE = b"#?"
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
    """A still: `bgr` (H, W, 3) and `alpha` (H, W) or None, of one type, as stored.

    uint8 and uint16 are encoded for display; float16 and float32 are linear light without bounds. `premultiplied` says
    that the colour was stored times alpha, as EXR does.
    """

    bgr: Pixels
    alpha: Pixels | None
    premultiplied: bool = False

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


def decode_plate(data: bytes, *, upright: bool = True, premultiplied: bool = False) -> PlateImage:
    """Decode a plate as `decode_image` does, and refuse one that shows nothing. Raises PlateError."""
    plate = decode_image(data, upright=upright, premultiplied=premultiplied)
    if plate.alpha is not None and not (plate.alpha > 0).any():
        raise PlateError("The plate is transparent everywhere, so nothing can move; choose another image or remove its alpha.")
    return plate


def decode_image(data: bytes, *, upright: bool = True, premultiplied: bool = False) -> PlateImage:
    """Decode an image file of any usual kind; `upright` turns it as its EXIF orientation says. Raises PlateError.

    `premultiplied` says that the alpha of a PNG or TIFF is premultiplied; that of an EXR always is.
    """
    if not data:
        raise PlateError("The plate's file is empty; choose an image.")
    is_exr = data.startswith(exr.MAGIC)
    pixels = exr.read(data) if is_exr else _read(data)
    _check(pixels, is_float=is_exr or data.startswith(_RADIANCE))
    if upright and not is_exr:
        pixels = _turn(pixels, orientation(data))
    return _split(pixels, premultiplied or is_exr)


def encode_png(image: PlateImage, depth_bits: int) -> bytes:
    """PNG file of an image at 8 or 16 bits; values are scaled exactly when the depth differs."""
    pixels: Pixels = image.bgr if image.alpha is None else np.dstack([image.bgr, image.alpha])
    if image.is_float:
        pixels = _for_display(image, depth_bits)
    good, data = cv2.imencode(".png", _with_depth(pixels, depth_bits))
    if not good:
        raise PlateError("A frame can't be encoded as PNG; use a smaller plate.")
    return data.tobytes()


def encode_exr(image: PlateImage) -> bytes:
    """EXR file of an image: half or float as the image is, float of an 8- or 16-bit one (linear light, premultiplied)."""
    if not image.is_float:
        linear = linear_of(image.bgr.astype(np.float32) / np.float32(image.peak))
        alpha = None if image.alpha is None else image.alpha.astype(np.float32) / np.float32(image.peak)
        image = PlateImage(linear if alpha is None else linear * alpha[..., None], alpha, True)
    planes = {name: image.bgr[..., channel] for channel, name in enumerate("BGR")}
    return exr.write(planes if image.alpha is None else {**planes, "A": image.alpha})


def encode_frame(image: PlateImage, depth_bits: int) -> bytes:
    """A frame's file: EXR for 32 bits, PNG for 8 and 16."""
    return encode_exr(image) if depth_bits == FLOAT_BITS else encode_png(image, depth_bits)


def shrink(image: PlateImage, long_side_px: int) -> PlateImage:
    """The image with its long side at most `long_side_px`."""
    width, height = image.size_px
    scale = long_side_px / max(width, height)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return from_working(cv2.resize(to_working(image), size, interpolation=cv2.INTER_AREA), image)


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
        return PlateImage(stored, None)
    alpha = stored[..., 3]
    return PlateImage(stored[..., :3], np.clip(alpha, 0, 1) if like.is_float else alpha, like.premultiplied)


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


def _read(data: bytes) -> Pixels:
    try:
        pixels: Pixels | None = cv2.imdecode(np.frombuffer(without_tiff_orientation(data), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise PlateError(
            "The plate can't be read as an image of at most "
            f"{limits.IMAGE_SIDE_PX} x {limits.IMAGE_SIDE_PX} px; use a PNG, JPEG, TIFF, WebP or EXR file."
        )
    return pixels


def _check(pixels: Pixels, *, is_float: bool) -> None:
    height, width = pixels.shape[:2]
    if max(width, height) > limits.IMAGE_SIDE_PX:
        raise PlateError(f"The plate has {width} x {height} px; scale it to at most {limits.IMAGE_SIDE_PX} px a side.")
    if min(width, height) < SMALLEST_SIDE_PX:
        raise PlateError(f"The plate has {width} x {height} px; it needs at least {SMALLEST_SIDE_PX} px a side.")
    if pixels.dtype not in ((np.float16, np.float32) if is_float else (np.uint8, np.uint16)):
        raise PlateError(f"The plate has {pixels.dtype} pixels; save it with 8 or 16 bits a channel, or as EXR.")
    if is_float and not np.isfinite(pixels).any():
        raise PlateError("The plate has no finite pixel; render it again.")


def _turn(pixels: Pixels, exif_orientation: int) -> Pixels:
    rotation, flip = _TURNS.get(exif_orientation, (None, None))
    if rotation is not None:
        pixels = cv2.rotate(pixels, rotation)
    return pixels if flip is None else cv2.flip(pixels, flip)


def _split(pixels: Pixels, premultiplied: bool) -> PlateImage:
    if pixels.ndim == 2:
        return PlateImage(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), None)
    channels = pixels.shape[2]
    if channels == 3:
        return PlateImage(pixels, None)
    if channels == 2:
        return PlateImage(cv2.cvtColor(pixels[..., 0], cv2.COLOR_GRAY2BGR), pixels[..., 1].copy(), premultiplied)
    if channels == 4:
        return PlateImage(pixels[..., :3].copy(), pixels[..., 3].copy(), premultiplied)
    raise PlateError(f"The plate has {channels} channels; save it as grey, RGB or RGBA.")


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
