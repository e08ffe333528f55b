from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType

import bpy
import pytest

from .conftest import MODULE
from .layouts import drawn


def running() -> ModuleType:
    return importlib.import_module(f"{MODULE}.session.running")


def preferences() -> bpy.types.AddonPreferences:
    return bpy.context.preferences.addons[MODULE].preferences


def root() -> Path:
    return Path(bpy.utils.extension_path_user(MODULE, path="env", create=True))


def test_the_built_addon_brings_the_backend_and_the_lists_of_packages():
    brought = {path.name for path in importlib.import_module(f"{MODULE}.session.backend_choice").PACKAGE_LISTS.iterdir()}
    assert any(name.startswith("ipoke-") and name.endswith(".whl") for name in brought)
    assert "linux-x86_64-cpu-3.11.txt" in brought


def test_nothing_is_downloaded_while_blender_is_offline():
    bpy.context.preferences.system.use_online_access = False
    with pytest.raises(RuntimeError, match="Allow online access"):
        bpy.ops.ipoke.set_up_backend()
    assert list(root().iterdir()) == []


def test_a_python_that_does_not_fit_is_a_sentence(tmp_path):
    with pytest.raises(RuntimeError, match="is no Python that runs"):
        bpy.ops.ipoke.set_up_backend(wheels=str(tmp_path), python=str(tmp_path / "python"))
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho 3.14\n")
    other.chmod(0o755)
    with pytest.raises(RuntimeError, match=r"this is 3\.14; name another Python"):
        bpy.ops.ipoke.set_up_backend(wheels=str(tmp_path), python=str(other))


def test_packages_that_are_missing_are_told_and_nothing_half_made_stays(tmp_path):
    """Half an environment is there, with another one's Python; the packages are not."""
    python = tmp_path / "python"
    place = 'mkdir -p "$4/bin" && ln -s ' + sys.executable + ' "$4/bin/python"'
    python.write_text(f'#!/bin/sh\nif [ "$2" = -c ]; then exec {sys.executable} "$@"; fi\n{place}\n')
    python.chmod(0o755)
    (tmp_path / "wheels").mkdir()
    with pytest.raises(RuntimeError, match=r"Getting the packages failed: No matching distribution"):
        bpy.ops.ipoke.set_up_backend(wheels=str(tmp_path / "wheels"), python=str(python))
    assert [path.name for path in root().iterdir()] == ["setup.log"]
    assert not running().installer().active


def test_an_environment_that_is_there_is_taken_and_another_folder_is_a_sentence(tmp_path):
    program = tmp_path / "bin/ipoke"
    program.parent.mkdir()
    with pytest.raises(RuntimeError, match="There is no backend in"):
        bpy.ops.ipoke.use_environment(directory=str(tmp_path))
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    try:
        assert bpy.ops.ipoke.use_environment(directory=str(tmp_path)) == {"FINISHED"}
        assert preferences().backend_path == str(tmp_path)
    finally:
        preferences().backend_path = ""


def test_without_a_backend_the_sentence_names_the_button(plane, monkeypatch, tmp_path):
    monkeypatch.delenv("IPOKE_BACKEND")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="press Set Up Backend"):
        bpy.ops.ipoke.sample()
    assert running().runtime().state.backend.fix.name == "SET_UP"


def test_an_environment_whose_python_has_gone_is_a_sentence_that_names_it_and_the_button(plane, monkeypatch, tmp_path):
    monkeypatch.delenv("IPOKE_BACKEND")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    made = root() / "made"
    (made / "bin").mkdir(parents=True)
    (made / "bin/python").symlink_to("/gone/blender/python3.11")
    (made / "pyvenv.cfg").write_text("executable = /gone/blender/python3.11\n")
    (root() / "current").write_text("made")
    try:
        with pytest.raises(RuntimeError, match=r"set up with /gone/blender/python3\.11, which is gone; press Set Up Backend"):
            bpy.ops.ipoke.sample()
        assert running().runtime().state.backend.fix.name == "SET_UP"
    finally:
        shutil.rmtree(made)
        (root() / "current").unlink()


def test_without_a_backend_the_panel_offers_to_set_it_up_from_the_beginning_and_says_that_blender_is_offline(
    monkeypatch, tmp_path
):
    monkeypatch.delenv("IPOKE_BACKEND")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    layout = drawn("IPOKE_PT_set_up")
    assert "No backend was found on this machine" in layout.words
    assert layout.operators("ipoke.set_up_backend")
    for online in (False, True):
        bpy.context.preferences.system.use_online_access = online
        assert ("Blender is offline" in drawn("IPOKE_PT_set_up").words) is not online
    bpy.context.preferences.system.use_online_access = False


def test_naming_another_backend_clears_what_was_said_of_the_last_one_at_once(plane, tmp_path, part):
    preferences().backend_path = str(tmp_path / "nowhere")
    with pytest.raises(RuntimeError, match="No backend was found"):
        bpy.ops.ipoke.sample()
    state = part("session.running").state
    assert (state().backend.phase.name, bool(plane.ipoke.message)) == ("FAILED", True)
    preferences().backend_path = ""
    assert (state().backend.phase.name, plane.ipoke.message) == ("OFF", "")


def test_with_a_backend_nothing_is_said_of_setting_it_up():
    assert not drawn("IPOKE_PT_set_up").log


def test_what_was_set_up_is_used(plane, monkeypatch):
    """The environment that these tests run with, as if it had been made by Set Up Backend."""
    python = os.environ["IPOKE_BACKEND"]  # Blender's own need not have what the backend needs
    monkeypatch.delenv("IPOKE_BACKEND")
    scripts = root() / "made/bin"
    scripts.mkdir(parents=True)
    (scripts / "python").write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    (scripts / "python").chmod(0o755)
    (root() / "current").write_text("made")
    plane.ipoke.samples = 1
    assert bpy.ops.ipoke.sample() == {"FINISHED"}
    command = running().runtime().backend.launcher._command
    bpy.ops.ipoke.stop_backend()
    assert command[0] == str(scripts / "python")
