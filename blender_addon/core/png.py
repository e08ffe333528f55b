"""Owns writing pixels as a PNG file; the same pixels give the same bytes. No bpy."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

Pixels = Any  # numpy's array types are not there for a type checker inside Blender

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {3: 2, 4: 6}
_LEVEL = 1  # a larger one costs seconds at 4K


def encode(pixels: Pixels) -> bytes:
    """Return a PNG of (H, W, 3 or 4) uint8 or uint16 pixels, the first row on top, alpha straight."""
    height, width, channels = pixels.shape
    depth_bits = 8 * pixels.dtype.itemsize
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    filtered = np.zeros((height, rows.shape[1] + 1), np.uint8)  # each row begins with the number of its filter: none
    filtered[:, 1:] = rows
    header = struct.pack(">IIBBBBB", width, height, depth_bits, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered, _LEVEL)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
