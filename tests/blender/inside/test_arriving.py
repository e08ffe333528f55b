"""How stills arrive in the scene: side by side, facing what is asked, as large as is asked; what of the view changes is told."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

NAMES = ("one.png", "two.png", "three.png")


@pytest.fixture
def folder(plate, tmp_path) -> Path:
    """A folder with three stills and a text."""
    for name in NAMES:
        shutil.copyfile(plate, tmp_path / name)
    (tmp_path / "notes.png").write_text("no picture")
    return tmp_path


def dropped(folder: Path, *names: str, **options: object) -> set[str]:
    """What Blender calls when files are dropped on a 3D view."""
    return bpy.ops.ipoke.add_plate(directory=str(folder), files=[{"name": name} for name in names], **options)


def corners(obj: bpy.types.Object) -> list[Vector]:
    bpy.context.view_layer.update()
    return [obj.matrix_world @ Vector(corner) for corner in obj.bound_box]


def normal(obj: bpy.types.Object) -> tuple[float, ...]:
    """Where a plane is seen from."""
    bpy.context.view_layer.update()
    return tuple(round(value, 5) for value in obj.matrix_world.to_3x3() @ obj.data.polygons[0].normal)


def plates() -> list[bpy.types.Object]:
    return [obj for obj in bpy.data.objects if obj.ipoke.still is not None]


def test_several_files_become_planes_side_by_side_all_of_them_selected_as_one_undo_step(folder):
    bpy.ops.ed.undo_push(message="Before")
    assert bpy.ops.ipoke.add_plate("EXEC_DEFAULT", True, directory=str(folder), files=[{"name": name} for name in NAMES]) == {
        "FINISHED"
    }
    reach = sorted((min(c.x for c in corners(obj)), max(c.x for c in corners(obj))) for obj in plates())
    assert len(reach) == 3
    assert all(before[1] < after[0] for before, after in zip(reach, reach[1:], strict=False))
    assert {obj.name for obj in bpy.context.selected_objects} == {obj.name for obj in plates()}
    assert {Path(obj.ipoke.still.filepath).name for obj in plates()} == set(NAMES)
    bpy.ops.ed.undo()
    assert not plates()


def test_a_plane_that_is_added_where_one_stands_stands_beside_it(plate):
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    first = bpy.context.active_object
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    second = bpy.context.active_object
    assert min(c.x for c in corners(second)) > max(c.x for c in corners(first))
    bpy.context.scene.cursor.location = 0, 3, 0
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    assert bpy.context.active_object.location.x == 0, "what stands behind another is not in its way"


def test_of_several_files_those_that_are_no_pictures_are_named_and_the_others_arrive(folder, capfd):
    assert dropped(folder, "one.png", "notes.png") == {"FINISHED"}
    assert len(plates()) == 1
    assert "notes.png holds no picture; choose another file" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("facing", "seen_from"),
    [
        ("FRONT", (0, -1, 0)),
        ("BACK", (0, 1, 0)),
        ("RIGHT", (1, 0, 0)),
        ("LEFT", (-1, 0, 0)),
        ("TOP", (0, 0, 1)),
        ("BOTTOM", (0, 0, -1)),
    ],
)
def test_a_plane_faces_what_is_asked_and_has_the_height_that_is_asked(plate, facing, seen_from):
    bpy.ops.ipoke.add_plate(filepath=str(plate), facing=facing, height=3.0)
    obj = bpy.context.active_object
    assert normal(obj) == pytest.approx(seen_from, abs=1e-5)
    assert obj.data.vertices[2].co.z - obj.data.vertices[1].co.z == pytest.approx(3.0)


@pytest.fixture(params=["PERSP", "ORTHO"])
def camera(request) -> bpy.types.Object:
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (4, -7, 3), (math.radians(70), 0.1, math.radians(25))
    camera.data.type, camera.data.shift_x = request.param, 0.1
    bpy.context.scene.camera = camera
    bpy.context.view_layer.update()
    return camera


def test_a_plane_in_the_cameras_frame_fits_it_and_the_next_stands_behind(plate, camera):
    depths = []
    for _ in range(2):
        bpy.ops.ipoke.add_plate(filepath=str(plate), size_mode="CAMERA")
        seen = [world_to_camera_view(bpy.context.scene, camera, corner) for corner in corners(bpy.context.active_object)]
        across, along = ([place[axis] for place in seen] for axis in (0, 1))
        assert (min(across), max(across)) == pytest.approx((0, 1), abs=1e-4)
        assert sum(along) / len(along) == pytest.approx(0.5, abs=1e-4)
        depths.append(seen[0].z)
    assert depths[1] > depths[0]


def test_a_plane_faces_the_camera_where_that_is_asked_and_without_one_a_sentence_says_so(plate, request):
    with pytest.raises(RuntimeError, match="The scene has no camera"):
        bpy.ops.ipoke.add_plate(filepath=str(plate), facing="CAMERA")
    assert not plates()
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.rotation_euler = math.radians(90), 0, math.radians(90)
    bpy.context.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.ops.ipoke.add_plate(filepath=str(plate), facing="CAMERA")
    assert normal(bpy.context.active_object) == pytest.approx((1, 0, 0), abs=1e-5)


def test_files_can_be_dropped_on_a_3d_view_in_object_mode_alone():
    handler = bpy.types.IPOKE_FH_plate
    assert {".png", ".jpg", ".exr", ".mp4"} <= set(handler.bl_file_extensions.split(";"))
    on = {kind: SimpleNamespace(area=SimpleNamespace(type=kind), mode="OBJECT") for kind in ("VIEW_3D", "IMAGE_EDITOR")}
    assert [handler.poll_drop(context) for context in on.values()] == [True, False]
    assert not handler.poll_drop(SimpleNamespace(area=SimpleNamespace(type="VIEW_3D"), mode="EDIT_MESH"))
    assert not handler.poll_drop(SimpleNamespace(area=None, mode="OBJECT"))


def test_true_colours_are_one_undo_step_away_and_then_the_button_says_that_there_is_nothing_to_do():
    view = bpy.context.scene.view_settings
    view.view_transform = "AgX"
    bpy.ops.ed.undo_push(message="Before")
    assert bpy.ops.ipoke.set_standard("EXEC_DEFAULT", True) == {"FINISHED"}
    assert bpy.context.scene.view_settings.view_transform == "Standard"
    with pytest.raises(RuntimeError, match="shows colours as they are already"):
        bpy.ops.ipoke.set_standard()
    bpy.ops.ed.undo()
    assert bpy.context.scene.view_settings.view_transform == "AgX"


@pytest.fixture
def solid(part, monkeypatch) -> SimpleNamespace:
    """A solid 3D view as Blender starts, in a context."""
    shading = SimpleNamespace(type="SOLID", color_type="MATERIAL", light="STUDIO")
    return SimpleNamespace(space_data=SimpleNamespace(type="VIEW_3D", shading=shading), scene=bpy.context.scene)


def test_a_solid_view_shows_pictures_and_goes_back_and_one_that_is_set_otherwise_is_left_alone(solid, part):
    shading = part("drawing.shading")
    said = []
    operator = SimpleNamespace(report=lambda _kind, text: said.append(text))
    part("operators.plates").show_pictures(operator, solid)
    assert shading.of(solid) is True
    assert "the panel Plate has the switch" in said[0]
    shading.change(solid, textures=False)
    assert shading.of(solid) is False
    solid.space_data.shading.light = "MATCAP"
    part("operators.plates").show_pictures(operator, solid)
    assert (shading.of(solid), len(said)) == (None, 1)


def test_the_hint_about_pale_colours_is_there_where_they_are_shown_and_nowhere_else(solid, part):
    shading = part("drawing.shading")
    bpy.context.scene.view_settings.view_transform = "AgX"
    seen = {}
    for kind in ("WIREFRAME", "SOLID", "MATERIAL", "RENDERED"):
        solid.space_data.shading.type = kind
        seen[kind] = shading.shows_changed(solid)
    assert seen == {"WIREFRAME": False, "SOLID": False, "MATERIAL": True, "RENDERED": True}
    bpy.context.scene.view_settings.view_transform = "Standard"
    assert not shading.shows_changed(solid)
