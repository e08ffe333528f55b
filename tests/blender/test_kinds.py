"""Every still of the table is read as Blender reads it: size, pixels and alpha. Blender is a process of its own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.blender.kinds import BLENDER_PYTHON, LIMIT_S, compare, unread
from tests.blender.test_blender import BLENDER_MISSING
from tests.media.table import REFUSED, TAKEN

CMYK_STEP = 1 / 255
"""Blender cuts off where OpenImageIO rounds when it turns CMYK of a JPEG into RGB."""
SINGLE_PRECISION = 1e-6

pytestmark = [
    pytest.mark.timeout(LIMIT_S + 30),
    pytest.mark.skipif(sys.executable == BLENDER_PYTHON and importlib.util.find_spec("bpy") is None, reason=BLENDER_MISSING),
]


def test_every_kind_of_still_is_what_blender_shows(tmp_path: Path):
    wrong = [
        line
        for line in compare(TAKEN, tmp_path)
        if not (line.same_size and line.same_alpha)
        or line.difference > (CMYK_STEP if line.name == "JPEG, CMYK" else SINGLE_PRECISION)
    ]
    assert not wrong


def test_blender_shows_nothing_of_luminance_and_chroma_either(tmp_path: Path):
    name = "EXR, luminance and chroma"
    assert unread({name: REFUSED[name][0]}, tmp_path) == [name]
