"""What stills for tests are made of: their pixels, and what goes along with them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 40, 28
CMYK_JPEG = Path(__file__).parents[1] / "backend" / "plate" / "cmyk.jpg"

Make = Callable[[], bytes]


def noise(channels: int, dtype: type = np.uint8, seed: int = 0) -> NDArray[Any]:
    """Values (H, W, C) all over the range of an integer type."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (HEIGHT, WIDTH, channels), dtype, endpoint=True)


def light(channels: int, dtype: type = np.float32, seed: int = 0) -> NDArray[Any]:
    """Linear light (H, W, C); with four channels premultiplied."""
    pixels = np.random.default_rng(seed).random((HEIGHT, WIDTH, channels), np.float32)
    if channels == 4:
        pixels[..., :3] *= pixels[..., 3:]
    return pixels.astype(dtype)


def blocks(channels: int) -> NDArray[Any]:
    """Coarse noise, which lossy kinds keep."""
    return np.kron(noise(channels)[: HEIGHT // 4, : WIDTH // 4], np.ones((4, 4, 1), np.uint8))


def encoded(pixels: NDArray[Any], suffix: str, *options: int) -> bytes:
    """A file as OpenCV writes it, BGR(A)."""
    return cv2.imencode(suffix, pixels, list(options))[1].tobytes()


def exif(orientation: int, order: str = "<") -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return head + struct.pack(order + "IH", 8, 1) + entry + struct.pack(order + "I", 0)


def jpeg_with(marker: int, body: bytes, pixels: NDArray[Any] | None = None) -> bytes:
    """A JPEG with a segment of its own behind its first bytes."""
    data = encoded(blocks(3) if pixels is None else pixels, ".jpg")
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def turned_jpeg(orientation: int) -> bytes:
    return jpeg_with(0xE1, b"Exif\0\0" + exif(orientation))


def wide_gamut_jpeg() -> bytes:
    return jpeg_with(0xE2, b"ICC_PROFILE\0\1\1" + profile(DISPLAY_P3))


SRGB = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))


@cache
def profile(colorants: Sequence[Sequence[float]], space: bytes = b"RGB ") -> bytes:
    """An ICC profile (version 2) of those colorants and the curve of sRGB, named "Made up"."""

    def fixed(values: Sequence[float]) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + fixed((2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    name = b"Made up\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + fixed((0.9642, 1.0, 0.8249)),
        **{key: b"XYZ " + bytes(4) + fixed(value) for key, value in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    place, table, bodies = 132 + 12 * len(tags), b"", b""
    for key, body in tags.items():
        body += bytes(-len(body) % 4)
        table += struct.pack(">4sII", key, place + len(bodies), len(body))
        bodies += body
    size = place + len(bodies)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, b"mntr", space, b"XYZ ").ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + fixed((0.9642, 1.0, 0.8249))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + bodies
