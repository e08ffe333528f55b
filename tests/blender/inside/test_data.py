"""What is stored on an object goes where the object goes: saved, copied, appended, linked, animated, undone."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
import pytest

from .shots import job_of

TELLS_OF_IMPORTS = hasattr(bpy.app.handlers, "blend_import_post")


def bring(file: Path, name: str, *, link: bool = False) -> bpy.types.Object:
    """Append or link an object into an empty file."""
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(file), link=link) as (_, wanted):
        wanted.objects = [name]
    return bpy.data.objects[name]


def test_pokes_and_settings_survive_saving_and_appending(plane, tmp_path):
    plane.ipoke.seed = 123
    name = plane.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "a.blend")) as (_, wanted):
        wanted.objects = [name]
    appended = bpy.data.objects[name]
    assert appended.ipoke.seed == 123
    assert len(appended.ipoke.pokes) == 1
    assert appended.ipoke.still is not None


def test_what_version_1_stored_is_brought_up_to_date(plane, tmp_path):
    plate = plane.ipoke
    plate.data_version = 0
    variant = plate.variants.add()
    variant.job_id, variant.index, variant.baked_frames = "job", 3, 10
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "old.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "old.blend"))
    plate = bpy.context.active_object.ipoke
    assert plate.data_version == 3
    assert plate.variants[0].baked_file == "bake/variant_03/frame_0001.png"


@pytest.mark.skipif(not TELLS_OF_IMPORTS, reason="Blender 4.2 does not tell of imports; the next save or load migrates")
def test_what_an_older_version_stored_is_brought_up_to_date_when_it_is_appended(plane, tmp_path):
    plate = plane.ipoke
    plate.data_version = 0
    variant = plate.variants.add()
    variant.job_id, variant.index, variant.baked_frames = "job", 3, 10
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "old.blend"))
    appended = bring(tmp_path / "old.blend", plane.name)
    assert appended.ipoke.data_version == 3
    assert appended.ipoke.variants[0].baked_file == "bake/variant_03/frame_0001.png"


def test_an_older_plate_that_was_appended_is_brought_up_to_date_when_the_file_is_saved(plane, tmp_path):
    name = plane.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "old.blend"))
    appended = bring(tmp_path / "old.blend", name)
    appended.ipoke.data_version = 0
    bpy.context.collection.objects.link(appended)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "new.blend"))
    assert appended.ipoke.data_version == 3


@pytest.mark.skipif(not TELLS_OF_IMPORTS, reason="Blender 4.2 does not tell of imports; Find Missing Results finds them")
def test_an_appended_object_finds_its_results_in_the_folder_that_it_came_from(sampled, tmp_path):
    name = sampled.name
    bpy.ops.wm.save_mainfile()
    appended = bring(tmp_path / "shot.blend", name)
    path, job = job_of(appended)
    assert path.is_relative_to(tmp_path)
    (tmp_path / "other").mkdir()
    bpy.context.collection.objects.link(appended)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other/next.blend"))
    assert job_of(appended)[1] == job
    bpy.context.view_layer.objects.active = appended
    bpy.ops.ipoke.choose_variant(index=1)
    assert Path(bpy.path.abspath(appended.ipoke.clip.filepath)).resolve().is_file()


def test_a_linked_object_shows_the_results_of_its_own_file(sampled, tmp_path, part):
    name = sampled.name
    bpy.ops.wm.save_mainfile()
    linked = bring(tmp_path / "shot.blend", name, link=True)
    assert linked.library is not None
    assert len(linked.ipoke.pokes) == 1
    assert not part("scene.results").missing(linked.ipoke)
    shutil.rmtree(tmp_path / "ipoke")
    assert len(part("scene.results").missing(linked.ipoke)) == 1


def test_a_copy_has_pokes_and_settings_of_its_own(plane):
    plane.ipoke.seed, plane.ipoke.bake.length = 11, 30
    copy = plane.copy()
    copy.ipoke.pokes[0].strength, copy.ipoke.seed = 0.5, 12
    assert (copy.ipoke.bake.length, copy.ipoke.still) == (30, plane.ipoke.still)
    assert (plane.ipoke.pokes[0].strength, plane.ipoke.seed) == (1.0, 11)


def test_an_arrow_and_the_start_of_the_clip_can_be_animated(plane):
    poke = plane.ipoke.pokes[0]
    for frame, strength, tip in ((1, 0.5, 0.4), (11, 1.5, 0.6)):
        poke.strength, poke.tip = strength, (tip, tip)
        plane.keyframe_insert("ipoke.pokes[0].strength", frame=frame)
        plane.keyframe_insert("ipoke.pokes[0].tip", frame=frame)
    bpy.context.scene.frame_set(6)
    assert plane.ipoke.pokes[0].strength == pytest.approx(1.0, abs=0.01)
    assert tuple(plane.ipoke.pokes[0].tip) == pytest.approx((0.5, 0.5), abs=0.01)
    bpy.context.scene.frame_set(11)
    assert plane.ipoke.pokes[0].strength == pytest.approx(1.5)


def test_what_was_sampled_comes_back_to_the_byte_after_quitting_and_opening_the_file(sampled, tmp_path):
    plate = sampled.ipoke
    before = job_of(sampled)[1]["variants"]
    plate.pokes[0].tip, plate.seed, plate.samples = (0.7, 0.7), 99, 1
    bpy.ops.wm.save_mainfile()
    bpy.ops.ipoke.stop_backend()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    obj = bpy.context.active_object
    bpy.ops.ipoke.choose_variant(index=0)
    bpy.ops.ipoke.recall_settings()
    assert bpy.ops.ipoke.sample() == {"FINISHED"}
    assert len(obj.ipoke.jobs) == 2
    assert [variant["sha256"] for variant in job_of(obj)[1]["variants"]] == [variant["sha256"] for variant in before]
