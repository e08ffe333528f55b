"""TIFF files, made byte by byte."""

from __future__ import annotations

import struct
import zlib
from typing import Any, Literal

from numpy.typing import NDArray


def tiff(
    pixels: NDArray[Any],
    photometric: int,
    *,
    extra: int | None = None,
    order: Literal["<", ">"] = "<",
    packed: bool = False,
    orientation: int = 1,
) -> bytes:
    """A TIFF of pixels (H, W, C) in one strip, uncompressed or deflated; `extra` is what the last channel is (1, 2: alpha)."""
    height, width, channels = pixels.shape
    bits = 8 * pixels.dtype.itemsize
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if packed else data
    samples = struct.pack(f"{order}{channels}H", *[bits] * channels).ljust(8, b"\0")
    entries: list[tuple[int, int, int, int]] = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, channels, bits), (259, 3, 1, 8 if packed else 1),
        (262, 3, 1, photometric), (273, 4, 1, 16), (274, 3, 1, orientation), (277, 3, 1, channels),
        (278, 4, 1, height), (279, 4, 1, len(data)), *([] if extra is None else [(338, 3, 1, extra)]),
    ]  # fmt: skip
    if pixels.dtype.kind == "f":
        entries.append((339, 3, channels, 3))
    body = b""
    for tag, kind, count, value in entries:
        field = struct.pack(order + ("H" if kind == 3 else "I"), value).ljust(4, b"\0")
        if count == 2:
            field = struct.pack(order + "HH", value, value)
        elif count > 2:
            field = struct.pack(order + "I", 8)  # where the samples' sizes stand; three times the same
            if tag == 339:
                field = struct.pack(order + "I", 16 + len(data))
        body += struct.pack(order + "HHI", tag, kind, count) + field
    formats = struct.pack(f"{order}{channels}H", *[3] * channels) if pixels.dtype.kind == "f" and channels > 2 else b""
    place = 16 + len(data) + len(formats)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", place)
    return head + samples + data + formats + struct.pack(order + "H", len(entries)) + body + bytes(4)
