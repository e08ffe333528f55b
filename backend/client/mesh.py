"""Owns a body as other programs read it: an OBJ file of its mesh at rest, and a PC2 point cache of each variant's poses.

In both the plate stands upright in the plane z = 0: its height is 1, its width its aspect, y goes up. What has moved lies in
front of what has not, by `DEPTH` of the way that it has gone. Standard library only.
"""

from __future__ import annotations

import struct
import sys
from array import array
from dataclasses import dataclass
from typing import TypeVar

from ..protocol.errors import ProtocolError

DEPTH = 0.01
OBJ_FILE = "mesh/thing.obj"
MATERIAL_FILE = "mesh/thing.mtl"
_PC2_HEADER = struct.Struct("<12siiffi")


def thing_file(depth_bits: int) -> str:
    """File of the thing's own picture, below the job's folder."""
    return f"mesh/thing.{_suffix(depth_bits)}"


def background_file(depth_bits: int) -> str:
    """File of the plate without the thing, below the job's folder."""
    return f"mesh/background.{_suffix(depth_bits)}"


@dataclass(frozen=True, slots=True)
class RestMesh:
    """Triangles (F, 3) and places of vertices (V, 2) in fractions of the plate, flat."""

    triangles: array[int]
    places: array[float]

    @classmethod
    def of(cls, triangles: bytes, places: bytes) -> RestMesh:
        """A mesh as it travels; raises ProtocolError for one that is none."""
        mesh = cls(_numbers(array("i"), triangles, 3), _numbers(array("f"), places, 2))
        if not mesh.triangles or not 0 <= min(mesh.triangles) <= max(mesh.triangles) < mesh.vertices:
            raise ProtocolError("The mesh that came is damaged; install the same version on both sides.", "triangles")
        return mesh

    @classmethod
    def read(cls, obj: bytes) -> RestMesh:
        """A mesh out of the OBJ file that `obj` has made of it; raises ProtocolError for another."""
        lines = [line.split() for line in obj.decode(errors="replace").splitlines()]
        try:
            flat = [float(number) for line in lines if line[:1] == ["vt"] for number in line[1:]]
            corners = [[int(corner.split("/")[0]) - 1 for corner in line[1:]] for line in lines if line[:1] == ["f"]]
            triangles = array("i", [corner for a, c, b in corners for corner in (a, b, c)])
        except (ValueError, OverflowError) as error:
            raise ProtocolError("The mesh's file is damaged; sample the variant again.", OBJ_FILE) from error
        places = array("f", [1 - number if index % 2 else number for index, number in enumerate(flat)])
        return cls.of(_bytes(triangles), _bytes(places))

    @property
    def vertices(self) -> int:
        """How many there are."""
        return len(self.places) // 2

    def obj(self, size_px: tuple[int, int]) -> bytes:
        """An OBJ file of the mesh on a plate of this size, with the thing's own picture as its material."""
        aspect = size_px[0] / size_px[1]
        points = [(self.places[2 * index], 1 - self.places[2 * index + 1]) for index in range(self.vertices)]
        lines = [f"mtllib {MATERIAL_FILE.split('/')[-1]}", "o thing"]
        lines += [f"v {u * aspect:.9g} {v:.9g} 0" for u, v in points]
        lines += [f"vt {u:.9g} {v:.9g}" for u, v in points]
        lines.append("usemtl thing")
        for first in range(0, len(self.triangles), 3):
            # Downwards in the picture is upwards here, so that the triangles are turned to face the viewer.
            a, b, c = (index + 1 for index in self.triangles[first : first + 3])
            lines.append(f"f {a}/{a} {c}/{c} {b}/{b}")
        return ("\n".join(lines) + "\n").encode()


def material(depth_bits: int) -> bytes:
    """An MTL file that shows the thing's own picture, with its alpha."""
    picture = thing_file(depth_bits).split("/")[-1]
    return f"newmtl thing\nKd 1 1 1\nillum 1\nmap_Kd {picture}\nmap_d -imfchan m {picture}\n".encode()


def point_cache(poses: bytes, vertices: int, size_px: tuple[int, int]) -> bytes:
    """A PC2 file of poses (T + 1, V, 2) as they travel: the sample of rest first, one a frame; raises ProtocolError."""
    flat = _numbers(array("f"), poses, 2 * vertices)
    if len(flat) < 4 * vertices:
        raise ProtocolError("The poses that came are damaged; install the same version on both sides.", "poses")
    width, aspect, points = 2 * vertices, size_px[0] / size_px[1], array("f")
    for index in range(0, len(flat), 2):
        x, y = flat[index], flat[index + 1]
        rest_x, rest_y = flat[index % width], flat[index % width + 1]
        depth = DEPTH * (((x - rest_x) * aspect) ** 2 + (y - rest_y) ** 2) ** 0.5
        points.extend((x * aspect, 1 - y, depth))
    if sys.byteorder == "big":
        points.byteswap()
    header = _PC2_HEADER.pack(b"POINTCACHE2", 1, vertices, 0.0, 1.0, len(flat) // width)
    return header + points.tobytes()


def cached_points(data: bytes, vertices: int) -> array[float]:
    """The points (T + 1, V, 3), flat, out of the PC2 file that `point_cache` has made; raises ProtocolError for another."""
    head = data[: _PC2_HEADER.size]
    points = _numbers(array("f"), data[_PC2_HEADER.size :], 3 * vertices)
    samples = len(points) // (3 * vertices)
    if samples < 2 or head != _PC2_HEADER.pack(b"POINTCACHE2", 1, vertices, 0.0, 1.0, samples):
        raise ProtocolError("The file of the mesh's motion is damaged; sample the variant again.", "pc2")
    return points


Numbers = TypeVar("Numbers", "array[int]", "array[float]")


def _numbers(numbers: Numbers, data: bytes, divisor: int) -> Numbers:
    """Fill an empty array with little-endian numbers of four bytes, whole groups of `divisor`; raises ProtocolError."""
    if not divisor or len(data) % (4 * divisor):
        raise ProtocolError("The mesh that came is cut; install the same version on both sides.", "raw")
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _bytes(numbers: Numbers) -> bytes:
    """Numbers as they travel, little-endian."""
    copy = numbers[:]
    if sys.byteorder == "big":
        copy.byteswap()
    return copy.tobytes()


def _suffix(depth_bits: int) -> str:
    return "exr" if depth_bits == 32 else "png"
