"""A variant as geometry: what is built, what it shows, and that it lives without the add-on."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector

from .conftest import MODULE, SMALL_PX
from .shots import opened_copy, sample, saved_plate
from .test_things import save_png

LENGTH = 6
START = 11


@pytest.fixture(scope="session")
def cut_out(plate, tmp_path_factory) -> Path:
    """The photograph with an alpha: a disc on a stalk that leaves the picture."""
    width, height = SMALL_PX
    image = bpy.data.images.load(str(plate))
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(height, width, 4)
    y, x = np.mgrid[:height, :width]
    pixels[..., 3] = ((x - 114) ** 2 + (y - 140) ** 2 < 50**2) | ((np.abs(x - 114) < 8) & (y < 140))
    path = tmp_path_factory.mktemp("cut-outs") / "thing.png"
    save_png(pixels[::-1], path)
    bpy.data.images.remove(image)
    return path


@pytest.fixture(scope="session")
def taken_once(extension, cut_out, tmp_path_factory) -> Path:
    """A folder with a saved file in which a variant of a cut-out was sampled."""
    home = tmp_path_factory.mktemp("taken")
    obj = saved_plate(home, cut_out, (0.3, 0.35), (0.45, 0.3))
    obj.ipoke.start_frame, obj.ipoke.cyclic = START, False
    obj.ipoke.bake.fit, obj.ipoke.bake.length = True, LENGTH
    sample(obj)
    bpy.ops.wm.save_mainfile()
    return home


@pytest.fixture
def swayed(taken_once, tmp_path) -> bpy.types.Object:
    """The plane of a copy of that file, opened."""
    return opened_copy(taken_once, tmp_path)


def take() -> bpy.types.Object:
    assert bpy.ops.ipoke.take_as_mesh() == {"FINISHED"}
    return bpy.context.active_object


def places(obj: bpy.types.Object, frame: float) -> np.ndarray:
    """(V, 3): where an object's vertices are at a frame, in the world."""
    bpy.context.scene.frame_set(int(frame), subframe=frame % 1)
    seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = seen.to_mesh()
    found = np.array([seen.matrix_world @ vertex.co for vertex in mesh.vertices])
    seen.to_mesh_clear()
    return found


def cache(folder: Path) -> np.ndarray:
    """Samples (T + 1, V, 3) of the point cache below a folder."""
    (file,) = folder.rglob("mesh.pc2")
    data = file.read_bytes()
    vertices, samples = int.from_bytes(data[16:20], "little"), int.from_bytes(data[28:32], "little")
    return np.frombuffer(data, "<f4", offset=32).reshape(samples, vertices, 3).astype(float)


def test_the_geometry_is_the_poses_on_the_plane_at_every_frame(swayed, tmp_path):
    swayed.matrix_world = Matrix.Translation((3, 1, -2)) @ Matrix.Rotation(0.7, 4, (1, 2, 3)) @ Matrix.Diagonal((2, 2, 2, 1))
    plane = swayed.matrix_world.copy()
    taken = take()
    poses = cache(tmp_path)
    assert len(poses) == LENGTH + 1
    aspect = SMALL_PX[0] / SMALL_PX[1]
    for number, pose in enumerate(poses[1:]):
        local = np.column_stack([2 * (pose[:, 0] - aspect / 2), -2 * (0.001 + pose[:, 2]), 2 * (pose[:, 1] - 0.5)])
        wanted = np.array([plane @ Vector(place) for place in local])
        np.testing.assert_allclose(places(taken, START + number), wanted, atol=1e-5)
    half = (places(taken, START) + places(taken, START + 1)) / 2
    np.testing.assert_allclose(places(taken, START + 0.5), half, atol=1e-5)
    np.testing.assert_allclose(places(taken, START - 5), places(taken, START), atol=1e-6)
    np.testing.assert_allclose(places(taken, START + 50), places(taken, START + LENGTH - 1), atol=1e-6)


def test_before_the_plate_that_shows_what_stood_behind(swayed, tmp_path):
    taken = take()
    background = taken.parent
    assert (background.name, taken.name) == ("thing Background", "thing v01")
    assert background.matrix_world == swayed.matrix_world
    assert [background.ipoke.still, len(background.ipoke.jobs)] == [None, 0], "it is no plate"
    assert swayed.hide_get()
    assert swayed.hide_render
    assert not taken.hide_render
    pictures = {obj: texture(obj).image for obj in (taken, background)}
    for obj, name in ((taken, "thing.png"), (background, "background.png")):
        image = pictures[obj]
        assert image.filepath.startswith("//ipoke/"), "relative, as bakes are"
        assert image.filepath.endswith(f"/mesh/{name}")
        assert tuple(image.size) == SMALL_PX
        assert image.colorspace_settings.name == swayed.ipoke.still.colorspace_settings.name
    alpha = np.array(pictures[taken].pixels).reshape(SMALL_PX[1], SMALL_PX[0], 4)[..., 3]
    gone = np.array(pictures[background].pixels).reshape(SMALL_PX[1], SMALL_PX[0], 4)[..., 3]
    assert (alpha > 0.5).sum() == pytest.approx(np.pi * 50**2 + 15 * 90, rel=0.05)
    assert gone.max() < 0.1, "nothing else is on a cut-out"
    uvs = np.array([loop.uv for loop in taken.data.uv_layers[0].data])
    rest = np.array([taken.data.vertices[loop.vertex_index].co for loop in taken.data.loops])
    aspect = SMALL_PX[0] / SMALL_PX[1]
    np.testing.assert_allclose(
        rest[:, [0, 2]], np.column_stack([2 * aspect * (uvs[:, 0] - 0.5), 2 * (uvs[:, 1] - 0.5)]), atol=1e-5
    )
    assert all(face.normal.y < -0.99 for face in taken.data.polygons), "it faces the viewer, as the plane does"


def texture(obj: bpy.types.Object) -> bpy.types.Node:
    return next(node for node in obj.active_material.node_tree.nodes if node.type == "TEX_IMAGE")


@pytest.mark.parametrize("surface", ["EMISSION", "PRINCIPLED"])
def test_both_take_light_as_the_plate_does(swayed, surface):
    swayed.ipoke.surface = surface
    taken = take()
    kind = {"EMISSION": "EMISSION", "PRINCIPLED": "BSDF_PRINCIPLED"}[surface]
    for obj in (taken, taken.parent):
        assert [link.to_node.type for link in texture(obj).outputs["Color"].links] == [kind]
        assert [link.to_node.type for link in texture(obj).outputs["Alpha"].links] == ["MIX_SHADER"]


@pytest.mark.parametrize(("loop", "jumps"), [("none", True), ("ping-pong", False)])
def test_a_cyclic_clip_goes_on_and_only_one_that_does_not_close_jumps(swayed, loop, jumps):
    swayed.ipoke.cyclic, swayed.ipoke.bake.loop = True, loop
    taken = take()
    again = START + LENGTH
    np.testing.assert_allclose(places(taken, again), places(taken, START), atol=1e-6)
    np.testing.assert_allclose(places(taken, again + 2.5), places(taken, START + 2.5), atol=1e-5)
    np.testing.assert_allclose(places(taken, START - 1), places(taken, again - 1), atol=1e-6)
    between = places(taken, again - 0.75)
    if jumps:
        np.testing.assert_allclose(between, places(taken, again - 1), atol=1e-6)
    else:
        mixed = 0.75 * places(taken, again - 1) + 0.25 * places(taken, START)
        np.testing.assert_allclose(between, mixed, atol=1e-5)


def test_a_second_take_has_its_own_name_and_the_same_background(swayed):
    first = take()
    bpy.context.view_layer.objects.active = swayed
    swayed.ipoke.active_variant = 1
    second = take()
    bpy.context.view_layer.objects.active = swayed
    third = take()
    assert [obj.name for obj in (first, second, third)] == ["thing v01", "thing v02", "thing v02.001"]
    assert first.parent == second.parent == third.parent


def test_there_is_a_way_back_to_the_plate_and_to_another_take(swayed):
    first = take()
    assert bpy.ops.ipoke.back_to_plate() == {"FINISHED"}
    assert bpy.context.active_object == swayed
    hidden = (first, first.parent)
    assert [obj.hide_get() and obj.hide_render for obj in (*hidden, swayed)] == [True, True, False]
    assert not bpy.ops.ipoke.back_to_plate.poll()
    swayed.ipoke.active_variant = 1
    second = take()
    assert [obj.hide_get() for obj in (first, second, second.parent, swayed)] == [True, False, False, True]


def test_it_is_one_undo_step_that_gives_the_plate_back(swayed):
    bpy.ops.ed.undo_push(message="Before")
    name = swayed.name
    take()
    bpy.ops.ed.undo()
    plane = bpy.data.objects[name]
    assert [obj.name for obj in bpy.data.objects] == [name]
    assert not plane.hide_get()
    assert not plane.hide_render
    bpy.ops.ed.redo()
    assert {obj.name for obj in bpy.data.objects} == {name, "thing v01", "thing Background"}


def test_it_lives_without_the_add_on_and_in_other_files(swayed, tmp_path):
    taken = take()
    wanted = {frame: places(taken, frame) for frame in (START, START + 2.5, START + LENGTH - 1)}
    bpy.ops.wm.save_mainfile()
    bpy.ops.preferences.addon_disable(module=MODULE)
    try:
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
        assert_as_before(bpy.data.objects["thing v01"], wanted)
        (tmp_path / "deep").mkdir()
        for how in ("append", "link"):
            bpy.ops.wm.read_homefile(use_empty=True)
            bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "deep/other.blend"))
            with bpy.data.libraries.load(str(tmp_path / "shot.blend"), link=how == "link") as (_, into):
                into.objects = ["thing v01"]
            obj = into.objects[0]
            if how == "link":
                obj = obj.override_create()
            bpy.context.scene.collection.objects.link(obj)
            assert_as_before(obj, wanted)
    finally:
        bpy.ops.preferences.addon_enable(module=MODULE)


def assert_as_before(obj: bpy.types.Object, wanted: dict[float, np.ndarray]) -> None:
    for frame, where in wanted.items():
        np.testing.assert_allclose(places(obj, frame), where, atol=1e-6)
    image = texture(obj).image
    assert tuple(image.size) == SMALL_PX, image.filepath


def test_what_waits_for_the_first_save_comes_beside_the_file(cut_out, tmp_path):
    bpy.ops.ipoke.add_plate(filepath=str(cut_out))
    bpy.ops.ipoke.add_poke(tail=(0.3, 0.35), tip=(0.45, 0.3))
    sample(bpy.context.active_object, samples=1)
    taken = take()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    for obj in (taken, taken.parent):
        assert texture(obj).image.filepath.startswith("//ipoke/")
        assert Path(bpy.path.abspath(texture(obj).image.filepath)).is_file()


@pytest.mark.parametrize(("source", "words"), [("AUTO", "give its mask"), ("REGION", "moves its whole region")])
def test_what_moves_as_a_whole_region_has_no_mesh(plane, source, words):
    plane.ipoke.thing.source = source
    sample(plane, samples=1)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.ipoke.take_as_mesh()
    assert [obj.name for obj in bpy.data.objects] == [plane.name]


def test_a_hundred_frames_are_as_exact(swayed, tmp_path):
    swayed.ipoke.bake.length = 100
    taken = take()
    poses = cache(tmp_path)
    aspect = SMALL_PX[0] / SMALL_PX[1]
    for number in (1, 57, 100):
        found = places(taken, START + number - 1)
        np.testing.assert_allclose(found[:, 0], 2 * (poses[number][:, 0] - aspect / 2), atol=1e-5)
        np.testing.assert_allclose(found[:, 2], 2 * (poses[number][:, 1] - 0.5), atol=1e-5)


def test_without_a_variant_the_button_says_why(plane, part):
    assert not bpy.ops.ipoke.take_as_mesh.poll()
    with pytest.raises(RuntimeError, match="Sample, then choose a variant"):
        bpy.ops.ipoke.take_as_mesh()
