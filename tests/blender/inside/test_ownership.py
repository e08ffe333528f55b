"""What was in the file before is neither removed nor changed, and what one plane shows is its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

from .shots import SEED, folder, sample, shown, user

SIZE_PX = (64, 48)


def told(image: bpy.types.Image) -> tuple[object, ...]:
    """What an artist may have set on an image."""
    return (
        image.name, image.filepath, image.source, image.alpha_mode, image.colorspace_settings.name,
        image.use_fake_user, image.packed_file is not None, tuple(image.size),
    )  # fmt: skip


def of_a_card(image: bpy.types.Image) -> bpy.types.ShaderNodeTexImage:
    """Let another plane's material show an image; returns its texture."""
    bpy.ops.mesh.primitive_plane_add()
    material = bpy.data.materials.new("Card")
    if material.node_tree is None:
        material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    bpy.context.active_object.data.materials.append(material)
    return node


def picture(path: Path, layers: bool = False) -> Path:
    """A file of one colour, or a multi-layer EXR of an empty scene."""
    if layers:
        render = bpy.context.scene.render
        render.resolution_x, render.resolution_y, render.filepath = *SIZE_PX, str(path)
        if bpy.app.version >= (5, 0, 0):
            render.image_settings.media_type = "MULTI_LAYER_IMAGE"
        render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        bpy.context.collection.objects.link(camera)
        bpy.context.scene.camera = camera
        render.engine, bpy.context.scene.cycles.samples = "CYCLES", 1
        bpy.ops.render.render(write_still=True)
        return path
    image = bpy.data.images.new("New", *SIZE_PX)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return path


def away(image: bpy.types.Image, path: Path) -> None:
    path.rename(path.with_name("away.png"))
    image.reload()


def playing(image: bpy.types.Image, path: Path) -> None:
    image.source = "SEQUENCE"


def as_data(image: bpy.types.Image, path: Path) -> None:
    image.colorspace_settings.name, image.alpha_mode = "Non-Color", "CHANNEL_PACKED"


def packed(image: bpy.types.Image, path: Path) -> None:
    image.pack()


def painted(image: bpy.types.Image, path: Path) -> None:
    image.pixels[0] = 0.5


@pytest.mark.parametrize("habit", [away, playing, as_data, packed, painted])
def test_an_image_that_was_there_is_neither_removed_nor_changed(tmp_path, habit: Callable[[bpy.types.Image, Path], None]):
    path = picture(tmp_path / "leaf_0001.png")
    image = bpy.data.images.load(str(path))
    node = of_a_card(image)
    habit(image, path)
    before = told(image)
    with pytest.raises(RuntimeError, match="no image") if habit is away else contextlib.nullcontext():
        bpy.ops.ipoke.add_plate(filepath=str(path))
        assert bpy.context.active_object.ipoke.still.source == "FILE"
    assert node.image == image
    assert told(image) == before


def test_an_image_with_layers_that_was_there_stays(tmp_path):
    path = picture(tmp_path / "layers.exr", layers=True)
    image = bpy.data.images.load(str(path))
    node = of_a_card(image)
    before = told(image)
    with contextlib.suppress(RuntimeError):
        bpy.ops.ipoke.add_plate(filepath=str(path))
    assert node.image == image
    assert told(image) == before


def test_a_refused_file_leaves_no_image_behind(tmp_path):
    path = tmp_path / "empty.png"
    path.write_bytes(b"")
    before = list(bpy.data.images)
    with pytest.raises(RuntimeError, match="choose"):
        bpy.ops.ipoke.add_plate(filepath=str(path))
    assert list(bpy.data.images) == before


def test_a_frame_of_our_own_bake_becomes_a_plate_and_the_plane_that_shows_the_bake_goes_on(sampled):
    bpy.ops.ipoke.bake()
    clip, first = sampled.ipoke.clip, bpy.path.abspath(shown(sampled).filepath)
    bpy.ops.ipoke.add_plate(filepath=first)
    still = bpy.context.active_object.ipoke.still
    assert still != clip
    assert still.source == "FILE"
    bpy.context.view_layer.objects.active = sampled
    bpy.ops.ipoke.choose_variant(index=1)
    assert shown(sampled) == clip
    assert bpy.path.abspath(still.filepath) == first


def test_a_clip_that_became_another_planes_still_is_not_changed_any_more(sampled):
    bpy.ops.ipoke.choose_variant(index=0)
    clip, path = sampled.ipoke.clip, sampled.ipoke.clip.filepath
    of_a_card(clip)
    bpy.ops.ipoke.use_image()
    bpy.context.view_layer.objects.active = sampled
    bpy.ops.ipoke.choose_variant(index=1)
    assert shown(sampled) != clip
    assert (clip.filepath, clip.source) == (path, "SEQUENCE")


# --- copies -----------------------------------------------------------------------------------------------------------


def select(obj: bpy.types.Object) -> None:
    bpy.ops.object.select_all(action="DESELECT")
    obj.select_set(True)
    bpy.context.view_layer.objects.active = obj


def shift_d(obj: bpy.types.Object) -> bpy.types.Object:
    select(obj)
    bpy.ops.object.duplicate()
    return bpy.context.active_object


def alt_d(obj: bpy.types.Object) -> bpy.types.Object:
    select(obj)
    bpy.ops.object.duplicate(linked=True)
    assert bpy.context.active_object.data == obj.data
    return bpy.context.active_object


def scripted(obj: bpy.types.Object) -> bpy.types.Object:
    copy = obj.copy()
    bpy.context.collection.objects.link(copy)
    return copy


def pasted(obj: bpy.types.Object) -> bpy.types.Object:
    select(obj)
    bpy.ops.view3d.copybuffer()
    bpy.ops.view3d.pastebuffer()
    return next(other for other in bpy.data.objects if other != obj and other.ipoke.plate_id)


def appended(obj: bpy.types.Object) -> bpy.types.Object:
    other = bpy.data.filepath.replace("shot", "other")
    bpy.ops.wm.save_as_mainfile(filepath=other, copy=True)
    with bpy.data.libraries.load(other) as (_, wanted):
        wanted.objects = [obj.name]
    (copy,) = wanted.objects
    bpy.context.collection.objects.link(copy)
    return copy


def of_a_full_scene(obj: bpy.types.Object) -> bpy.types.Object:
    bpy.ops.scene.new(type="FULL_COPY")
    return next(iter(bpy.context.scene.objects))


def of_a_linked_scene(obj: bpy.types.Object) -> bpy.types.Object:
    bpy.ops.scene.new(type="LINK_COPY")
    return alt_d(obj)


COPIES = [shift_d, alt_d, scripted, pasted, appended, of_a_full_scene, of_a_linked_scene]


def look(obj: bpy.types.Object) -> tuple[object, ...]:
    """What a plane shows and how it plays, and what its materials are made of."""
    image, playing = shown(obj), user(obj)
    path = Path(os.path.normpath(bpy.path.abspath(image.filepath, library=image.library)))
    nodes = [(node.name, node.type) for node in obj.active_material.node_tree.nodes]
    timing = playing.frame_start, playing.frame_duration, playing.frame_offset, playing.use_cyclic
    return image.name, path, image.source, timing, nodes, obj.ipoke.shown, obj.ipoke.surface


def is_as_before(obj: bpy.types.Object, before: tuple[object, ...]) -> bool:
    bpy.context.view_layer.update()
    return look(obj) == before


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("shown_first", [True, False], ids=["playing", "still"])
def test_a_copy_and_the_plane_that_it_was_copied_from_never_change_each_other(sampled, copied, shown_first):
    bpy.ops.ipoke.choose_variant(index=0) if shown_first else bpy.ops.ipoke.show_still()
    copy = copied(sampled)
    acts = (
        lambda: bpy.ops.ipoke.choose_variant(index=1),
        lambda: bpy.ops.ipoke.show_still(),
        lambda: bpy.ops.ipoke.choose_variant(index=0),
        lambda: setattr(bpy.context.active_object.ipoke, "start_frame", 31),
        lambda: setattr(bpy.context.active_object.ipoke, "surface", "PRINCIPLED"),
    )
    for changed, other in ((copy, sampled), (sampled, copy)):
        before = look(other)
        bpy.context.window.scene = next(iter(changed.users_scene))
        bpy.context.view_layer.objects.active = changed
        for number, act in enumerate(acts):
            act()
            assert is_as_before(other, before), (changed.name, number)
        assert shown(changed).source == "SEQUENCE"
        assert changed.ipoke.surface == "PRINCIPLED"


@pytest.mark.parametrize("copied", [shift_d, alt_d])
def test_results_arrive_at_the_plane_that_asked_and_at_no_other(saved, copied):
    copy = copied(saved)
    before = look(saved)
    bpy.context.view_layer.objects.active = copy
    sample(copy, samples=1)
    assert (len(copy.ipoke.variants), len(saved.ipoke.variants)) == (1, 0)
    assert look(saved) == before
    before = look(copy)
    bpy.context.view_layer.objects.active = saved
    sample(saved, samples=1, seed=SEED + 1)
    assert (len(copy.ipoke.variants), len(saved.ipoke.variants)) == (1, 1)
    assert look(copy) == before
    assert shown(saved) != shown(copy)


def test_results_find_their_plane_when_it_is_copied_and_renamed_meanwhile(saved, part):
    timer = part("session.timer")
    saved.ipoke.samples = 1
    job = part("operators.sampling").new_job(saved)
    timer.dispatch(part("core.jobs.app").JobAsked(job))
    copy = shift_d(saved)
    name, saved.name = saved.name, "Zed"
    copy.name = name
    timer.drive(lambda: part("session.running").outcome(job.job_id) is not None)
    assert (len(saved.ipoke.variants), len(copy.ipoke.variants)) == (1, 0)
    assert saved.ipoke.shown == "VARIANT"
    assert copy.ipoke.shown == "STILL"


def test_a_material_of_the_artists_that_other_objects_use_stays_as_it_is(plate):
    node = of_a_card(bpy.data.images.load(str(plate)))
    card, material = bpy.context.active_object, bpy.context.active_object.active_material
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    other.data.materials.append(material)
    bpy.context.collection.objects.link(other)
    bpy.ops.ipoke.add_poke(tail=(0.3, 0.35), tip=(0.38, 0.3))
    sample(card, samples=1)
    assert node.image == card.ipoke.still
    assert other.active_material == material
    assert shown(card) == card.ipoke.clip


def test_a_plane_that_the_artist_gave_the_material_of_another_is_not_changed_by_that_one(sampled, plate):
    bpy.ops.ipoke.choose_variant(index=0)
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    other = bpy.context.active_object
    other.data.materials[0] = sampled.active_material
    before = look(other)
    bpy.context.view_layer.objects.active = sampled
    bpy.ops.ipoke.choose_variant(index=1)
    assert look(other) == before
    assert "variant_01" in shown(sampled).filepath


def test_the_bake_of_a_copy_leaves_the_one_that_the_first_plane_shows(sampled):
    bpy.ops.ipoke.choose_variant(index=0)
    bpy.ops.ipoke.bake()
    first = Path(bpy.path.abspath(shown(sampled).filepath))
    before = {path.name: path.read_bytes() for path in first.parent.iterdir()}
    copy = alt_d(sampled)
    copy.ipoke.bake.fit, copy.ipoke.bake.length = True, 3
    assert bpy.ops.ipoke.bake(overwrite=True) == {"FINISHED"}
    assert {path.name: path.read_bytes() for path in first.parent.iterdir()} == before
    assert Path(bpy.path.abspath(shown(sampled).filepath)) == first
    second = Path(bpy.path.abspath(shown(copy).filepath))
    assert (second.parent.name, user(copy).frame_duration) == ("variant_00_2", 3)


def test_a_copy_is_told_when_it_would_bake_over_what_the_first_plane_shows(sampled, tmp_path):
    sampled.ipoke.bake.folder = "//renders"
    bpy.ops.ipoke.bake()
    shift_d(sampled)
    with pytest.raises(RuntimeError, match="shows the frames that are in"):
        bpy.ops.ipoke.bake(overwrite=True)


def test_a_preview_that_a_copy_or_a_saved_file_names_is_not_swept_away(saved, part):
    timer = part("session.timer")

    def preview(obj: bpy.types.Object) -> Path:
        obj.ipoke.seed += 1
        job = part("operators.sampling").new_job(obj, part("core.jobs.job").JobKind.LIVE)
        timer.dispatch(part("core.jobs.app").JobAsked(job))
        timer.drive(lambda: part("session.running").outcome(job.job_id) is not None)
        return job.folder

    of_the_copy = preview(saved)
    shift_d(saved)
    in_the_file = preview(saved)
    bpy.ops.wm.save_mainfile()
    thrown_away = preview(saved)
    (thrown_away / "notes.txt").write_text("mine")
    preview(saved)
    part("session.arrivals").sweep()
    assert of_the_copy.is_dir()
    assert in_the_file.is_dir()
    assert [path.name for path in thrown_away.iterdir()] == ["notes.txt"]


def test_undo_and_redo_go_through_what_a_copy_got_of_its_own(sampled):
    bpy.ops.ipoke.show_still()
    names = sampled.name, alt_d(sampled).name
    bpy.ops.ed.undo_push(message="Before")
    before = [look(bpy.data.objects[name]) for name in names]
    bpy.ops.ipoke.choose_variant("EXEC_DEFAULT", True, index=1)
    after = [look(bpy.data.objects[name]) for name in names]
    assert (after[0], after[1] == before[1]) == (before[0], False)
    bpy.ops.ed.undo()
    assert [look(bpy.data.objects[name]) for name in names] == before
    bpy.ops.ed.redo()
    assert [look(bpy.data.objects[name]) for name in names] == after
    bpy.ops.ipoke.choose_variant(index=0)
    assert look(bpy.data.objects[names[0]]) == before[0]


def test_the_library_replaces_neither_a_motion_nor_a_picture_of_the_artists(sampled, part, tmp_path):
    preferences, library = part("scene.preferences").get(), part("session.motion_library")
    preferences.library_folder = str(tmp_path / "library")
    (tmp_path / "library").mkdir()
    (tmp_path / "library/leaf.png").write_bytes(b"mine")
    try:
        assert library.free_file("leaf").name == "leaf_2.kin.safetensors"
        library.keep_picture(tmp_path / "library/leaf.kin.safetensors", library.PNG)
        bpy.ops.ipoke.choose_variant(index=0)
        assert bpy.ops.ipoke.extract_from_variant(name="leaf") == {"FINISHED"}
    finally:
        preferences.library_folder = ""
    there = {path.name for path in (tmp_path / "library").iterdir()}
    assert there == {"leaf.png", "leaf_2.kin.safetensors", "leaf_2.png"}
    assert (tmp_path / "library/leaf.png").read_bytes() == b"mine"


# --- what an artist has changed -----------------------------------------------------------------------------------------


def test_a_shader_that_an_artist_has_changed_stays_in_the_material(plane):
    nodes = plane.active_material.node_tree.nodes
    emission = next(node for node in nodes if node.type == "EMISSION")
    emission.inputs["Strength"].default_value = 3.0
    plane.ipoke.surface = "PRINCIPLED"
    assert emission.name in nodes
    assert emission.inputs["Strength"].default_value == 3.0
    plane.ipoke.surface = "EMISSION"
    assert plane.ipoke.surface == "EMISSION"


def test_compositing_that_is_switched_off_stays_off(sampled):
    scene = bpy.context.scene
    if hasattr(scene, "compositing_node_group"):
        pytest.skip("there is no such switch from Blender 5.0 on")
    bpy.ops.ipoke.bake()
    scene.use_nodes = True
    scene.use_nodes = False
    bpy.ops.ipoke.add_to_compositor()
    assert not scene.use_nodes
    assert any(node.type == "IMAGE" for node in scene.node_tree.nodes)


def test_a_plane_of_another_file_says_what_to_do_and_when_it_is_local_it_can_be_sampled(sampled, tmp_path):
    name = sampled.name
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "shot.blend"), link=True) as (_, wanted):
        wanted.objects = [name]
    linked = bpy.data.objects[name]
    bpy.context.collection.objects.link(linked)
    bpy.context.view_layer.objects.active = linked
    actions = bpy.ops.ipoke.sample, bpy.ops.ipoke.choose_variant, bpy.ops.ipoke.bake, bpy.ops.ipoke.show_still
    before = look(linked)

    def refuse() -> None:
        assert not any(action.poll() for action in actions)
        with pytest.raises(RuntimeError, match="make it local"):
            bpy.ops.ipoke.add_poke(tail=(0.3, 0.35), tip=(0.38, 0.3))

    refuse()
    own = linked.override_create(remap_local_usages=True)
    bpy.context.view_layer.objects.active = own
    refuse()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "overridden.blend"))
    own = own.make_local()
    (tmp_path / "next").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "next/shot.blend"))
    sample(own, samples=1, seed=SEED + 1)
    assert shown(own).library is None
    assert look(linked) == before
    assert folder(own, own.ipoke.variants[-1].job_id).is_relative_to(tmp_path / "next")
    bpy.ops.wm.save_mainfile()
    assert look(linked) == before
