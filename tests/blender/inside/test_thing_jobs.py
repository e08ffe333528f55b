"""The thing that a job moves: sent with it, kept with its files, and the same for whatever is made of its variants later."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import bpy
import numpy as np
import pytest

from .shots import folder, job_of, sample
from .test_things import LEFT, RIGHT, SIZE_PX, at, cut_out, image_of, mark  # noqa: F401 a fixture


@pytest.fixture
def saved_cut_out(cut_out, tmp_path) -> bpy.types.Object:  # noqa: F811
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    return cut_out


def mask_of(path: Path) -> np.ndarray:
    """A grey PNG as (H, W) in [0, 1], the first row on top."""
    image = bpy.data.images.load(str(path), check_existing=False)
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1, :, 0]


def kept(obj: bpy.types.Object) -> tuple[Path, str]:
    """The mask's file of the newest job, and its hash as the job's manifest tells it."""
    path, job = job_of(obj)
    assert hashlib.sha256((path / "thing.png").read_bytes()).hexdigest() == job["files"]["thing.png"]
    assert obj.ipoke.jobs[path_name(obj)].thing_sha256 == job["plate_options"]["thing_sha256"] == job["files"]["thing.png"]
    return path / "thing.png", job["files"]["thing.png"]


def path_name(obj: bpy.types.Object) -> str:
    return obj.ipoke.variants[-1].job_id


def test_a_job_takes_its_thing_along_at_the_plates_size_and_keeps_it_with_its_files(saved_cut_out):
    sample(saved_cut_out, samples=1)
    mask = mask_of(kept(saved_cut_out)[0])
    assert mask.shape == SIZE_PX[::-1]
    assert (at(mask, LEFT), at(mask, RIGHT)) == (1, 0)


def test_strokes_change_what_a_job_moves_also_where_alpha_shows_nothing(saved_cut_out):
    mark((0.5, 0.15), radius=0.05)
    mark(LEFT, radius=0.03, adds=False)
    sample(saved_cut_out, samples=1)
    mask = mask_of(kept(saved_cut_out)[0])
    assert (at(mask, (0.5, 0.15)), at(mask, LEFT), at(mask, RIGHT)) == (1, 0, 0)


def test_an_own_mask_moves_what_it_marks_and_one_of_another_size_is_refused(plane, tmp_path):
    width, height = plane.ipoke.still.size
    pixels = np.zeros((height, width, 4), np.float32)
    pixels[..., 3] = 1
    pixels[height // 4 : height // 2, width // 4 : width // 2] = 1
    with pytest.raises(RuntimeError, match="as large"):
        bpy.ops.ipoke.use_image_as_mask(image=image_of(pixels[::2], "Half").name)
    assert plane.ipoke.thing.source == "AUTO", "what is refused changes nothing"
    with pytest.raises(RuntimeError, match="no image called"):
        bpy.ops.ipoke.use_image_as_mask(image="Nowhere")
    assert bpy.ops.ipoke.use_image_as_mask(image=image_of(pixels, "Mask").name) == {"FINISHED"}
    sample(plane, samples=1)
    assert at(mask_of(kept(plane)[0]), (0.3, 0.35)) == 1


def test_bakes_and_variants_like_it_move_the_same_thing_whatever_is_set_since(saved_cut_out):
    obj = saved_cut_out
    mark((0.4, 0.5), radius=0.04)
    sample(obj, samples=1)
    sha256 = kept(obj)[1]
    home = folder(obj, path_name(obj))
    bpy.ops.ipoke.clear_strokes()
    obj.ipoke.thing.source = "REGION"
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert json.loads((home / "bake/variant_00/job.json").read_text())["plate_options"]["thing_sha256"] == sha256
    assert bpy.ops.ipoke.more_like_this() == {"FINISHED"}
    assert kept(obj)[1] == sha256
    assert len(obj.ipoke.thing.strokes) == 1, "the settings come back, too"
    assert obj.ipoke.thing.source == "AUTO"
    bpy.ops.ipoke.clear_strokes()
    bpy.ops.ipoke.choose_variant(index=0)
    assert bpy.ops.ipoke.reroll() == {"FINISHED"}
    assert kept(obj)[1] == sha256
    assert obj.ipoke.jobs[-1].group == obj.ipoke.jobs[0].group, "they differ in their seeds only"
    sample(obj, samples=1)
    assert kept(obj)[1] == sha256, "the same question has the same answer"


def test_without_its_mask_a_variant_is_not_baked_as_another(saved_cut_out):
    sample(saved_cut_out, samples=1)
    file, _ = kept(saved_cut_out)
    whole = file.read_bytes()
    for changed in (None, whole + b"more"):
        file.unlink() if changed is None else file.write_bytes(changed)
        with pytest.raises(RuntimeError, match="missing or was changed"):
            bpy.ops.ipoke.bake()
    file.write_bytes(whole)
    assert bpy.ops.ipoke.bake() == {"FINISHED"}


def test_a_whole_region_is_asked_for_and_baked_as_one_and_recalled(saved_cut_out):
    obj = saved_cut_out
    obj.ipoke.thing.source = "REGION"
    sample(obj, samples=1)
    path, job = job_of(obj)
    assert (job["plate_options"]["whole_region"], job["plate_options"]["thing_sha256"]) == (True, None)
    assert not (path / "thing.png").exists()
    obj.ipoke.thing.source = "AUTO"
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert json.loads((path / "bake/variant_00/job.json").read_text())["plate_options"]["whole_region"]
    sample(obj, samples=1)
    assert obj.ipoke.jobs[-1].group != obj.ipoke.jobs[0].group
    bpy.ops.ipoke.choose_variant(index=0)
    bpy.ops.ipoke.recall_settings()
    assert obj.ipoke.thing.source == "REGION"


def test_the_mask_moves_beside_the_file_at_its_first_save(cut_out, tmp_path):  # noqa: F811
    sample(cut_out, samples=1)
    file, sha256 = kept(cut_out)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    moved, same = kept(cut_out)
    assert (same, moved != file, file.exists()) == (sha256, True, False)
    assert bpy.ops.ipoke.bake() == {"FINISHED"}


def test_a_click_beside_the_cut_out_says_so(cut_out):  # noqa: F811
    bpy.ops.ipoke.add_poke(tail=(0.5, 0.1), tip=(0.5, 0.2))
    with pytest.raises(RuntimeError, match="transparent"):
        sample(cut_out, samples=1)
    assert not cut_out.ipoke.jobs


def test_where_nothing_is_found_a_photograph_moves_as_a_whole_and_find_thing_says_why_unless_it_is_painted(plane):
    with pytest.raises(RuntimeError, match="Nothing is found"):
        bpy.ops.ipoke.find_thing()
    sample(plane, samples=1)
    assert not plane.ipoke.jobs[0].thing_sha256
    mark((0.3, 0.35), (0.4, 0.4), radius=0.1)
    assert bpy.ops.ipoke.find_thing() == {"FINISHED"}
    sample(plane, samples=1)
    assert at(mask_of(kept(plane)[0]), (0.35, 0.37)) == 1


def test_finding_at_a_place_points_at_it_from_then_on(cut_out, part):  # noqa: F811
    bpy.ops.ipoke.clear_pokes()
    assert part("session.things").known(cut_out).mask.max() < 0.1 if part("session.things").known(cut_out) else True
    assert bpy.ops.ipoke.find_thing(at=RIGHT) == {"FINISHED"}
    found = part("session.things").known(cut_out).mask
    assert (at(found, LEFT), at(found, RIGHT)) == (0, 1)
