"""Writes pixels as a PNG file, the same pixels as the same bytes, and reads grey ones. No bpy."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

Pixels = Any  # numpy's array types are not there for a type checker inside Blender

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}
_LEVEL = 1  # a larger one costs seconds at 4K


def encode(pixels: Pixels) -> bytes:
    """Return a PNG of (H, W, 1, 3 or 4) uint8 or uint16 pixels, the first row on top, alpha straight."""
    height, width, channels = pixels.shape
    depth_bits = 8 * pixels.dtype.itemsize
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    filtered = np.zeros((height, rows.shape[1] + 1), np.uint8)  # each row begins with the number of its filter: none
    filtered[:, 1:] = rows
    header = struct.pack(">IIBBBBB", width, height, depth_bits, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), _LEVEL)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def decode_grey(data: bytes, side_px: int) -> Pixels:
    """Return the (H, W) uint8 pixels of a grey PNG of 8 bits without interlacing; raises ValueError for any other file.

    One with a side longer than `side_px` is refused before anything of it is unpacked.
    """
    if not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR" or len(data) < 33:
        raise ValueError("This is no PNG.")
    width, height, *kind = struct.unpack(">IIBBBBB", data[16:29])
    if kind != [8, 0, 0, 0, 0] or not (0 < width <= side_px and 0 < height <= side_px):
        raise ValueError("This is no grey PNG of 8 bits, or it is too large.")
    packed = b"".join(content for name, content in _chunks(data) if name == b"IDAT")
    try:
        rows = zlib.decompressobj().decompress(packed, height * (width + 1))
    except zlib.error as error:
        raise ValueError(f"This PNG is damaged: {error}.") from error
    if len(rows) != height * (width + 1):
        raise ValueError("This PNG ends too early.")
    filtered = np.frombuffer(rows, np.uint8).reshape(height, width + 1)
    return _unfiltered(filtered[:, 0], filtered[:, 1:])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        yield name, data[at + 8 : at + 8 + length]
        at += length + 12


def _unfiltered(filters: Pixels, rows: Pixels) -> Pixels:
    pixels = np.zeros((len(rows) + 1, rows.shape[1]), np.uint8)
    for number, (kind, row) in enumerate(zip(filters, rows, strict=True)):
        above, result = pixels[number], pixels[number + 1]
        if kind == 0:
            result[:] = row
        elif kind == 1:
            np.cumsum(row, dtype=np.uint8, out=result)
        elif kind == 2:
            np.add(row, above, out=result)
        elif kind in (3, 4):
            result[:] = _predicted(kind == 4, row.tolist(), above.tolist())
        else:
            raise ValueError("This PNG has a filter that there is not.")
    return pixels[1:]


def _predicted(paeth: bool, row: list[int], above: list[int]) -> list[int]:
    """A row whose bytes are differences from a guess: the mean of left and upper, or Paeth's."""
    left, corner, result = 0, 0, []
    for difference, upper in zip(row, above, strict=True):
        guess = min((left, upper, corner), key=lambda near: abs(left + upper - corner - near)) if paeth else (left + upper) // 2
        left, corner = (difference + guess) & 255, upper
        result.append(left)
    return result


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
