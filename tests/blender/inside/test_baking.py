from __future__ import annotations

import json
from pathlib import Path

import bpy
import pytest

from .shots import job_of, shown, user


def test_a_bake_is_the_chosen_variant_at_the_plates_own_size(sampled):
    bpy.ops.ipoke.choose_variant(index=1)
    sampled.ipoke.pokes.clear()  # a bake answers for what was sampled, not for what is drawn now
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    path, job = job_of(sampled)
    baked = json.loads((path / "bake/variant_01/job.json").read_text())
    assert [variant["index"] for variant in baked["variants"]] == [1]
    assert baked["size_px"] == list(sampled.ipoke.still.size)
    for key in ("pokes", "seed", "model", "region_px", "frames"):
        assert baked[key] == job[key]
    assert sampled.ipoke.shown == "BAKE"
    assert "bake/variant_01/frame_0001.png" in shown(sampled).filepath
    frame = bpy.data.images.load(str(path / "bake/variant_01/frame_0001.png"))
    assert tuple(frame.size) == tuple(sampled.ipoke.still.size)
    bpy.ops.ipoke.choose_variant(index=1)
    bpy.ops.ipoke.show_bake()
    assert sampled.ipoke.shown == "BAKE"


def test_a_changed_plate_is_not_baked(sampled, tmp_path):
    copy = tmp_path / "other.png"
    image = bpy.data.images.new("Other", 64, 64)
    image.filepath_raw, image.file_format = str(copy), "PNG"
    image.save()
    sampled.ipoke.still.filepath = str(copy)
    with pytest.raises(RuntimeError, match="has changed"):
        bpy.ops.ipoke.bake()


def test_a_bake_goes_where_it_is_told_with_its_own_names_and_timing(sampled, tmp_path):
    bake = sampled.ipoke.bake
    bake.folder, bake.file_name, bake.first_number = "//renders", "{plate}_v{variant}_####", 1001
    bake.depth, bake.fit, bake.length, bake.hold, bake.loop = "16", True, 6, "2", "ping-pong"
    bpy.ops.ipoke.choose_variant(index=1)
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    frames = sorted((tmp_path / "renders").glob("*.png"))
    assert [path.name for path in frames] == [f"plate_v02_{number}.png" for number in range(1001, 1007)]
    assert frames[0].read_bytes()[24] == 16, "bits of a PNG"
    assert frames[0].read_bytes() == frames[1].read_bytes() != frames[2].read_bytes(), "on twos"
    manifest = json.loads((tmp_path / "renders/plate_v02_job.json").read_text())
    assert manifest["plate_options"]["playback"]["loop"] == "ping-pong"
    assert shown(sampled).filepath == "//renders/plate_v02_1001.png"
    assert (user(sampled).frame_duration, user(sampled).frame_offset) == (6, 1000)
    path, _ = job_of(sampled)
    assert not list((path / "bake").glob(".*")), "nothing half made is left"


def test_a_bake_replaces_frames_only_when_it_is_told_to(sampled, tmp_path):
    bake = sampled.ipoke.bake
    bake.folder = str(tmp_path / "renders")
    bake.fit, bake.length = True, 4
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    before = (tmp_path / "renders/frame_0001.png").read_bytes()
    bake.length = 2
    with pytest.raises(RuntimeError, match="already"):
        bpy.ops.ipoke.bake()
    assert len(list((tmp_path / "renders").glob("*.png"))) == 4
    assert (tmp_path / "renders/frame_0001.png").read_bytes() == before
    assert bpy.ops.ipoke.bake(overwrite=True) == {"FINISHED"}
    assert len(list((tmp_path / "renders").glob("*.png"))) == 2


def test_both_bakes_are_kept_where_that_is_asked_for(sampled, tmp_path):
    bake = sampled.ipoke.bake
    bake.folder, bake.fit, bake.length = str(tmp_path / "renders"), True, 2
    for _ in range(3):
        assert bpy.ops.ipoke.bake(keep_both=True) == {"FINISHED"}
    names = [f"frame_{version}000{number}.png" for version in ("", "ver002_", "ver003_") for number in (1, 2)]
    assert sorted(path.name for path in (tmp_path / "renders").glob("*.png")) == names
    bake.file_name = "v{version}_####"
    for _ in range(2):
        assert bpy.ops.ipoke.bake() == {"FINISHED"}
    assert shown(sampled).filepath == "//renders/v002_0001.png"


def test_a_bake_elsewhere_is_found_after_save_as(sampled, tmp_path):
    sampled.ipoke.bake.folder = "//renders"
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    (tmp_path / "deep").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "deep/next.blend"))
    bpy.ops.ipoke.choose_variant(index=sampled.ipoke.active_variant)
    bpy.ops.ipoke.show_bake()
    assert Path(bpy.path.abspath(shown(sampled).filepath)).resolve() == tmp_path / "renders/frame_0001.png"


def test_a_name_without_a_number_is_a_sentence(sampled):
    sampled.ipoke.bake.file_name = "leaf"
    with pytest.raises(RuntimeError, match="end it with ####"):
        bpy.ops.ipoke.bake()


@pytest.fixture
def baked(sampled, tmp_path) -> bpy.types.Object:
    """A bake of three frames, 1001 to 1003, beside the file."""
    bake = sampled.ipoke.bake
    bake.folder, bake.file_name, bake.first_number = "//renders", "leaf_####", 1001
    bake.fit, bake.length, sampled.ipoke.start_frame = True, 3, 25
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    return sampled


def strips() -> list[bpy.types.Strip]:
    editor = bpy.context.scene.sequence_editor
    return list(editor.strips if hasattr(editor, "strips") else editor.sequences)


def compositor() -> bpy.types.NodeTree:
    scene = bpy.context.scene
    return getattr(scene, "compositing_node_group", None) or scene.node_tree


def test_a_bake_becomes_a_strip_where_the_clip_starts_and_above_what_is_there(baked):
    bpy.ops.ipoke.add_to_sequencer()
    bpy.ops.ipoke.add_to_sequencer(frame_start=26)
    bpy.ops.ipoke.add_to_sequencer(frame_start=100, channel=5)
    strip = strips()[0]
    assert [element.filename for element in strip.elements] == [f"leaf_{number}.png" for number in (1001, 1002, 1003)]
    assert Path(bpy.path.abspath(strip.directory)).name == "renders"
    assert strip.colorspace_settings.name == baked.ipoke.still.colorspace_settings.name
    assert sorted(strip.channel for strip in strips()) == [1, 2, 5]
    assert {strip.strip_elem_from_frame(frame).filename for frame in (25, 27)} == {"leaf_1001.png", "leaf_1003.png"}


def test_a_bake_becomes_a_node_that_plays_it_in_time(baked):
    bpy.ops.ipoke.add_to_compositor()
    node = compositor().nodes.active
    assert node.image.filepath == "//renders/leaf_1001.png"
    assert node.image != baked.ipoke.clip
    assert (node.frame_duration, node.frame_start, node.frame_offset) == (3, 25, 1000)
    assert node.use_auto_refresh


def test_a_compositor_that_shows_something_already_is_left_as_it_is(baked):
    bpy.ops.ipoke.add_to_compositor()
    before = [(link.from_node.name, link.to_node.name) for link in compositor().links]
    assert before, "the first one is connected, or the scene's render is"
    bpy.ops.ipoke.add_to_compositor(frame_start=7)
    assert [(link.from_node.name, link.to_node.name) for link in compositor().links] == before
    assert compositor().nodes.active.frame_start == 7


@pytest.mark.parametrize(("place", "count"), [("SEQUENCER", 1), ("COMPOSITOR", 1)])
def test_a_bake_goes_where_it_is_wanted_when_it_is_made(sampled, place, count):
    sampled.ipoke.bake.place = place
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    found = strips() if place == "SEQUENCER" else [node for node in compositor().nodes if node.type == "IMAGE"]
    assert len(found) == count
    assert sampled.ipoke.shown == "BAKE"


def test_a_bake_whose_frames_are_gone_is_a_sentence(baked, tmp_path):
    (tmp_path / "renders/leaf_1002.png").unlink()
    for place in (bpy.ops.ipoke.add_to_sequencer, bpy.ops.ipoke.add_to_compositor):
        with pytest.raises(RuntimeError, match=r"leaf_1002\.png is missing"):
            place()


def test_what_plays_a_bake_follows_it_on_the_first_save(plane, tmp_path):
    plane.ipoke.samples = 1
    bpy.ops.ipoke.sample()
    bpy.ops.ipoke.bake()
    bpy.ops.ipoke.add_to_sequencer()
    bpy.ops.ipoke.add_to_compositor()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    for path in (strips()[0].directory, compositor().nodes.active.image.filepath):
        assert Path(bpy.path.abspath(path)).is_relative_to(tmp_path / "ipoke"), path
        assert Path(bpy.path.abspath(path)).exists()


def test_a_length_in_seconds_counts_the_scenes_frames_and_the_manifest_says_so(sampled, tmp_path):
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = 30, 1.001
    bake = sampled.ipoke.bake
    bake.folder, bake.fit, bake.unit, bake.seconds = "//renders", True, "SECONDS", 0.2
    assert bpy.ops.ipoke.bake() == {"FINISHED"}
    manifest = json.loads((tmp_path / "renders/job.json").read_text())
    assert manifest["frames"] == 6
    assert manifest["fps"] == pytest.approx(29.97, abs=1e-3)
    assert manifest["start_frame"] == sampled.ipoke.start_frame


def test_frames_are_read_in_the_colour_space_that_is_asked_for(sampled):
    bpy.ops.ipoke.bake()
    assert shown(sampled).colorspace_settings.name == sampled.ipoke.still.colorspace_settings.name
    sampled.ipoke.bake.colour_space = "Linear Rec.709"
    bpy.ops.ipoke.bake(overwrite=True)
    assert shown(sampled).colorspace_settings.name == "Linear Rec.709"
    bpy.ops.ipoke.choose_variant(index=0)
    assert shown(sampled).colorspace_settings.name == sampled.ipoke.still.colorspace_settings.name
    bpy.ops.ipoke.show_bake()
    assert shown(sampled).colorspace_settings.name == "Linear Rec.709"
