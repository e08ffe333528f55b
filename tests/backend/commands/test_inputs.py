"""What a user names on the command line is read as a file of a bounded size, or refused by its true cause."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from backend.commands.errors import CommandError, UsageError
from backend.commands.inputs import read_file, read_plate
from tests.media.exr import exr, planes
from tests.media.files import encoded, noise


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize(
    ("kind", "words"), [("pipe", "not a file"), ("device", "not a file"), ("folder", "not a file"), ("none", "No such")]
)
def test_what_is_no_file_is_refused_at_once(tmp_path, kind, words):
    path = tmp_path / "still.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(UsageError, match=words):
        read_file(path)


def test_a_file_beyond_its_bound_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UsageError, match=r"more than the 1\.0 MB"):
        read_file(tmp_path / "huge", 2**20)


@pytest.mark.skipif(sys.platform == "win32", reason="names are text on Windows")
@pytest.mark.parametrize("name", [b"take:2.png", "植物.png".encode(), b"f\xff\xfe.png", b"new\nline.png", b"-o", b"n" * 255])
def test_names_of_all_kinds_are_read(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"pixels")
    assert read_file(path) == b"pixels"


@pytest.mark.slow
def test_a_file_that_is_just_too_large_is_told_by_how_much(tmp_path: Path):
    large = tmp_path / "45-megapixels.tif"
    large.write_bytes(b"II*\0")
    os.truncate(large, 8192 * 5464 * 6 + 8)
    with pytest.raises(UsageError, match=r"has 268\.6 MB, more than the 268\.4 MB that a file may have; save it packed"):
        read_file(large)


def test_a_plate_that_is_cut_off_is_called_damaged_with_its_name(tmp_path: Path):
    half = tmp_path / "half.png"
    half.write_bytes(encoded(noise(3), ".png")[:500])
    with pytest.raises(CommandError, match=r"half\.png: The plate is damaged or cut off"):
        read_plate(half)


def test_the_layer_in_use_is_told_and_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    layered = tmp_path / "layered.exr"
    layered.write_bytes(exr(planes([f"{layer}.{letter}" for layer in ("AO", "Combined") for letter in "RGB"])))
    assert read_plate(layered)[1].layer == "AO"
    assert "layered.exr: It has 2 layers, of which AO is used: AO, Combined." in capsys.readouterr().err
    assert read_plate(layered, layer="Combined")[1].layer == "Combined"
    with pytest.raises(CommandError, match="has no layer named Depth"):
        read_plate(layered, layer="Depth")
