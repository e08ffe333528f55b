"""Frames of every kind of still: outside the moved box they hold the plate's stored values, and they say what its file says."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from backend.plate.errors import PlateError
from backend.plate.image import check_depth, decode_image, decode_plate, encode_exr, encode_frame, encode_png, shrink, to_working
from benchmarks.plate_kinds import differing
from ipoke_media.image import read_image
from tests.media import png
from tests.media.exr import ACESCG, exr, parts, planes, written
from tests.media.files import light, noise, wide_gamut_jpeg
from tests.media.table import EXR, JPEG, LAYERED, OTHERS, PNG, TAKEN, TIFF
from tests.media.tiff import tiff

TABLES = {"png": PNG, "jpeg": JPEG, "tiff": TIFF, "others": OTHERS, "exr": EXR, "layered": LAYERED}
SMALL = {name: make for name, make in TAKEN.items() if "8192" not in name}


@pytest.mark.slow
@pytest.mark.parametrize(
    "table", [PNG, JPEG, TIFF, OTHERS, EXR, LAYERED], ids=["png", "jpeg", "tiff", "others", "exr", "layered"]
)
def test_frames_hold_the_stored_values_of_the_plate_outside_the_moved_box(table):
    for name in table.keys() & SMALL.keys():
        differ, compared = differing(table[name]())
        assert (differ, compared > 0) == (0, True), name


def test_sixteen_bit_tiff_with_alpha_is_premultiplied_as_blender_takes_it():
    pixels = noise(4, np.uint16)
    plate = decode_plate(tiff(pixels, 2, extra=2))
    assert plate.premultiplied
    assert (to_working(plate)[..., :3] == pixels[..., 2::-1]).all()
    assert not decode_plate(tiff(noise(4), 2, extra=1)).premultiplied
    assert decode_plate(tiff(noise(4), 2, extra=2), premultiplied=True).premultiplied


def test_premultiplied_whole_numbers_become_light_as_blender_does_it():
    pixels = np.full((28, 40, 4), 32896, np.uint16)  # half of white times half of alpha: white
    light_again = decode_image(encode_exr(decode_plate(tiff(pixels, 2, extra=1))))
    np.testing.assert_allclose(light_again.bgr, 32896 / 65535, atol=1e-4)


@pytest.mark.parametrize("size_px", [None, 20])
def test_a_profile_and_the_shape_of_pixels_are_in_every_png_frame(size_px):
    stretched = png.plain_png(3, 8, png.chunk(b"cICP", bytes([12, 13, 0, 1])), png.chunk(b"pHYs", struct.pack(">IIB", 1, 2, 0)))
    for data in (wide_gamut_jpeg(), stretched):
        plate = decode_plate(data)
        frame = encode_frame(plate if size_px is None else shrink(plate, size_px), 16)
        assert read_image(frame).tags == plate.tags
        assert encode_frame(plate, 8) == encode_frame(plate, 8)


def test_primaries_and_the_window_are_in_every_exr_frame_and_primaries_in_its_preview():
    data = written(light(3), ".exr", chromaticities=("float[8]", ACESCG), window=(10, 5, 0, 0, 60, 40))
    plate = decode_plate(data)
    assert read_image(encode_frame(plate, 32)).tags == plate.tags
    small = shrink(plate, 20)
    assert small.tags.window is None
    assert b"cHRM" in encode_png(small, 8)


def test_frames_that_can_not_carry_the_colours_are_refused():
    wide = decode_plate(wide_gamut_jpeg())
    check_depth(wide, 8)
    with pytest.raises(PlateError, match=r"EXR frames can't carry the plate's colours \(Made up\); .* PNG frames"):
        check_depth(wide, 32)
    negative = decode_plate(written(light(3), ".exr", chromaticities=("float[8]", (*ACESCG[:5], -0.077, *ACESCG[6:]))))
    check_depth(negative, 32)
    with pytest.raises(PlateError, match="PNG frames can't carry the plate's primaries"):
        check_depth(negative, 16)


def test_the_plate_is_the_layer_that_was_asked_for():
    channels = planes([f"{layer}.{letter}" for layer in ("AO", "Combined") for letter in "RGB"])
    assert decode_plate(exr(channels)).layer == "AO"
    plate = decode_plate(exr(channels), layer="Combined")
    assert (plate.layer, (plate.bgr[..., 0] == channels["Combined.B"]).all()) == ("Combined", True)
    with pytest.raises(PlateError, match="The plate has no layer named Beauty; it has AO, Combined"):
        decode_plate(exr(channels), layer="Beauty")
    assert decode_plate(parts({"a": light(3), "b": light(4)}), layer="b").alpha is not None
