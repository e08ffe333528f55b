"""What a user names on the command line is read, or refused by its true cause."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.commands.errors import CommandError, UsageError
from backend.commands.inputs import read_file, read_plate
from tests.media.exr import exr, planes
from tests.media.files import encoded, noise


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
