from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from blender_addon.core.png import decode_grey, encode


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_come_back_from_a_png_as_they_were(kind, channels):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (7, 11, channels), kind, endpoint=True)
    read = cv2.imdecode(np.frombuffer(encode(pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    assert read.dtype == kind
    assert (read[..., [2, 1, 0, 3][:channels]] == pixels).all()
    assert encode(pixels[::-1][::-1]) == encode(pixels), "whatever their order in memory"


def grey_png(pixels: np.ndarray, filters: list[int]) -> bytes:
    """A grey PNG with these filters for its rows, in turn."""
    height = len(pixels)
    padded = np.pad(pixels, ((1, 0), (1, 0))).astype(int)
    rows = b""
    for y in range(height):
        left, upper, corner = padded[y + 1, :-1], padded[y, 1:], padded[y, :-1]
        near = np.stack([left, upper, corner])
        paeth = np.take_along_axis(near, np.abs(left + upper - corner - near).argmin(axis=0)[None], axis=0)[0]
        kind = filters[y % len(filters)]
        guess = (0 * left, left, upper, (left + upper) // 2, paeth)[kind]
        rows += bytes([kind]) + ((pixels[y] - guess) % 256).astype(np.uint8).tobytes()
    plain = bytearray(encode(pixels[..., None]))
    packed = zlib.compress(rows)
    at = plain.index(b"IDAT") - 4
    checked = b"IDAT" + packed
    return bytes(plain[:at]) + struct.pack(">I", len(packed)) + checked + struct.pack(">I", zlib.crc32(checked)) + plain[-12:]


@pytest.mark.parametrize("filters", [[0], [1], [2], [3], [4], [0, 1, 2, 3, 4]])
def test_a_grey_png_is_read_whatever_the_filters_of_its_rows(filters):
    pixels = np.random.default_rng(1).integers(0, 255, (23, 31), np.uint8, endpoint=True)
    data = grey_png(pixels, filters)
    assert (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) == pixels).all(), "it is one that others read"
    assert (decode_grey(data, 31) == pixels).all()


def test_masks_as_opencv_writes_them_are_read():
    pixels = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 255, (90, 160), np.uint8), (0, 0), 3)
    assert (decode_grey(cv2.imencode(".png", pixels)[1].tobytes(), 512) == pixels).all()


def test_what_is_no_grey_png_of_a_bearable_size_is_refused():
    pixels = np.zeros((8, 9), np.uint8)
    good = encode(pixels[..., None])
    bad = (
        b"",
        b"text",
        good[:40],
        good[:-30],
        encode(np.zeros((8, 9, 3), np.uint8)),
        encode(pixels[..., None].astype(np.uint16)),
    )
    for data in (*bad, grey_png(pixels, [0]).replace(b"IDAT", b"IDOT")):
        with pytest.raises(ValueError, match="PNG"):
            decode_grey(data, 512)
    with pytest.raises(ValueError, match="too large"):
        decode_grey(good, 8)
