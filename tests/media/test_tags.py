"""What a file says about its colours and pixels is understood, and goes into PNG and EXR files."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from ipoke_media import icc
from ipoke_media.exr_writing import write_exr
from ipoke_media.image import read_image
from ipoke_media.png import with_chunks
from ipoke_media.tags import Tags, Window
from tests.media import png
from tests.media.exr import ACESCG, written
from tests.media.files import DISPLAY_P3, SRGB, encoded, jpeg_with, light, noise, profile, wide_gamut_jpeg

P3 = profile(DISPLAY_P3)


def chunk_names(tags: Tags) -> list[bytes]:
    return [data[4:8] for data in tags.all_png_chunks]


def png_with(*chunks: bytes) -> bytes:
    return png.plain_png(3, 8, *chunks)


def icc_chunk(stored: bytes) -> bytes:
    return png.chunk(b"iCCP", b"a\0\0" + zlib.compress(stored))


def icc_jpeg(stored: bytes) -> bytes:
    return jpeg_with(0xE2, b"ICC_PROFILE\0\1\1" + stored)


def test_profiles_are_known_for_srgb_by_what_they_say():
    assert icc.is_srgb(profile(SRGB))
    assert not icc.is_srgb(P3)
    assert not icc.is_srgb(profile(SRGB).replace(struct.pack(">i", round(2.4 * 65536)), struct.pack(">i", round(1.8 * 65536))))
    assert icc.colour_space(P3) == "RGB"


@pytest.mark.parametrize("length", range(0, 480, 23))
def test_a_profile_that_is_cut_off_is_not_srgb_and_raises_nothing(length: int):
    assert not icc.is_srgb(profile(SRGB)[:length])


def test_a_wide_gamut_profile_goes_into_png_and_is_lost_in_exr():
    tags = read_image(wide_gamut_jpeg()).tags
    assert (chunk_names(tags), tags.profile) == ([b"iCCP"], "Made up")
    assert zlib.decompress(tags.png_chunks[0][8:-4].partition(b"\0")[2][1:]) == P3
    assert "Made up" in tags.lost_in_exr


def test_an_srgb_profile_goes_along_and_is_lost_nowhere():
    tags = read_image(icc_jpeg(profile(SRGB))).tags
    assert (chunk_names(tags), tags.lost_in_exr, tags.lost_in_png, tags.profile) == ([b"iCCP"], "", "", "")


def test_a_profile_for_other_values_than_rgb_is_told():
    tags = read_image(icc_jpeg(profile(SRGB, b"CMYK"))).tags
    assert tags.png_chunks == ()
    assert "is for CMYK values" in tags.notes[0]


@pytest.mark.parametrize(
    ("chunks", "is_srgb"),
    [
        ([png.chunk(b"sRGB", b"\0"), png.chunk(b"gAMA", (45_455).to_bytes(4, "big"))], True),
        ([png.chunk(b"gAMA", (100_000).to_bytes(4, "big"))], False),
        ([png.chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))], False),
        ([png.chunk(b"cICP", bytes([1, 13, 0, 1]))], True),
        ([png.chunk(b"cICP", bytes([9, 16, 0, 1]))], False),
        ([icc_chunk(P3)], False),
        ([icc_chunk(profile(SRGB))], True),
    ],
    ids=["sRGB", "linear", "P3", "cICP of sRGB", "PQ", "profile", "sRGB profile"],
)
def test_what_a_png_says_of_its_colours_goes_along_as_it_is(chunks: list[bytes], is_srgb: bool):
    tags = read_image(png_with(*chunks)).tags
    assert tags.png_chunks == tuple(chunks)
    assert (tags.lost_in_exr == "") == is_srgb
    again = read_image(with_chunks(encoded(noise(3), ".png"), tags.all_png_chunks)).tags
    assert again == tags


def test_the_shape_of_pixels_goes_along_and_turns_with_the_picture():
    wide = png_with(png.chunk(b"pHYs", struct.pack(">IIB", 1000, 2000, 0)))
    tags = read_image(wide).tags
    assert tags.pixel_aspect == pytest.approx(2, rel=1e-3)
    assert read_image(with_chunks(encoded(noise(3), ".png"), tags.all_png_chunks)).tags.pixel_aspect == pytest.approx(2, rel=1e-3)
    assert tags.turned().pixel_aspect == pytest.approx(0.5, rel=1e-3)
    jfif = bytearray(encoded(noise(3), ".jpg"))
    place = jfif.index(b"JFIF\0")
    jfif[place + 7 : place + 12] = struct.pack(">BHH", 1, 144, 72)
    assert read_image(bytes(jfif)).tags.pixel_aspect == pytest.approx(0.5)


def test_primaries_windows_and_the_shape_of_pixels_go_through_exr():
    attributes = {"chromaticities": ("float[8]", ACESCG), "PixelAspectRatio": 2.0, "window": (10, 5, 0, 0, 60, 40)}
    tags = read_image(written(light(3), ".exr", **attributes)).tags
    assert tags.chromaticities == pytest.approx(ACESCG)
    assert (tags.pixel_aspect, tags.window) == (2, Window(10, 5, 0, 0, 60, 40))
    planes = {name: np.ascontiguousarray(light(3)[..., place]) for place, name in enumerate("RGB")}
    again = read_image(write_exr(planes, tags))
    assert again.tags == tags
    assert (again.rgb == light(3)).all()


def test_primaries_go_into_png_where_it_has_room_for_them():
    tags = read_image(written(light(3), ".exr", chromaticities=("float[8]", ACESCG))).tags
    assert (chunk_names(tags), tags.lost_in_png) == ([b"gAMA", b"cHRM"], "")
    ap0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
    tags = read_image(written(light(3), ".exr", chromaticities=("float[8]", ap0))).tags
    assert tags.png_chunks == ()
    assert "negative" in tags.lost_in_png


def test_the_same_planes_give_the_same_bytes_and_their_own_types():
    planes = {"Vector.X": light(1)[..., 0], "occlusion.V": light(1, np.float16)[..., 0]}
    data = write_exr(planes)
    assert data == write_exr(planes)
    assert b"capDate" not in data
    picture = read_image(data, layer="occlusion")
    assert picture.rgb.dtype == np.float16
    assert (picture.rgb[..., 0] == planes["occlusion.V"]).all()
