"""What the panels show, drawn into a layout that remembers it: without a window Blender draws none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from .conftest import MODULE


class Layout:
    """A layout that remembers the labels and the operators, and the properties that operators were given."""

    def __init__(self, log: list[tuple[str, SimpleNamespace]] | None = None) -> None:
        self.log = [] if log is None else log

    def __getattr__(self, name: str) -> object:
        def noted(*arguments: object, **options: object) -> object:
            given = SimpleNamespace(arguments=arguments, **options)
            self.log.append((name, given))
            return given if name == "operator" else Layout(self.log)

        return noted

    def operators(self, idname: str) -> list[SimpleNamespace]:
        return [given for name, given in self.log if name == "operator" and given.arguments[0] == idname]

    @property
    def words(self) -> str:
        return " ".join(given.text for name, given in self.log if name == "label" and hasattr(given, "text"))


def drawn(panel: str) -> Layout:
    """The panel as it is drawn now, in a sidebar of the usual width."""
    layout = Layout()
    shown = SimpleNamespace(
        active_object=bpy.context.active_object,
        region=SimpleNamespace(width=280),
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
        scene=bpy.context.scene,
        mode=bpy.context.mode,
        space_data=None,
    )
    cls = getattr(bpy.types, panel)
    if not hasattr(cls, "poll") or cls.poll(shown):
        owner = SimpleNamespace(layout=layout, **{name: getattr(cls, name) for name in dir(cls) if name.startswith("_draw")})
        owner.__dict__.update({name: value.__get__(owner) for name, value in owner.__dict__.items() if name.startswith("_draw")})
        cls.draw(owner, shown)
    return layout


@pytest.fixture
def library(tmp_path, part) -> Iterator[Path]:
    """A library with one motion, as far as a panel looks."""
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.library_folder = str(tmp_path / "library")
    file = tmp_path / "library/sway.kin.safetensors"
    file.parent.mkdir()
    file.touch()
    part("session.timer").addon().listed_at = -1e9
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
    part("session.timer").addon().listed_at = -1e9
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
    part("session.timer").addon().looked.clear()
    layout = drawn("IPOKE_PT_variants")
    assert "are missing" in layout.words
    assert layout.operators("ipoke.find_results")
