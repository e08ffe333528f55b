"""Owns reading the orientation that a camera wrote into an image file. Looks at headers only; never raises."""

from __future__ import annotations

import struct

UPRIGHT = 1
_ORIENTATION_TAG = 0x0112
_SHORT = 3
_MOST_ENTRIES = 512
_MOST_CHUNKS = 4096
_TIFF = (b"II*\0", b"MM\0*")


def orientation(data: bytes) -> int:
    """EXIF orientation (1..8) of an encoded JPEG, PNG, WebP or TIFF file; 1 when it says nothing."""
    try:
        block = _exif_block(data)
        return _orientation_in(block) if block else UPRIGHT
    except (struct.error, IndexError):
        return UPRIGHT


def without_tiff_orientation(data: bytes) -> bytes:
    """The file as if a TIFF said nothing about its orientation, which OpenCV would otherwise obey in this format alone."""
    if data[:4] not in _TIFF or orientation(data) == UPRIGHT:
        return data
    place = _orientation_place(data)
    return data[:place] + struct.pack(_byte_order(data) + "H", UPRIGHT) + data[place + 2 :]


def _exif_block(data: bytes) -> bytes:
    if data[:2] == b"\xff\xd8":
        return _in_jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _in_chunks(data, 8, b"eXIf", ">I", length_first=True)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _in_chunks(data, 12, b"EXIF", "<I", length_first=False)
    if data[:4] in _TIFF:
        return data
    return b""


def _in_jpeg(data: bytes) -> bytes:
    position = 2
    while data[position] == 0xFF and data[position + 1] not in (0xDA, 0xD9):
        (length,) = struct.unpack_from(">H", data, position + 2)
        if data[position + 1] == 0xE1 and data[position + 4 : position + 10] == b"Exif\0\0":
            return data[position + 10 : position + 2 + length]
        position += 2 + length
    return b""


def _in_chunks(data: bytes, position: int, wanted: bytes, length_format: str, *, length_first: bool) -> bytes:
    for _ in range(_MOST_CHUNKS):
        name_at, length_at = (position + 4, position) if length_first else (position, position + 4)
        (length,) = struct.unpack_from(length_format, data, length_at)
        if data[name_at : name_at + 4] == wanted:
            return data[position + 8 : position + 8 + length].removeprefix(b"Exif\0\0")
        position += 12 + length if length_first else 8 + length + length % 2
    return b""


def _orientation_in(tiff: bytes) -> int:
    place = _orientation_place(tiff)
    if place == 0:
        return UPRIGHT
    (value,) = struct.unpack_from(_byte_order(tiff) + "H", tiff, place)
    return int(value) if 1 <= value <= 8 else UPRIGHT


def _orientation_place(tiff: bytes) -> int:
    """Where the orientation's value stands in a TIFF block; 0 when it has none."""
    order = _byte_order(tiff)
    (directory,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, directory)
    for index in range(min(count, _MOST_ENTRIES)):
        entry = directory + 2 + 12 * index
        tag, kind = struct.unpack_from(order + "HH", tiff, entry)
        if tag == _ORIENTATION_TAG and kind == _SHORT:
            return int(entry) + 8
    return 0


def _byte_order(tiff: bytes) -> str:
    return "<" if tiff[:2] == b"II" else ">"
