"""PNG files, made byte by byte."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.media.files import HEIGHT, WIDTH, exif, noise


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    rows: bytes, colour_type: int, bits: int = 8, *more: bytes, size: tuple[int, int] = (WIDTH, HEIGHT), interlaced: bool = False
) -> bytes:
    """A PNG of filtered rows, with more chunks before them."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colour_type, 0, 0, int(interlaced)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png_rows(pixels: NDArray[Any], bits: int) -> bytes:
    """Rows (H, W, C) without a filter."""
    if bits >= 8:
        return b"".join(b"\0" + row.astype(f">u{bits // 8}").tobytes() for row in pixels)
    spread = (pixels.reshape(len(pixels), -1, 1) >> np.arange(bits)[::-1]) & 1
    return b"".join(b"\0" + np.packbits(row.astype(np.uint8).ravel()).tobytes() for row in spread)


def adam7(pixels: NDArray[Any], bits: int) -> bytes:
    """The rows of the seven passes of an interlaced PNG."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    return b"".join(png_rows(pixels[y::down, x::across], bits) for x, y, across, down in passes)


def plain_png(channels: int, bits: int, *more: bytes, interlaced: bool = False) -> bytes:
    pixels = noise(channels, np.uint16 if bits == 16 else np.uint8)
    rows = adam7(pixels, bits) if interlaced else png_rows(pixels, bits)
    return png(rows, {1: 0, 2: 4, 3: 2, 4: 6}[channels], bits, *more, interlaced=interlaced)


def small_grey_png(bits: int, *more: bytes) -> bytes:
    return png(png_rows(noise(1) % 2**bits, bits), 0, bits, *more)


GREY_KEY = chunk(b"tRNS", struct.pack(">H", 1))


def keyed_png(channels: int, bits: int) -> bytes:
    """A colour of the picture is transparent."""
    pixels = noise(channels, np.uint16 if bits == 16 else np.uint8)
    pixels[:, :10] = range(1, channels + 1)
    return png(
        png_rows(pixels, bits),
        2 if channels == 3 else 0,
        bits,
        chunk(b"tRNS", struct.pack(f">{channels}H", *range(1, channels + 1))),
    )


def palette_png(bits: int, transparent: bool) -> bytes:
    colours = np.random.default_rng(1).integers(0, 256, (2**bits, 3), np.uint8)
    more = [chunk(b"PLTE", colours.tobytes()), *([chunk(b"tRNS", bytes([0, 90]))] if transparent else [])]
    return png(png_rows(noise(1) % 2**bits, bits), 3, bits, *more)


def turned_png(orientation: int) -> bytes:
    return plain_png(3, 8, chunk(b"eXIf", exif(orientation)))
