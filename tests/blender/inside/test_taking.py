"""A variant as geometry: what is built, what it shows, and that it lives without the add-on."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from .conftest import MODULE, SMALL_PX
from .shots import sample

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
    made = bpy.data.images.new("Cut-Out", width, height, alpha=True)
    made.pixels.foreach_set(pixels.ravel())
    made.filepath_raw, made.file_format = str(path), "PNG"
    made.save()
    for used in (image, made):
        bpy.data.images.remove(used)
    return path


@pytest.fixture(scope="session")
def taken_once(extension, cut_out, tmp_path_factory) -> Path:
    """A folder with a saved file in which a variant of a cut-out was sampled."""
    home = tmp_path_factory.mktemp("taken")
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    bpy.ops.ipoke.add_plate(filepath=str(cut_out))
    bpy.ops.ipoke.add_poke(tail=(0.3, 0.35), tip=(0.45, 0.3))
    obj = bpy.context.active_object
    obj.ipoke.start_frame, obj.ipoke.cyclic = START, False
    obj.ipoke.bake.fit, obj.ipoke.bake.length = True, LENGTH
    sample(obj)
    bpy.ops.wm.save_mainfile()
    return home


@pytest.fixture
def swayed(taken_once, tmp_path) -> bpy.types.Object:
    """The plane of a copy of that file, opened."""
    shutil.copytree(taken_once, tmp_path, dirs_exist_ok=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    return bpy.context.active_object


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
        wanted = np.array([plane @ bpy_vector(place) for place in local])
        np.testing.assert_allclose(places(taken, START + number), wanted, atol=1e-5)
    half = (places(taken, START) + places(taken, START + 1)) / 2
    np.testing.assert_allclose(places(taken, START + 0.5), half, atol=1e-5)
    np.testing.assert_allclose(places(taken, START - 5), places(taken, START), atol=1e-6)
    np.testing.assert_allclose(places(taken, START + 50), places(taken, START + LENGTH - 1), atol=1e-6)


def bpy_vector(place: np.ndarray):
    from mathutils import Vector

    return Vector(place)
