from __future__ import annotations

import bpy
import pytest


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


@pytest.mark.parametrize(
    ("tip", "sentence"), [((0.3, 0.35), "no length"), ((1.2, 0.5), "leaves the plate"), ((0.5, -0.5), "leaves the plate")]
)
def test_a_poke_that_no_model_could_use_is_refused_with_a_sentence(plane, tip, sentence):
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.ipoke.add_poke(tail=(0.3, 0.35), tip=tip)
    assert len(plane.ipoke.pokes) == 1


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


def test_what_cannot_be_done_says_so(plate):
    assert not bpy.ops.ipoke.sample.poll()
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    assert not bpy.ops.ipoke.sample.poll()
    assert not bpy.ops.ipoke.bake.poll()
    assert not bpy.ops.ipoke.cancel.poll()
    assert not bpy.ops.ipoke.choose_variant.poll()
