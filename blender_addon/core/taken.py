"""Owns a variant's body as it is read from its files, and where its vertices lie on the surface of a plate. No bpy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._vendor.client import mesh as files
from .._vendor.client.results import poses_file
from .errors import FolderError

HAIR = 1e-3
"""How far before the plate a body at rest lies, in heights of the plate."""
_HEADER_BYTES = 32
_PARALLEL = 1e-12

Array = Any  # numpy's array types are not there for a type checker inside Blender


@dataclass(frozen=True)
class Body:
    """Triangles (F, 3), texture coordinates (V, 2), and poses (T + 1, V, 3) at rest and in frames 1..T.

    A pose is texture coordinates of the plate, and how far before it, in its heights.
    """

    triangles: Array
    uvs: Array
    poses: Array

    @classmethod
    def read(cls, folder: Path, variant: int) -> Body:
        """Read what a job has written; raises `FolderError`."""
        try:
            lines = [line.split() for line in (folder / files.OBJ_FILE).read_text().splitlines()]
            data = (folder / poses_file(variant)).read_bytes()
        except OSError as error:
            raise FolderError(f"The mesh can't be read: {error.strerror}; take the variant again.") from error
        points = np.array([line[1:4] for line in lines if line[0] == "v"], np.float64)
        uvs = np.array([line[1:3] for line in lines if line[0] == "vt"], np.float64)
        faces = [[int(corner.split("/")[0]) - 1 for corner in line[1:]] for line in lines if line[0] == "f"]
        samples = np.frombuffer(data, "<f4", offset=_HEADER_BYTES).reshape(-1, len(points), 3).astype(np.float64)
        widest = int(uvs[:, 0].argmax())
        aspect = points[widest, 0] / uvs[widest, 0]
        return cls(np.array(faces), uvs, samples / (aspect, 1.0, 1.0))


@dataclass(frozen=True)
class Sheet:
    """The surface of a plate: triangles with texture coordinates, (M, 3, 3) and (M, 3, 2), in its object's space."""

    corners: Array
    uvs: Array

    def __post_init__(self) -> None:
        """Leave out what shows nothing of the plate; raises `FolderError` where nothing is left."""
        sides = self.corners[:, 1:] - self.corners[:, :1]
        area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
        shown = (np.abs(np.linalg.det(self.uvs[:, 1:] - self.uvs[:, :1])) > _PARALLEL) & (area > 0)
        if not shown.any():
            raise FolderError("The plane has no texture coordinates to place a mesh by; unwrap it, or add the image anew.")
        object.__setattr__(self, "corners", self.corners[shown])
        object.__setattr__(self, "uvs", self.uvs[shown])

    @property
    def centre(self) -> Array:
        """Its middle, (3,)."""
        return self.corners.mean(axis=(0, 1))

    @property
    def normal(self) -> Array:
        """What it faces as a whole, (3,)."""
        sides = self.corners[:, 1:] - self.corners[:, :1]
        return np.cross(sides[:, 0], sides[:, 1]).sum(axis=0)

    def placed(self, poses: Array, side: int) -> Array:
        """(T, V, 3): where poses of a body lie, before the side that the surface faces, or with -1 before the other.

        Beside the surface its nearest triangle goes on.
        """
        sides = (self.corners[:, 1:] - self.corners[:, :1]).swapaxes(1, 2)
        inverses = np.linalg.inv((self.uvs[:, 1:] - self.uvs[:, :1]).swapaxes(1, 2))
        normals = np.cross(sides[..., 0], sides[..., 1])
        normals *= side * np.linalg.norm((sides @ inverses)[..., 1] / np.linalg.norm(normals, axis=1)[:, None], axis=1)[:, None]
        return np.stack([self._placed(pose, sides, inverses, normals) for pose in poses])

    def _placed(self, pose: Array, sides: Array, inverses: Array, normals: Array) -> Array:
        """One pose (V, 3), given each triangle's sides (M, 3, 2), the inverse of these in the texture, and its normal (M, 3)."""
        weights = np.einsum("mij,mvj->mvi", inverses, pose[None, :, :2] - self.uvs[:, :1])
        outside = np.maximum(-weights.min(axis=2), weights.sum(axis=2) - 1)
        nearest = outside.argmin(axis=0)
        on = np.einsum("vij,vj->vi", sides[nearest], weights[nearest, np.arange(len(pose))])
        return self.corners[nearest, 0] + on + (HAIR + pose[:, 2:]) * normals[nearest]
