"""Stills are read whole, upright on request and within bounds, or refused in a sentence that names the true cause."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from ipoke_media import library
from ipoke_media.errors import ImageError
from ipoke_media.image import load_rgba8, read_image
from tests.machine import allowed
from tests.media import png
from tests.media.exr import exr, parts, planes, written
from tests.media.files import blocks, encoded, jpeg_with, light, noise, turned_jpeg
from tests.media.table import REFUSED, TAKEN
from tests.media.tiff import tiff

PROJECT = Path(__file__).resolve().parents[2]
DAMAGED = "is damaged or cut off"
CUT = {
    "JPEG": TAKEN["JPEG, RGB"],
    "progressive JPEG": TAKEN["JPEG, RGB, progressive"],
    "CMYK JPEG": TAKEN["JPEG, CMYK"],
    "PNG": TAKEN["PNG, RGBA, 16 bits"],
    "palette PNG": TAKEN["PNG, palette with tRNS, 4 bits"],
    "TIFF": TAKEN["TIFF, RGB, 16 bits"],
    "deflated TIFF": TAKEN["TIFF, RGB, deflated, big endian, 8 bits"],
    "LZW TIFF": TAKEN["TIFF, RGB, LZW"],
    "WebP": TAKEN["WebP"],
    "lossless WebP": TAKEN["WebP, lossless with alpha"],
    "BMP": TAKEN["BMP"],
    "HDR": TAKEN["Radiance HDR"],
    "EXR": TAKEN["EXR, float"],
    "ZIP EXR": TAKEN["EXR, half, zip"],
    "PIZ EXR": TAKEN["EXR, half, piz"],
    "DWAA EXR": TAKEN["EXR, half, dwaa"],
    "tiled EXR": TAKEN["EXR, tiled"],
}


def refusal_of(data: bytes, **wishes: object) -> str:
    with pytest.raises(ImageError) as refusal:
        read_image(data, **wishes)
    return refusal.value.sentence


@pytest.mark.parametrize("name", CUT)
def test_a_file_that_is_cut_off_anywhere_is_damaged_and_never_filled_up(name: str):
    data = CUT[name]()
    for length in np.linspace(24, len(data) - 20, 25).astype(int):
        assert DAMAGED in refusal_of(data[:length]), length


@pytest.mark.parametrize("name", ["JPEG", "progressive JPEG", "PNG", "deflated TIFF", "WebP", "ZIP EXR", "DWAA EXR"])
def test_a_copy_that_ended_in_zeros_is_damaged(name: str):
    data = CUT[name]()
    half = len(data) // 2
    assert DAMAGED in refusal_of(data[:half] + bytes(len(data) - half))


def test_a_jpeg_that_ends_in_its_middle_is_damaged():
    data = CUT["JPEG"]()
    assert DAMAGED in refusal_of(data[: len(data) // 2] + b"\xff\xd9")


def test_what_phones_put_around_a_jpeg_is_no_damage():
    whole = TAKEN["JPEG, RGB"]()
    assert read_image(whole + b"\xff\xda a movie that moves").rgb.shape == (28, 40, 3)
    thumbnail = jpeg_with(0xE1, b"Exif\0\0" + whole)
    assert read_image(thumbnail).rgb.shape == (28, 40, 3)
    place = thumbnail.rindex(b"\xff\xda")
    assert DAMAGED in refusal_of(thumbnail[: place + 60] + bytes(len(thumbnail)))


def test_a_png_without_its_end_is_damaged():
    assert DAMAGED in refusal_of(CUT["PNG"]()[:-12])


@pytest.mark.parametrize("place", [40, 60, -20])
def test_a_changed_byte_of_a_png_is_found(place: int):
    data = bytearray(CUT["PNG"]())
    data[place] ^= 4
    assert DAMAGED in refusal_of(bytes(data))


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_a_plate_is_refused_by_its_name(name: str):
    make, words = REFUSED[name]
    assert words in refusal_of(make())


TOO_LARGE = {
    "png": lambda: png.png(zlib.compress(bytes(1000)) * 3000, 2, size=(30_000, 30_000)),
    "exr window": lambda: exr(planes("RGB"), data_window=(0, 0, 39_999, 27)),
    "exr part": lambda: parts({"small": light(3), "wide": np.zeros((16, 20_000, 3), np.float16)}),
    "tiff": lambda: tiff(np.zeros((16, 8193, 3), np.uint8), 2),
    "jpeg": lambda: encoded(np.zeros((16, 8193, 3), np.uint8), ".jpg"),
    "webp": lambda: encoded(np.zeros((16, 8193, 3), np.uint8), ".webp"),
    "bmp": lambda: encoded(np.zeros((8193, 16, 3), np.uint8), ".bmp"),
    "hdr": lambda: encoded(np.zeros((16, 8193, 3), np.float32), ".hdr"),
}


def test_what_is_too_large_is_refused_by_its_header_at_once(tmp_path: Path):
    for name, make in TOO_LARGE.items():
        (tmp_path / name).write_bytes(make())
    for name, (sentence, grown_mb, took_s) in read_elsewhere(sorted(tmp_path.iterdir())).items():
        assert "8192 px a side" in sentence or (name in {"png", "exr window"} and DAMAGED in sentence), name
        assert (grown_mb < 50, took_s < 0.5) == (True, True), (name, grown_mb, took_s)


@pytest.mark.slow
def test_a_lying_header_of_a_jpeg_takes_no_more_than_its_size(tmp_path: Path):
    data = bytearray(encoded(blocks(3), ".jpg"))
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", 8000, 8000)
    (tmp_path / "lie.jpg").write_bytes(data)
    ((sentence, grown_mb, _),) = read_elsewhere([tmp_path / "lie.jpg"]).values()
    assert DAMAGED in sentence
    assert grown_mb < 500


@pytest.mark.slow
def test_one_layer_of_forty_channels_takes_the_memory_of_one(tmp_path: Path):
    side = 1024
    names = [f"layer{number:02d}.{letter}" for number in range(10) for letter in "RGBA"]
    (tmp_path / "forty.exr").write_bytes(written(np.zeros((side, side, 40), np.float16), ".exr", names=names, compression="zip"))
    ((sentence, grown_mb, _),) = read_elsewhere([tmp_path / "forty.exr"]).values()
    assert (sentence, grown_mb < 40) == ("layer00", True), grown_mb  # 80 MB are in the file, 8 in its first layer


def read_elsewhere(files: list[Path]) -> dict[str, tuple[str, float, float]]:
    """What reading each file in one process of its own says, how many MB that takes more than those before, and how long."""
    code = """
import json, resource, sys, time
from pathlib import Path
from ipoke_media.errors import ImageError
from ipoke_media.image import read_image
from tests.media.files import encoded, noise
read_image(encoded(noise(3), ".png"))
peak_kb = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in map(Path, sys.argv[1:]):
    data, before_kb, began_s = path.read_bytes(), peak_kb(), time.process_time()
    try:
        said = read_image(data).layer
    except ImageError as error:
        said = error.sentence
    print(json.dumps([path.name, said, (peak_kb() - before_kb) / 1024, time.process_time() - began_s]))
"""
    command = [sys.executable, "-c", code, *map(str, files)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=allowed(60), check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(name).stem: (said, grown_mb, took_s) for name, said, grown_mb, took_s in rows}


def test_more_channels_than_can_be_unpacked_in_time_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ipoke_media.image.MOST_DECODED_BYTES", 1000)
    assert "without the others" in refusal_of(exr(planes("RGB")))


def test_more_channels_than_any_render_has_are_refused():
    assert "has 1100 channels" in refusal_of(exr(planes([f"layer{number}.Y" for number in range(1100)], np.float16)))


def test_the_layer_of_that_name_is_read_or_the_names_are_told():
    names = [f"{layer}.{letter}" for layer in ("View.Combined", "View.AO", "View.Depth") for letter in "RGB"]
    channels = planes(names)
    data = exr(channels)
    shown = read_image(data)
    assert shown.layer == "View.AO"
    assert shown.tags.notes == ("It has 3 layers, of which View.AO is used: View.AO, View.Combined, View.Depth.",)
    combined = read_image(data, layer="View.Combined")
    assert (combined.rgb[..., 1] == channels["View.Combined.G"]).all()
    assert "it has View.AO, View.Combined, View.Depth" in refusal_of(data, layer="Combined")
    assert "has no layers" in refusal_of(encoded(noise(3), ".png"), layer="Combined")


def test_parts_are_layers_too():
    data = parts({"beauty": light(4, seed=1), "diffuse": light(4, seed=2)})
    assert read_image(data).layer == "beauty"
    assert (read_image(data, layer="diffuse").rgb == light(4, seed=2)[..., :3]).all()


def test_a_single_value_a_pixel_can_be_asked_for_by_name():
    channels = planes(["R", "G", "B", "Depth.Z"])
    picture = read_image(exr(channels), layer="Depth")
    assert (picture.rgb == channels["Depth.Z"][..., None]).all()
    assert picture.alpha is None


def test_half_stays_half_beside_float_channels():
    assert read_image(exr({**planes("RGB", np.float16), **planes("Z")})).rgb.dtype == np.float16


@pytest.mark.parametrize("number", range(1, 9))
def test_a_picture_is_turned_as_opencv_turns_it(number: int):
    turned = turned_jpeg(number)
    expected = cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(read_image(turned).upright().rgb[..., ::-1].astype(int) - expected).max() <= 2


def test_a_name_that_is_no_text_or_moves_the_cursor_is_shown_with_marks():
    for name in (b"\xff\xfeab", b"\x1b[2J"):
        data = exr({**planes("RGB"), "xxxx.Y": light(1)[..., 0]}).replace(b"xxxx.Y\0", name + b".Y\0")
        (note,) = read_image(data).tags.notes
        assert note.isprintable()
        assert "?" in note


def test_a_packing_that_the_library_does_not_know_is_called_that():
    data = TAKEN["TIFF, RGB, 8 bits"]().replace(struct.pack("<HHII", 259, 3, 1, 1), struct.pack("<HHII", 259, 3, 1, 34925))
    assert "save it with ZIP or LZW" in refusal_of(data)  # LZMA


def test_only_the_reader_of_the_kind_is_tried():
    assert DAMAGED in refusal_of(b"BM" + encoded(blocks(3), ".jpg"))


def test_nothing_stays_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    read_image(encoded(noise(3), ".png"))
    refusal_of(encoded(noise(3), ".png")[:100])
    assert not list(tmp_path.iterdir())


def test_a_full_temporary_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert "set TMPDIR" in refusal_of(encoded(noise(3), ".png"))


def test_pictures_to_learn_from_are_8_bits_upright_and_keep_their_alpha(tmp_path: Path):
    file = tmp_path / "picture.png"
    file.write_bytes(encoded(noise(4, np.uint16), ".png"))
    pixels = load_rgba8(file)
    assert (pixels == np.rint(noise(4, np.uint16)[..., [2, 1, 0, 3]] / 257)).all()
    file.write_bytes(turned_jpeg(6))
    assert load_rgba8(file).shape == (40, 28, 3)
    file.write_bytes(exr(planes("RGB")))
    with pytest.raises(ImageError, match="linear light"):
        load_rgba8(file)
    with pytest.raises(ImageError, match="can't be opened"):
        load_rgba8(tmp_path / "missing.png")


def test_the_library_looks_for_no_plugins():
    assert library._library().get_int_attribute("try_all_readers") == 0
