"""The motion of a variant, and of a folder of images, on another plate."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import bpy
import pytest

from .conftest import MODULE


@pytest.fixture
def library(tmp_path, extension) -> Path:
    """An empty library."""
    chosen = bpy.context.preferences.addons[MODULE].preferences
    chosen.library_folder = str(tmp_path / "library")
    yield tmp_path / "library"
    chosen.library_folder = ""


@pytest.fixture
def sampled(plane, tmp_path) -> bpy.types.Object:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    plane.ipoke.samples, plane.ipoke.seed, plane.ipoke.lock_seed = 1, 7, True
    assert bpy.ops.ipoke.sample() == {"FINISHED"}
    return plane


def frames_of(obj: bpy.types.Object) -> Path:
    variant = obj.ipoke.variants[obj.ipoke.active_variant]
    return Path(bpy.path.abspath(obj.ipoke.jobs[variant.job_id].folder)) / f"variant_{variant.index:02d}"


def test_a_motion_is_taken_out_kept_and_replayed_and_baked_on_another_plate(sampled, library, plate, tmp_path):
    assert bpy.ops.ipoke.extract_from_variant(name="sway") == {"FINISHED"}
    file = library / "sway.kin.safetensors"
    assert file.is_file()
    assert (library / "sway.png").is_file()
    module = importlib.import_module(f"{MODULE}.library")
    assert module.files() == [file]

    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other.blend"))
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    bpy.ops.ipoke.add_poke(tail=(0.6, 0.5), tip=(0.7, 0.45))
    obj = bpy.context.active_object
    assert bpy.ops.ipoke.transfer(filepath=str(file)) == {"FINISHED"}
    assert obj.ipoke.shown == "VARIANT"
    job = json.loads((frames_of(obj).parent / "job.json").read_text())
    assert job["kinematics"]["sha256"]
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    baked = json.loads((frames_of(obj).parent / "bake/variant_00/job.json").read_text())
    assert baked["kinematics"] == job["kinematics"]


def test_a_folder_of_images_gives_its_motion_too(sampled, library, tmp_path):
    shot = tmp_path / "other_shot"
    shutil.copytree(frames_of(sampled), shot)
    first = sorted(shot.glob("*.png"))[0]
    shutil.copyfile(first, shot / "frame_0000.png")
    assert bpy.ops.ipoke.extract_from_images(directory=str(shot)) == {"FINISHED"}
    assert (library / "other_shot.kin.safetensors").is_file()


def test_too_short_a_clip_and_missing_kinematics_are_sentences(sampled, library, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match="longer clip"):
        bpy.ops.ipoke.extract_from_images(directory=str(tmp_path / "empty"))
    with pytest.raises(RuntimeError, match="choose others"):
        bpy.ops.ipoke.transfer(filepath=str(library / "gone.kin.safetensors"))


def test_without_a_backend_there_is_nothing_to_extract_with(plane, library):
    if bpy.ops.ipoke.stop_backend.poll():
        bpy.ops.ipoke.stop_backend()
    assert not bpy.ops.ipoke.extract_from_variant.poll()
    assert not bpy.ops.ipoke.extract_from_images.poll()
