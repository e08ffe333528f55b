from __future__ import annotations

import importlib
import json
import math
import shutil
from pathlib import Path

import bpy
import pytest

from .conftest import MODULE
from .shots import SEED, folder, job_of, sample, shown, user


def test_variants_come_beside_the_blend_and_play_on_the_plane(sampled, tmp_path):
    variants = sampled.ipoke.variants
    assert [(v.index, v.complete) for v in variants] == [(0, True), (1, True)]
    path, job = job_of(sampled)
    assert path.is_relative_to(tmp_path / "ipoke" / "plate")
    assert len(list((path / "variant_00").glob("frame_*.png"))) == job["frames"] == variants[0].frames
    assert job["seed"] == SEED
    assert shown(sampled).source == "SEQUENCE"
    assert shown(sampled).filepath == f"//ipoke/plate/{path.name}/variant_00/frame_0001.png"
    playing = user(sampled)
    assert playing.frame_duration == job["frames"]
    assert playing.frame_start == 1
    assert playing.frame_offset == 0
    assert playing.use_cyclic
    assert playing.use_auto_refresh


def test_choosing_goes_back_and_forth_and_the_still_is_never_lost(sampled):
    still = sampled.ipoke.still
    bpy.ops.ipoke.choose_variant(index=1)
    assert "variant_01" in shown(sampled).filepath
    bpy.ops.ipoke.show_still()
    assert shown(sampled) == still
    bpy.ops.ipoke.choose_variant(index=0)
    assert "variant_00" in shown(sampled).filepath
    assert shown(sampled) == sampled.ipoke.clip


def test_start_frame_and_repetition_reach_every_user_of_the_clip(sampled):
    texture = bpy.data.textures.new("Copy", "IMAGE")
    texture.image = sampled.ipoke.clip
    empty = bpy.data.objects.new("Empty", None)
    empty.empty_display_type = "IMAGE"
    empty.data = sampled.ipoke.clip
    sampled.ipoke.start_frame = 101
    sampled.ipoke.cyclic = False
    for playing in (user(sampled), texture.image_user, empty.image_user):
        assert playing.frame_start == 101
        assert not playing.use_cyclic
        assert playing.frame_duration == sampled.ipoke.variants[0].frames


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(saved):
    for _ in range(2):
        sample(saved)
        bpy.ops.ipoke.stop_backend()
    sample(saved)
    sample(saved, seed=SEED + 1)
    ids = list(dict.fromkeys(variant.job_id for variant in saved.ipoke.variants))
    jobs = [json.loads((folder(saved, job_id) / "job.json").read_text()) for job_id in ids]
    frames = [[variant["sha256"] for variant in job["variants"]] for job in jobs]
    assert frames[0] == frames[1] == frames[2] != frames[3]


def test_the_settings_of_a_variant_can_be_recalled(sampled):
    before = [tuple(sampled.ipoke.pokes[0].tail), tuple(sampled.ipoke.pokes[0].tip)]
    bpy.ops.ipoke.clear_pokes()
    sampled.ipoke.seed = SEED + 5
    bpy.ops.ipoke.choose_variant(index=1)
    bpy.ops.ipoke.recall_settings()
    assert sampled.ipoke.seed == SEED
    assert [tuple(sampled.ipoke.pokes[0].tail), tuple(sampled.ipoke.pokes[0].tip)] == before


def test_results_of_an_unsaved_file_move_beside_it_on_its_first_save(plane, tmp_path):
    sample(plane, samples=1)
    before, _ = job_of(plane)
    assert not before.is_relative_to(tmp_path)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    after, job = job_of(plane)
    assert after.is_relative_to(tmp_path / "ipoke")
    assert not before.exists()
    assert len(list((after / "variant_00").glob("frame_*.png"))) == job["frames"]
    assert plane.ipoke.jobs[0].folder.startswith("//ipoke/")
    assert Path(bpy.path.abspath(shown(plane).filepath)).is_file()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert Path(bpy.path.abspath(shown(bpy.context.active_object).filepath)).is_file()


def test_results_are_found_after_save_as_and_after_saving_a_copy(sampled, tmp_path):
    (tmp_path / "deep/er").mkdir(parents=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "deep/er/copy.blend"), copy=True)
    path, _ = job_of(sampled)
    assert path.is_dir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "deep/next.blend"))
    path, _ = job_of(sampled)
    assert path.is_dir()
    for name in ("deep/next.blend", "deep/er/copy.blend"):
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / name))
        obj = bpy.context.active_object
        assert job_of(obj)[0].resolve() == path.resolve()
        assert Path(bpy.path.abspath(shown(obj).filepath)).is_file()


def test_an_undo_takes_no_results_away(saved):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.ipoke.add_poke(tail=(0.4, 0.4), tip=(0.5, 0.5))
    bpy.ops.ed.undo_push(message="poke")
    sample(saved, samples=1)
    while len(bpy.context.active_object.ipoke.pokes) == 2:
        bpy.ops.ed.undo()
    obj = bpy.context.active_object
    assert obj.ipoke.shown == "STILL"
    assert len(obj.ipoke.variants) == 1
    assert obj.ipoke.jobs[0].name == obj.ipoke.variants[0].job_id
    bpy.ops.ipoke.choose_variant(index=0)
    assert Path(bpy.path.abspath(shown(obj).filepath)).is_file()


def test_a_copy_of_a_plane_gets_its_own_results(saved):
    bpy.ops.object.duplicate()
    copy = bpy.context.active_object
    assert copy != saved
    sample(copy, samples=1)
    assert len(copy.ipoke.variants) == 1
    assert len(saved.ipoke.variants) == 0
    assert copy.ipoke.plate_id != saved.ipoke.plate_id


def test_too_many_pokes_are_refused_with_the_models_own_limit(sampled):
    for step in range(8):
        bpy.ops.ipoke.add_poke(tail=(0.1 * step, 0.4), tip=(0.1 * step, 0.5))
    with pytest.raises(RuntimeError, match="pokes at most"):
        bpy.ops.ipoke.sample()


def test_a_packed_plate_works_like_its_file(sampled):
    sampled.ipoke.still.pack()
    sample(sampled, samples=1)
    hashes = [json.loads((folder(sampled, job.name) / "job.json").read_text())["plate"]["sha256"] for job in sampled.ipoke.jobs]
    assert hashes[0] == hashes[1]


def test_a_missing_plate_is_a_sentence(saved, tmp_path):
    saved.ipoke.still.filepath = str(tmp_path / "gone.jpg")
    with pytest.raises(RuntimeError, match="relink the image"):
        bpy.ops.ipoke.sample()


def test_every_setting_of_a_variant_comes_back(saved):
    plate = saved.ipoke
    plate.pokes[0].strength = 0.75
    bpy.ops.ipoke.add_poke(tail=(0.5, 0.5), tip=(0.55, 0.5))
    plate.pokes[1].enabled = False
    plate.region, plate.use_region = (0.1, 0.0, 0.7, 1.0), True
    sample(saved)
    asked = [(poke.name, tuple(poke.tail), tuple(poke.tip), poke.strength, poke.enabled) for poke in plate.pokes]
    _, job = job_of(saved)
    width, height = plate.still.size
    assert job["region_px"] == [math.floor(0.1 * width), 0, math.ceil(0.7 * width) - math.floor(0.1 * width), height]
    bpy.ops.ipoke.clear_pokes()
    plate.samples, plate.seed, plate.use_region = 9, 1, False
    bpy.ops.ipoke.recall_settings()
    assert [(poke.name, tuple(poke.tail), tuple(poke.tip), poke.strength, poke.enabled) for poke in plate.pokes] == asked
    assert (plate.samples, plate.seed, plate.use_region) == (2, SEED, True)
    assert tuple(plate.region) == pytest.approx((0.1, 0.0, 0.7, 1.0))


def test_a_reroll_takes_another_seed_and_stands_in_the_same_group(sampled):
    sampled.ipoke.pokes[0].tip = (0.6, 0.6)  # drawn since: the chosen variant's own arrow counts
    bpy.ops.ipoke.choose_variant(index=0)
    assert bpy.ops.ipoke.reroll() == {"FINISHED"}
    first, second = sampled.ipoke.jobs
    assert first.seed != second.seed
    assert first.group == second.group != ""
    assert len(sampled.ipoke.variants) == 4
    bpy.ops.ipoke.show_job(index=1)
    assert sampled.ipoke.variants[sampled.ipoke.active_variant].job_id == second.name


def test_a_deleted_variant_stays_away_until_it_is_undone(sampled):
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.ipoke.choose_variant("EXEC_DEFAULT", True, index=1)
    bpy.ops.ipoke.delete_variant("EXEC_DEFAULT", True)
    assert [variant.index for variant in sampled.ipoke.variants] == [0]
    assert "variant_00" in shown(sampled).filepath
    bpy.ops.ed.undo()
    obj = bpy.context.active_object
    assert [variant.index for variant in obj.ipoke.variants] == [0, 1]
    assert Path(bpy.path.abspath(shown(obj).filepath)).is_file()


def test_deleting_the_last_variant_shows_the_still(saved):
    sample(saved, samples=1)
    bpy.ops.ipoke.delete_variant()
    assert not saved.ipoke.variants
    assert not saved.ipoke.jobs
    assert shown(saved) == saved.ipoke.still
    sample(saved, samples=1, seed=SEED + 1)
    assert len(saved.ipoke.variants) == 1


def test_missing_results_are_named_and_found_again(sampled, tmp_path):
    module = importlib.import_module(f"{MODULE}.scene.results")
    assert not module.missing(sampled.ipoke)
    assert not bpy.ops.ipoke.find_results.poll()
    shutil.move(tmp_path / "ipoke", tmp_path / "elsewhere")
    assert [job.name for job in module.missing(sampled.ipoke)] == [sampled.ipoke.jobs[0].name]
    assert bpy.ops.ipoke.find_results(directory=str(tmp_path)) == {"FINISHED"}
    assert not module.missing(sampled.ipoke)
    assert Path(bpy.path.abspath(shown(sampled).filepath)).is_file()


def test_a_live_preview_takes_the_place_of_the_one_before_but_not_of_a_starred_one(saved, part):
    def preview() -> Path:
        job = part("operators.sampling").new_job(saved, part("core.jobs.job").JobKind.LIVE)
        part("session.timer").dispatch(part("core.jobs.app").JobAsked(job))
        part("session.timer").drive(lambda: part("session.running").outcome(job.job_id) is not None)
        assert saved.ipoke.shown == "VARIANT", saved.ipoke.message
        return job.folder

    first = preview()
    saved.ipoke.pokes[0].tip = (0.4, 0.4)
    second = preview()
    assert [variant.job_id[:12] for variant in saved.ipoke.variants] == [second.name]
    saved.ipoke.variants[0].starred = True
    third = preview()
    assert [variant.job_id[:12] for variant in saved.ipoke.variants] == [second.name, third.name]
    part("session.arrivals").sweep()
    assert not first.exists()
    assert second.is_dir()
    assert third.is_dir()
