"""Every usual kind of image file becomes the same still; everything else is refused in one sentence."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.plate.errors import PlateError
from backend.plate.image import PlateImage, decode_plate, encode_exr, encode_png, from_working, shrink, to_working
from ipoke_media.exr_writing import write_exr

from . import files
from .files import LEFT, RIGHT, encoded, halves, noise


def exr_of(pixels: np.ndarray) -> bytes:
    return write_exr({name: pixels[..., index] for index, name in enumerate("BGRA"[: pixels.shape[2]])})


def corners(image: PlateImage) -> list[tuple[int, ...]]:
    """Which of the two colours stands at the four corners."""
    picked = [image.bgr[y, x].astype(int) for y in (2, -3) for x in (2, -3)]
    near_left = [abs(colour - LEFT).sum() < abs(colour - RIGHT).sum() for colour in picked]
    return ["L" if left else "R" for left in near_left]


@pytest.mark.parametrize(
    "data",
    [
        encoded(halves()),
        encoded(halves(), ".jpg"),
        encoded(halves(), ".tif"),
        encoded(halves(), ".bmp"),
        encoded(halves(), ".webp"),
        files.palette_png(),
        files.CMYK,
    ],
    ids=["png", "jpeg", "tiff", "bmp", "webp", "palette", "cmyk"],
)
def test_the_usual_files_become_the_same_still(data):
    image = decode_plate(data)
    assert image.size_px == (32, 24)
    assert image.alpha is None
    assert np.abs(image.bgr[4, 4].astype(int) - LEFT).max() < 16
    assert np.abs(image.bgr[4, -4].astype(int) - RIGHT).max() < 16


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_stored_values_and_depth_stay(dtype, channels, extension):
    pixels = noise(40, 30, channels, dtype)
    image = decode_plate(encoded(pixels, extension))
    assert image.depth_bits == 8 * np.dtype(dtype).itemsize
    assert (image.bgr == pixels[..., :3]).all()
    assert (image.alpha is None) == (channels < 4)
    if image.alpha is not None:
        assert (image.alpha == pixels[..., 3]).all()


@pytest.mark.slow
def test_the_largest_still_is_taken_however_small_its_file_is():
    data = encoded(np.full((8192, 8192), 7, np.uint8))
    image = decode_plate(data)
    assert (image.size_px, len(data) < 400_000) == ((8192, 8192), True)
    assert (image.bgr == 7).all()


def test_a_transparent_palette_gives_alpha():
    image = decode_plate(files.palette_png(transparent=True))
    assert image.alpha is not None
    assert (image.alpha[:, :16] == 255).all()
    assert (image.alpha[:, 16:] == 0).all()


TURNS = {1: "LRLR", 2: "RLRL", 3: "RLRL", 4: "LRLR", 5: "LLRR", 6: "LLRR", 7: "RRLL", 8: "RRLL"}


@pytest.mark.parametrize("make", [files.turned_jpeg, files.turned_png, files.turned_tiff], ids=["jpeg", "png", "tiff"])
@pytest.mark.parametrize("number", range(1, 9))
def test_a_camera_orientation_is_obeyed_on_request_only(make, number):
    data = make(number)
    turned, stored = decode_plate(data), decode_plate(data, upright=False)
    assert "".join(corners(turned)) == TURNS[number]
    assert turned.size_px == ((24, 32) if number > 4 else (32, 24))
    assert "".join(corners(stored)) == "LRLR"
    assert stored.size_px == (32, 24)


def test_both_byte_orders_of_exif_are_read():
    for order in "<>":
        assert decode_plate(files.turned_jpeg(6, order)).size_px == (24, 32)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([files.turned_jpeg(6), files.turned_png(6), files.turned_tiff(6)]), st.data())
def test_a_damaged_header_is_a_sentence_or_a_still(data, choice):
    damaged = bytearray(data)
    for _ in range(choice.draw(st.integers(1, 4))):
        damaged[choice.draw(st.integers(0, 90))] = choice.draw(st.integers(0, 255))
    with contextlib.suppress(PlateError):
        decode_plate(bytes(damaged)[: choice.draw(st.integers(0, len(damaged)))])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"this is a text",
        encoded(halves())[:60],
        encoded(noise(15, 40)),
        encoded(noise(40, 15)),
        encoded(np.zeros((20, 20, 3), np.float32), ".tif"),
        encoded(np.zeros((20, 20, 4), np.uint8)),
        encoded(noise(1, 1)),
        encoded(noise(60_000, 16)),
        exr_of(np.full((20, 20, 3), np.nan, np.float16)),
        exr_of(np.zeros((16, 8193, 3), np.float16)),
        exr_of(np.zeros((20, 20, 3), np.float16))[:200],
        exr_of(np.zeros((200, 200, 3), np.float16))[:-200],
        write_exr({"Z": np.zeros((20, 20), np.float32)}),
        b"v/1\x01" + b"and nothing more",
        encoded(np.zeros((16, 8193), np.uint8)),
        files.png(60_000, 60_000, 2, b"\0"),
        struct.pack("<HIHHI", 0x4D42, 100, 0, 0, 54),
    ],
    ids=[
        "empty",
        "text",
        "cut",
        "narrow",
        "low",
        "float",
        "transparent",
        "one pixel",
        "panorama",
        "no number",
        "wide exr",
        "cut exr header",
        "cut exr",
        "depth only",
        "exr magic",
        "wide",
        "lying header",
        "cut bitmap",
    ],
)
def test_what_is_no_usable_still_is_refused_in_a_sentence(data):
    with pytest.raises(PlateError) as refusal:
        decode_plate(data)
    assert refusal.value.sentence.endswith(".")
    assert refusal.value.sentence.startswith("The plate")


@pytest.mark.parametrize("channels", [3, 4])
def test_encoding_keeps_every_value(channels):
    for dtype in (np.uint8, np.uint16):
        image = decode_plate(encoded(noise(33, 21, channels, dtype)))
        again = decode_plate(encode_png(image, image.depth_bits))
        assert (again.bgr == image.bgr).all()
        assert image.alpha is None or (again.alpha == image.alpha).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_an_exr_comes_back_to_the_bit(dtype, channels):
    pixels = (np.random.default_rng(0).normal(0.5, 3, (30, 40, channels))).astype(dtype)
    pixels[..., 3:] = np.clip(pixels[..., 3:], 0, 1)
    pixels[3, 4, :3], pixels[5, 6, :3] = np.inf, np.nan
    image = decode_plate(exr_of(pixels))
    assert (image.depth_bits, image.bgr.dtype, image.premultiplied) == (32, dtype, channels == 4)
    again = decode_plate(encode_exr(image))
    assert again.bgr.tobytes() == np.ascontiguousarray(pixels[..., :3]).tobytes()
    assert image.alpha is None or again.alpha.tobytes() == np.ascontiguousarray(pixels[..., 3]).tobytes()


def test_layers_grey_and_windows_of_an_exr_are_understood():
    plane = np.arange(20 * 24, dtype=np.float32).reshape(20, 24)
    combined = {f"View.Combined.{name}": plane * index for index, name in enumerate("RGBA", start=1)}
    image = decode_plate(write_exr({**combined, "View.Depth.Z": plane}))
    assert (image.bgr[..., 2] == plane).all()
    assert (image.bgr[..., 0] == 3 * plane).all()
    assert (decode_plate(write_exr({"Y": plane})).bgr == plane[..., None]).all()


def test_a_radiance_picture_is_a_float_plate():
    light = np.random.default_rng(0).uniform(0, 9, (20, 30, 3)).astype(np.float32)
    image = decode_plate(encoded(light, ".hdr"))
    assert (image.depth_bits, image.bgr.dtype) == (32, np.float32)
    np.testing.assert_allclose(image.bgr, light, atol=0.08)


def test_a_float_plate_is_shown_on_the_srgb_curve():
    grey = decode_plate(exr_of(np.full((16, 16, 3), 0.2140, np.float32)))
    assert decode_plate(encode_png(grey, 8)).bgr[0, 0].tolist() == [127, 127, 127]


def test_premultiplied_files_are_taken_as_they_are():
    pixels = noise(32, 32, 4)
    straight, stored = decode_plate(encoded(pixels)), decode_plate(encoded(pixels), premultiplied=True)
    assert (to_working(stored)[..., :3] == pixels[..., :3]).all()
    np.testing.assert_allclose(to_working(straight)[..., :3], pixels[..., :3] * (pixels[..., 3:] / 255.0), atol=0.01)
    assert (from_working(to_working(stored), stored).bgr == stored.bgr).all()


def test_depth_is_converted_exactly_there_and_back():
    image = decode_plate(encoded(noise(64, 64)))
    deep = decode_plate(encode_png(image, 16))
    assert deep.depth_bits == 16
    assert (deep.bgr == image.bgr.astype(np.uint16) * 257).all()
    assert (decode_plate(encode_png(deep, 8)).bgr == image.bgr).all()


def test_the_same_image_gives_the_same_bytes():
    image = decode_plate(encoded(noise(64, 64)))
    assert encode_png(image, 8) == encode_png(image, 8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_premultiplying_and_back_keeps_opaque_colour(dtype):
    pixels = noise(64, 64, 4, dtype)
    pixels[..., 3] = np.iinfo(dtype).max
    image = decode_plate(encoded(pixels))
    again = from_working(to_working(image), image)
    assert (again.bgr == image.bgr).all()
    assert (again.alpha == image.alpha).all()


def test_shrinking_does_not_mix_in_hidden_colours():
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, ::2] = (0, 0, 255, 255)
    pixels[:, 1::2] = (0, 255, 0, 0)
    small = shrink(decode_plate(encoded(pixels)), 32)
    assert small.size_px == (32, 32)
    assert (small.bgr == (0, 0, 255)).all()
    assert small.alpha is not None
    assert (abs(small.alpha.astype(int) - 128) <= 1).all()


def test_a_small_image_is_not_enlarged():
    image = decode_plate(encoded(noise(40, 30)))
    assert shrink(image, 512) is image
