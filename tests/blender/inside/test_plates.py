from __future__ import annotations

import math
from pathlib import Path

import bpy
import pytest
from mathutils import Color, Matrix, Vector

SEEN = (0.2, 0.6, 0.4, 0.5)
UPRIGHT = Matrix.Rotation(math.pi / 2, 4, "X")


def texture(obj: bpy.types.Object) -> bpy.types.ShaderNodeTexImage:
    return next(node for node in obj.active_material.node_tree.nodes if node.type == "TEX_IMAGE")


def test_the_plane_has_the_images_aspect_and_shows_it_as_it_is(plate):
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    obj = bpy.context.active_object
    width, height = obj.ipoke.still.size
    assert obj.dimensions.x / obj.dimensions.z == pytest.approx(width / height)
    assert texture(obj).image == obj.ipoke.still
    nodes = {node.type for node in obj.active_material.node_tree.nodes}
    assert {"EMISSION", "BSDF_TRANSPARENT", "MIX_SHADER"} <= nodes


@pytest.fixture
def picture(tmp_path) -> str:
    """A file of one colour that is half clear."""
    image = bpy.data.images.new("Picture", 8, 8, alpha=True)
    image.pixels.foreach_set(SEEN * 64)
    image.filepath_raw, image.file_format = str(tmp_path / "picture.png"), "PNG"
    image.save()
    return image.filepath_raw


def rendered(obj: bpy.types.Object, file: Path) -> list[float]:
    """What Cycles shows in the middle of a plane: linear light and alpha."""
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 0.5 * min(obj.dimensions.x, obj.dimensions.z)
    scene.camera.matrix_world = Matrix.Translation((*obj.location.xy - Vector((0, 3)), obj.location.z)) @ UPRIGHT
    bpy.context.collection.objects.link(scene.camera)
    scene.render.engine, scene.cycles.samples, scene.render.film_transparent = "CYCLES", 16, True
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = 8
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "OPEN_EXR", "RGBA"
    scene.render.filepath = str(file)
    bpy.ops.render.render(write_still=True)
    return list(bpy.data.images.load(scene.render.filepath).pixels[:4])


def test_cycles_renders_the_picture_in_its_own_colours_and_with_its_alpha(picture, tmp_path):
    bpy.ops.ipoke.add_plate(filepath=picture)
    *colour, alpha = rendered(bpy.context.active_object, tmp_path / "render.exr")
    assert alpha == pytest.approx(SEEN[3], abs=0.02)
    assert tuple((Color(colour) / alpha).from_scene_linear_to_srgb()) == pytest.approx(SEEN[:3], abs=0.02)


def test_a_plane_that_the_scene_lights_is_black_in_the_dark_and_keeps_its_alpha(picture, tmp_path):
    bpy.ops.ipoke.add_plate(filepath=picture, surface="PRINCIPLED")
    *colour, alpha = rendered(bpy.context.active_object, tmp_path / "dark.exr")
    assert (*colour, alpha) == pytest.approx((0, 0, 0, SEEN[3]), abs=0.02)
    lamp = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    lamp.data.energy, lamp.matrix_world = math.pi, UPRIGHT  # a white sheet is as bright as in its picture
    bpy.context.collection.objects.link(lamp)
    *colour, alpha = rendered(bpy.context.active_object, tmp_path / "lit.exr")
    assert alpha == pytest.approx(SEEN[3], abs=0.02)
    assert tuple((Color(colour) / alpha).from_scene_linear_to_srgb()) == pytest.approx(SEEN[:3], abs=0.03)


def test_a_surface_can_be_changed_and_changed_back_and_clips_go_on_playing_on_it(plane):
    assert plane.ipoke.surface == "EMISSION"
    plane.ipoke.surface = "PRINCIPLED"
    plane.ipoke.samples = 1
    bpy.ops.ipoke.sample()
    assert texture(plane).image == plane.ipoke.clip
    kinds = [node.type for node in plane.active_material.node_tree.nodes]
    assert ("BSDF_PRINCIPLED" in kinds, "EMISSION" in kinds) == (True, False)
    plane.ipoke.surface = "EMISSION"
    assert "BSDF_PRINCIPLED" not in [node.type for node in plane.active_material.node_tree.nodes]
    assert plane.ipoke.surface == "EMISSION"


def test_another_surface_is_one_undo_step(plane):
    bpy.ops.ed.undo_push(message="Before")
    plane.ipoke.surface = "PRINCIPLED"
    bpy.ops.ed.undo_push(message="Surface")
    bpy.ops.ed.undo()
    assert bpy.context.active_object.ipoke.surface == "EMISSION"
    bpy.ops.ed.redo()
    assert bpy.context.active_object.ipoke.surface == "PRINCIPLED"


def test_a_surface_is_saved_copied_and_appended_with_its_plane_and_the_next_plane_shines_again(plate, tmp_path):
    bpy.ops.ipoke.add_plate(filepath=str(plate), surface="PRINCIPLED")
    name = bpy.context.active_object.name
    assert bpy.context.active_object.copy().ipoke.surface == "PRINCIPLED"
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    assert bpy.context.active_object.ipoke.surface == "EMISSION"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert bpy.data.objects[name].ipoke.surface == "PRINCIPLED"
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "a.blend")) as (_, wanted):
        wanted.objects = [name]
    assert bpy.data.objects[name].ipoke.surface == "PRINCIPLED"


def test_a_material_of_ones_own_keeps_its_surface(plate, part):
    bpy.ops.mesh.primitive_plane_add()
    obj = bpy.context.active_object
    material = bpy.data.materials.new("Material")
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = bpy.data.images.load(str(plate))
    obj.data.materials.append(material)
    before = [node.type for node in material.node_tree.nodes]
    bpy.ops.ipoke.use_image()
    assert part("scene.shaders").of(obj) is None, "so the panel does not offer it"
    obj.ipoke.surface = "EMISSION"
    assert [node.type for node in material.node_tree.nodes] == before


@pytest.mark.parametrize("content", [b"", b"this is no picture"])
def test_a_file_that_is_no_picture_is_refused_and_leaves_nothing(tmp_path, content):
    path = tmp_path / "plate.jpg"
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match=r"choose another file|no image that Blender can read"):
        bpy.ops.ipoke.add_plate(filepath=str(path))
    assert not bpy.data.objects
    assert not bpy.data.images


def test_a_missing_file_is_refused():
    with pytest.raises(RuntimeError, match="no image"):
        bpy.ops.ipoke.add_plate(filepath="/nowhere/plate.jpg")


def test_any_mesh_with_an_image_can_be_poked(plate):
    bpy.ops.mesh.primitive_plane_add()
    obj = bpy.context.active_object
    with pytest.raises(RuntimeError, match="shows no image"):
        bpy.ops.ipoke.add_poke(tail=(0.5, 0.5), tip=(0.6, 0.5))
    material = bpy.data.materials.new("Material")
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = bpy.data.images.load(str(plate))
    obj.data.materials.append(material)
    bpy.ops.ipoke.add_poke(tail=(0.5, 0.5), tip=(0.6, 0.5))
    assert obj.ipoke.still is not None


def test_pokes_are_added_removed_and_cleared(plane):
    bpy.ops.ipoke.add_poke(tail=(0.1, 0.2), tip=(0.3, 0.4))
    pokes = plane.ipoke.pokes
    assert [round(value, 6) for value in (*pokes[1].tail, *pokes[1].tip)] == [0.1, 0.2, 0.3, 0.4]
    bpy.ops.ipoke.remove_poke(index=0)
    assert len(pokes) == 1
    assert plane.ipoke.active_poke == 0
    with pytest.raises(RuntimeError, match="no arrow number 6"):
        bpy.ops.ipoke.remove_poke(index=5)
    bpy.ops.ipoke.clear_pokes()
    assert not pokes
    assert not bpy.ops.ipoke.clear_pokes.poll()


@pytest.mark.parametrize(("tip", "sentence"), [((1.2, 0.5), "leaves the plate"), ((0.5, -0.5), "leaves the plate")])
def test_a_poke_that_no_model_could_use_is_refused_with_a_sentence(plane, tip, sentence):
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.ipoke.add_poke(tail=(0.3, 0.35), tip=tip)
    assert len(plane.ipoke.pokes) == 1


def test_what_cannot_be_done_says_so(plate):
    assert not bpy.ops.ipoke.sample.poll()
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    assert not bpy.ops.ipoke.sample.poll()
    assert not bpy.ops.ipoke.bake.poll()
    assert not bpy.ops.ipoke.cancel.poll()
    assert not bpy.ops.ipoke.choose_variant.poll()


def test_pokes_are_mirrored_and_copied(plane):
    plane.ipoke.pokes[0].strength = 1.5
    bpy.ops.ipoke.duplicate_poke()
    assert len(plane.ipoke.pokes) == 2
    assert plane.ipoke.pokes[1].strength == 1.5
    assert plane.ipoke.pokes[1].name != plane.ipoke.pokes[0].name
    bpy.ops.ipoke.mirror_pokes(axis="X")
    assert [round(value, 5) for value in (*plane.ipoke.pokes[0].tail, *plane.ipoke.pokes[0].tip)] == [0.7, 0.35, 0.62, 0.3]
    bpy.ops.ipoke.mirror_pokes(axis="Y", only_active=True)
    assert round(plane.ipoke.pokes[0].tail[1], 5) == 0.35
    assert plane.ipoke.pokes[1].tail[1] > 0.5


@pytest.mark.parametrize("act", ["duplicate_poke", "mirror_pokes", "remove_poke", "clear_pokes"])
def test_every_action_is_one_undo_step(plane, act):
    bpy.ops.ed.undo_push(message="Before")
    before = [(tuple(poke.tail), tuple(poke.tip)) for poke in plane.ipoke.pokes]
    getattr(bpy.ops.ipoke, act)("EXEC_DEFAULT", True)
    after = [(tuple(poke.tail), tuple(poke.tip)) for poke in bpy.context.active_object.ipoke.pokes]
    assert after != before
    bpy.ops.ed.undo()
    assert [(tuple(poke.tail), tuple(poke.tip)) for poke in bpy.context.active_object.ipoke.pokes] == before


def test_a_reference_image_becomes_a_plane_in_the_same_place(plate):
    image = bpy.data.images.load(str(plate))
    parent = bpy.data.objects.new("Parent", None)
    empty = bpy.data.objects.new("Reference", None)
    empty.empty_display_type, empty.data, empty.empty_display_size = "IMAGE", image, 3.0
    for obj in (parent, empty):
        bpy.context.collection.objects.link(obj)
    parent.location = 1, 2, 3
    empty.parent, empty.rotation_euler, empty.scale = parent, (0.3, 0.4, 0.5), (1, 2, 1)
    bpy.context.view_layer.objects.active = empty
    bpy.context.view_layer.update()
    assert bpy.ops.ipoke.convert_empty(surface="PRINCIPLED") == {"FINISHED"}
    bpy.context.view_layer.update()
    plane = bpy.context.active_object
    assert plane.ipoke.still == image
    assert plane.ipoke.surface == "PRINCIPLED"
    assert plane.matrix_world == empty.matrix_world
    assert plane.parent == parent
    assert plane.data.vertices[2].co.x == pytest.approx(1.5)
    assert empty.hide_get()


def test_a_region_switched_on_starts_around_the_arrows(plane):
    plane.ipoke.use_region = True
    left, top, right, bottom = plane.ipoke.region
    width, height = plane.ipoke.still.size
    assert (right - left) * width == pytest.approx((bottom - top) * height, abs=1)
    assert left <= 0.3 <= right
    assert top <= 0.3 <= bottom


def test_an_arrow_outside_the_region_is_a_sentence(plane):
    plane.ipoke.region = 0.5, 0.5, 1.0, 1.0
    plane.ipoke.use_region = True
    with pytest.raises(RuntimeError, match="outside the region"):
        bpy.ops.ipoke.sample()
