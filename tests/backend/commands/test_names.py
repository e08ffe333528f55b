"""Names that commands choose themselves are good on every system."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from backend.commands.names import is_reserved, numbered, result_name


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("leaf.png", "leaf-poked"),
        ("shots/leaf.v2.png", "leaf.v2-poked"),
        ("Büsche 植物.png", "Büsche 植物-poked"),
        ("take:2.png", "take:2-poked"),
        ("con.png", "con-poked"),
        ("CON.v1.png", "_CON.v1-poked"),
        ("nul .x.png", "_nul .x-poked"),
        ("f\udcff.png", "f\udcff-poked"),
    ],
)
def test_a_result_is_named_after_its_image(image, name):
    assert result_name(Path(image), "-poked") == name


@pytest.mark.parametrize("letter", ["n", "ä", "植", "\udcff"])
def test_the_longest_name_of_an_image_leaves_room_for_the_ending(letter):
    stem = letter * (251 // len(os.fsencode(letter)))
    name = result_name(Path(stem + ".png"), "-transferred")
    assert len(os.fsencode(name)) < 220
    assert name.startswith(letter * 20)
    assert name.endswith("-transferred")


@pytest.mark.parametrize(
    ("name", "reserved"), [("NUL", True), ("com1.txt", True), ("aux", True), ("com10", False), ("null", False)]
)
def test_names_of_devices_are_known(name, reserved):
    assert is_reserved(name) == reserved


def test_numbers_stand_before_the_suffix():
    paths = itertools.islice(numbered(Path("a/sway.kin.safetensors"), ".kin.safetensors"), 3)
    assert [path.name for path in paths] == ["sway.kin.safetensors", "sway-2.kin.safetensors", "sway-3.kin.safetensors"]
