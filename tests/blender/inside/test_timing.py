"""A clip reads as a reaction: two seconds, from the still and back to it; bakes play as their variant does."""

from __future__ import annotations

import bpy
import pytest

from .shots import job_of, sample, user


@pytest.fixture
def fresh(plate, tmp_path) -> bpy.types.Object:
    """A plane with one poke, set as it comes, in a saved file."""
    bpy.context.scene.render.fps = 12
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1001, 1100
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    bpy.ops.ipoke.add_poke(tail=(0.3, 0.35), tip=(0.38, 0.3))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    return bpy.context.active_object


def test_a_clip_lasts_two_seconds_settles_at_the_still_and_starts_with_the_scene_and_its_bake_does_the_same(fresh):
    sample(fresh, samples=1)
    assert fresh.ipoke.variants[0].frames == 24, "two seconds at 12 frames a second"
    assert (user(fresh).frame_start, user(fresh).frame_duration, user(fresh).use_cyclic) == (1001, 24, True)
    folder, manifest = job_of(fresh)
    assert manifest["plate_options"]["playback"]["loop"] == "settle"
    assert (folder / "variant_00/frame_0024.png").is_file()
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert fresh.ipoke.variants[0].baked_frames == 24


def test_recall_brings_the_timing_back_and_a_bake_of_its_own_timing_leaves_the_variant(fresh):
    timing = fresh.ipoke.timing
    timing.unit, timing.length, timing.loop, timing.hold = "FRAMES", 6, "ping-pong", "2"
    sample(fresh, samples=1)
    timing.length, timing.loop, timing.hold, timing.fit = 9, "none", "1", False
    bpy.ops.ipoke.recall_settings()
    assert (timing.fit, timing.unit, timing.length, timing.loop, timing.hold) == (True, "FRAMES", 6, "ping-pong", "2")
    fresh.ipoke.bake.fit, fresh.ipoke.bake.length = True, 4
    assert fresh.ipoke.bake.own_timing, "what is set for the bake alone switches it on"
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert (fresh.ipoke.variants[0].frames, fresh.ipoke.variants[0].baked_frames) == (6, 4)


def test_a_chain_is_one_clip_and_what_needs_one_motion_says_so(fresh):
    timing = fresh.ipoke.timing
    timing.fit, timing.loop, timing.chain = False, "none", 2
    sample(fresh, samples=1)
    assert fresh.ipoke.variants[0].frames == 20
    with pytest.raises(RuntimeError, match="is a chain of several motions"):
        bpy.ops.ipoke.more_like_this()
    with pytest.raises(RuntimeError, match="is a chain of several motions"):
        bpy.ops.ipoke.extract_from_variant(name="sway")
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert fresh.ipoke.variants[0].baked_frames == 20


def test_a_plate_of_an_older_file_keeps_the_models_own_pace_and_its_bakes_the_timing_that_was_set(fresh, part):
    plate = fresh.ipoke
    assert plate.timing.fit
    plate.bake.fit, plate.bake.length, plate.data_version = True, 30, 2
    for group, names in ((plate.timing, ("fit", "loop")), (plate.bake, ("own_timing",))):
        for name in names:
            group.property_unset(name)
    part("scene.migration").upgrade()
    assert (plate.timing.fit, plate.timing.loop, plate.bake.own_timing) == (False, "none", True)
    part("scene.migration").upgrade()
    assert plate.data_version == part("scene.plates").DATA_VERSION


def test_what_was_set_on_a_plate_of_an_older_file_stays(fresh, part):
    plate = fresh.ipoke
    plate.timing.fit, plate.timing.loop, plate.bake.own_timing, plate.data_version = True, "closed", False, 2
    part("scene.migration").upgrade()
    assert (plate.timing.fit, plate.timing.loop, plate.bake.own_timing) == (True, "closed", False)


def test_too_long_a_clip_is_a_sentence(fresh):
    fresh.ipoke.timing.seconds = 60.0
    with pytest.raises(RuntimeError, match="720 frames are too many"):
        bpy.ops.ipoke.sample()


def test_a_clip_starts_at_the_current_frame_when_told_as_one_undo_step(fresh):
    assert fresh.ipoke.start_frame == 1001
    bpy.context.scene.frame_set(1042)
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.ipoke.start_here("EXEC_DEFAULT", True)
    assert bpy.context.active_object.ipoke.start_frame == 1042
    bpy.ops.ed.undo()
    assert bpy.context.active_object.ipoke.start_frame == 1001
