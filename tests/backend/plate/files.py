"""Image files of every kind, made in memory."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

LEFT, RIGHT = (40, 60, 200), (210, 120, 30)
CMYK = (Path(__file__).parent / "cmyk.jpg").read_bytes()


def halves(width: int = 32, height: int = 24) -> np.ndarray:
    """BGR: one colour on the left, another on the right."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = LEFT, RIGHT
    return pixels


def noise(width: int, height: int, channels: int = 3, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype=dtype, endpoint=True)


def encoded(pixels: np.ndarray, extension: str = ".png") -> bytes:
    return cv2.imencode(extension, pixels)[1].tobytes()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, colour_type: int, rows: bytes, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def palette_png(transparent: bool = False) -> bytes:
    colours = bytes(LEFT[::-1] + RIGHT[::-1])
    rows = b"".join(b"\0" + bytes([0] * 16 + [1] * 16) for _ in range(24))
    more = [chunk(b"PLTE", colours), *([chunk(b"tRNS", bytes([255, 0]))] if transparent else [])]
    return png(32, 24, 3, rows, *more)


def exif(orientation: int, order: str = "<") -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return head + struct.pack(order + "IH", 8, 1) + entry + struct.pack(order + "I", 0)


def turned_jpeg(orientation: int, order: str = "<") -> bytes:
    data, block = encoded(halves(), ".jpg"), b"Exif\0\0" + exif(orientation, order)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def turned_png(orientation: int) -> bytes:
    data = encoded(halves())
    return data[:33] + chunk(b"eXIf", exif(orientation)) + data[33:]


def turned_tiff(orientation: int) -> bytes:
    """Uncompressed 8-bit RGB."""
    rows = np.ascontiguousarray(halves()[..., ::-1]).tobytes()
    entries = [
        (256, 3, 1, 32), (257, 3, 1, 24), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 8),
        (274, 3, 1, orientation), (277, 3, 1, 3), (278, 3, 1, 24), (279, 4, 1, len(rows)),
    ]  # fmt: skip
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8 + len(rows)) + rows + struct.pack("<H", len(entries)) + directory + bytes(4)
