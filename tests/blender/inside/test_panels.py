"""What the panels show, drawn into a layout that remembers it: without a window Blender draws none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

from .conftest import MODULE
from .layouts import drawn


@pytest.fixture
def library(tmp_path, part) -> Iterator[Path]:
    """A library with one motion, as far as a panel looks."""
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.library_folder = str(tmp_path / "library")
    file = tmp_path / "library/sway.kin.safetensors"
    file.parent.mkdir()
    file.touch()
    part("ui.disk").state().motions_s = -1e9
    yield file
    preferences.library_folder = ""


def test_a_motion_is_replayed_with_the_strength_and_the_mirror_that_are_set(plane, library):
    plane.ipoke.replay_strength, plane.ipoke.replay_mirror = 1.5, True
    layout = drawn("IPOKE_PT_transfer")
    fields = [given.arguments[1] for name, given in layout.log if name == "prop"]
    assert fields == ["replay_strength", "replay_mirror"]
    (button,) = layout.operators("ipoke.transfer")
    assert (button.text, button.filepath, button.strength, button.mirror) == ("sway", str(library), 1.5, True)


def test_an_empty_library_says_what_will_be_there(plane, library, part):
    library.unlink()
    part("ui.disk").state().motions_s = -1e9
    assert "Motions that are extracted appear here" in drawn("IPOKE_PT_transfer").words


@pytest.mark.parametrize("state", ["nothing", "plane", "sampled"])
def test_every_panel_can_be_drawn_in_every_state(state, request, part):
    if state != "nothing":
        request.getfixturevalue(state)
    panels = [cls.__name__ for cls in part("registration").CLASSES if issubclass(cls, bpy.types.Panel)]
    assert len(panels) >= 8
    shown = {panel for panel in panels if drawn(panel).log}
    assert {"IPOKE_PT_plate", "IPOKE_PT_backend"} <= shown
    assert ("IPOKE_PT_sample" in shown) is (state != "nothing")


def test_a_sample_whose_files_are_gone_has_its_path_and_a_button(sampled, tmp_path, part):
    shutil.rmtree(tmp_path / "ipoke")
    part("ui.disk").state().missing.clear()
    layout = drawn("IPOKE_PT_variants")
    assert "are missing" in layout.words
    assert layout.operators("ipoke.find_results")
