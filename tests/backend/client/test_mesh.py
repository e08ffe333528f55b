"""A body's mesh as it travels, and as the files that other programs open."""

from __future__ import annotations

import struct
from array import array

import pytest

from backend.client.mesh import DEPTH, RestMesh, material, point_cache
from backend.protocol.errors import ProtocolError

SQUARE = array("f", [0.25, 0.25, 0.75, 0.25, 0.75, 0.75, 0.25, 0.75])
TRIANGLES = array("i", [0, 1, 2, 0, 2, 3])
SIZE_PX = (200, 100)


def test_an_obj_file_has_the_places_upright_and_faces_the_viewer():
    lines = RestMesh.of(TRIANGLES.tobytes(), SQUARE.tobytes()).obj(SIZE_PX).decode().splitlines()
    assert lines[0] == "mtllib thing.mtl"
    assert next(line for line in lines if line.startswith("v ")) == "v 0.5 0.75 0"
    assert [line for line in lines if line.startswith("vt ")] == ["vt 0.25 0.75", "vt 0.75 0.75", "vt 0.75 0.25", "vt 0.25 0.25"]
    assert [line for line in lines if line.startswith("f ")] == ["f 1/1 3/3 2/2", "f 1/1 4/4 3/3"]
    assert b"map_Kd thing.exr" in material(32)


def test_a_point_cache_has_rest_first_and_what_moves_in_front():
    moved = array("f", SQUARE)
    moved[0], moved[1] = 0.25 + 0.03, 0.25 + 0.08
    data = point_cache(SQUARE.tobytes() + moved.tobytes(), 4, SIZE_PX)
    assert struct.unpack("<12siiffi", data[:32]) == (b"POINTCACHE2\0", 1, 4, 0.0, 1.0, 2)
    points = array("f", data[32:])
    assert points[:3] == array("f", [0.5, 0.75, 0.0])
    assert list(points[12:15]) == pytest.approx([0.56, 0.67, DEPTH * 0.1], abs=1e-6)
    assert not any(points[17::3])


@pytest.mark.parametrize(
    ("triangles", "places"),
    [
        (TRIANGLES.tobytes()[:-1], SQUARE.tobytes()),
        (TRIANGLES.tobytes(), SQUARE.tobytes()[:-4]),
        (TRIANGLES.tobytes(), SQUARE.tobytes()[:-8]),
        (array("i", [0, 1, -1]).tobytes(), SQUARE.tobytes()),
        (b"", SQUARE.tobytes()),
        (TRIANGLES.tobytes(), b""),
    ],
)
def test_a_damaged_mesh_is_a_sentence(triangles, places):
    with pytest.raises(ProtocolError, match=r"\.$"):
        RestMesh.of(triangles, places)


@pytest.mark.parametrize("poses", [b"", SQUARE.tobytes(), SQUARE.tobytes() * 2 + b"1234"])
def test_damaged_poses_are_a_sentence(poses):
    with pytest.raises(ProtocolError, match="install the same version"):
        point_cache(poses, 4, SIZE_PX)
