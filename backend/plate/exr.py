"""Owns OpenEXR files in memory: reading a picture's colour and alpha, writing named channels. Values stay as stored.

EXR colour is linear light and, where there is alpha, premultiplied; channels are half or float.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from ..protocol import limits
from .errors import PlateError

MAGIC = b"v/1\x01"
_DAMAGED = "The plate is a damaged EXR file, or one of a kind that can't be read; save it again as scan lines."

Plane = NDArray[Any]


def read(data: bytes) -> Plane:
    """Pixels (H, W, 3 or 4) of the display window, BGR(A), float16 or float32. Raises PlateError."""
    header, _ = _open(data, header_only=True)
    width, height = _check_size(header)
    header, channels = _open(data, header_only=False)
    planes = {name: np.asarray(channel.pixels) for name, channel in channels.items() if channel.pixels is not None}
    stacked = np.dstack([planes[name] for name in _colour_names(planes)])
    if stacked.dtype not in (np.float16, np.float32):
        raise PlateError(f"The plate has {stacked.dtype} channels; save it as half or float EXR.")
    return _on_display(stacked, header, width, height)


def write(channels: Mapping[str, Plane]) -> bytes:
    """EXR file of named planes (H, W), each float16 or float32, losslessly packed."""
    header = {"compression": OpenEXR.ZIPS_COMPRESSION, "type": OpenEXR.scanlineimage}
    stream = io.BytesIO()
    OpenEXR.File(header, {name: np.ascontiguousarray(plane) for name, plane in channels.items()}, 1).write(stream)
    return stream.getvalue()


def _open(data: bytes, *, header_only: bool) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        file = OpenEXR.File(io.BytesIO(data), True, header_only, 1)
        return file.header(), file.channels()
    except (RuntimeError, ValueError, TypeError) as error:
        raise PlateError(_DAMAGED) from error


def _check_size(header: Mapping[str, Any]) -> tuple[int, int]:
    sizes = []
    for window in ("displayWindow", "dataWindow"):
        (left, top), (right, bottom) = (corner.tolist() for corner in header[window])
        sizes.append((right - left + 1, bottom - top + 1))
    width, height = sizes[0]
    if max(max(size) for size in sizes) > limits.IMAGE_SIDE_PX:
        raise PlateError(f"The plate has {width} x {height} px; scale it to at most {limits.IMAGE_SIDE_PX} px a side.")
    return width, height


def _colour_names(planes: Mapping[str, Plane]) -> list[str]:
    """Names of the B, G, R and perhaps A planes of the layer with the shortest name."""
    layers = sorted({name.rpartition(".")[0] for name in planes}, key=len)
    for layer in layers:
        b, g, r, a, y = (f"{layer}.{letter}" if layer else letter for letter in "BGRAY")
        colour = [b, g, r] if {b, g, r} <= planes.keys() else [y] * 3
        if colour[0] in planes:
            return [*colour, a] if a in planes else colour
    raise PlateError(_DAMAGED if not planes else "The plate is an EXR file without R, G, B or Y channels; save its picture.")


def _on_display(pixels: Plane, header: Mapping[str, Any], width: int, height: int) -> Plane:
    left, top = (header["dataWindow"][0] - header["displayWindow"][0]).tolist()
    if (left, top) == (0, 0) and pixels.shape[:2] == (height, width):
        return pixels
    result = np.zeros((height, width, pixels.shape[2]), pixels.dtype)
    rows, columns = slice(max(0, top), min(height, top + len(pixels))), slice(max(0, left), min(width, left + pixels.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        result[rows, columns] = pixels[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return result
