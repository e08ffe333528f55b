"""A variant's body as it is read from its files, and where its vertices lie on the surface of a plate. No bpy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..._vendor.client import IpokeError
from ..._vendor.client import mesh as files
from ..._vendor.client.results import poses_file
from ..errors import FolderError
from .sheet import Sheet

HAIR = 1e-3
"""How far before the plate a body at rest lies, in heights of the plate."""

Array = Any  # numpy's array types are not there for a type checker inside Blender


@dataclass(frozen=True)
class PosedMesh:
    """Triangles (F, 3), texture coordinates (V, 2), and poses (T + 1, V, 3) at rest and in frames 1..T.

    A pose is texture coordinates of the plate, and how far before it, in its heights.
    """

    triangles: Array
    uvs: Array
    poses: Array

    @classmethod
    def read(cls, folder: Path, variant: int) -> PosedMesh:
        """Read what a job has written; raises `FolderError`."""
        try:
            mesh = files.RestMesh.read((folder / files.OBJ_FILE).read_bytes())
            points = files.cached_points((folder / poses_file(variant)).read_bytes(), mesh.vertices)
        except OSError as error:
            raise FolderError(f"The mesh can't be read: {error.strerror}; take the variant again.") from error
        except IpokeError as error:
            raise FolderError(error.sentence) from error
        uvs = np.array(mesh.places, np.float64).reshape(-1, 2) * (1, -1) + (0, 1)
        samples = np.array(points, np.float64).reshape(-1, mesh.vertices, 3)
        widest = int(uvs[:, 0].argmax())
        aspect = samples[0, widest, 0] / uvs[widest, 0]
        return cls(np.array(mesh.triangles).reshape(-1, 3)[:, [0, 2, 1]], uvs, samples / (aspect, 1.0, 1.0))


def sheet_of(corners: Array, uvs: Array) -> Sheet:
    """The surface of a plate: triangles (M, 3, 3) with texture coordinates (M, 3, 2), in its object's space.

    Leaves out what shows nothing of the plate; raises `FolderError` where nothing is left.
    """
    solid = np.linalg.norm(np.cross(*_sides(corners)), axis=1) > 0
    sheet = Sheet(corners[solid], uvs[solid])
    if not len(sheet.corners):
        raise FolderError("The plane has no texture coordinates to place a mesh by; unwrap it, or add the image anew.")
    return sheet


def normal_of(sheet: Sheet) -> Array:
    """What a surface faces as a whole, (3,)."""
    return np.cross(*_sides(sheet.corners)).sum(axis=0)


def placed(sheet: Sheet, poses: Array, side: int) -> Array:
    """(T, V, 3): where poses of a body lie, before the side that the surface faces, or with -1 before the other.

    Beside the surface its nearest triangle goes on.
    """
    sides = np.stack(_sides(sheet.corners), axis=-1)
    normals = np.cross(*_sides(sheet.corners))
    normals *= side * np.linalg.norm((sides @ sheet.inverse)[..., 1] / np.linalg.norm(normals, axis=1)[:, None], axis=1)[:, None]
    return np.stack([_placed(sheet, pose, normals) for pose in poses])


def _placed(sheet: Sheet, pose: Array, normals: Array) -> Array:
    """One pose (V, 3), given each triangle's normal (M, 3), a plate's height long."""
    nearest, weights = sheet.nearest(pose[:, :2])
    return sheet.on(nearest, weights) + (HAIR + pose[:, 2:]) * normals[nearest]


def _sides(corners: Array) -> tuple[Array, Array]:
    return corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
