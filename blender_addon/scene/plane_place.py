"""Where a new image plane stands, how large it is and what it faces; so that no two of them coincide."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import bpy
from bpy.props import EnumProperty, FloatProperty
from mathutils import Matrix, Quaternion, Vector

from ..core.errors import PlateError
from ..core.gestures.side_by_side import Span, free_place
from . import plates

HEIGHT_M = 2.0
THIN_M = 0.01
"""Planes that are nearer than this to one another lie in one another."""
UPRIGHT = Quaternion((1, 0, 0), math.radians(90))
"""From a plane's own axes (right X, up Z) to those of a view or a camera that looks straight at it (right X, up Y)."""
TURNS = {
    "FRONT": Quaternion(),
    "RIGHT": Quaternion((0, 0, 1), math.radians(90)),
    "BACK": Quaternion((0, 0, 1), math.radians(180)),
    "LEFT": Quaternion((0, 0, 1), math.radians(-90)),
    "TOP": Quaternion((1, 0, 0), math.radians(-90)),
    "BOTTOM": Quaternion((1, 0, 0), math.radians(90)),
}
FACINGS = (
    ("FRONT", "Front", "Upright, seen from the front (negative Y)"),
    ("RIGHT", "Right", "Upright, seen from the right (positive X)"),
    ("BACK", "Back", "Upright, seen from behind (positive Y)"),
    ("LEFT", "Left", "Upright, seen from the left (negative X)"),
    ("TOP", "Top", "Lying, seen from above"),
    ("BOTTOM", "Bottom", "Lying, seen from below"),
    ("VIEW", "View", "Facing the 3D view"),
    ("CAMERA", "Camera", "Facing the scene's camera"),
)
SIZES = (
    ("ABSOLUTE", "Height", "As high as is told"),
    ("CAMERA", "Camera Frame", "As large as fits into the frame of the scene's camera, at the distance of the 3D cursor"),
)


class PlaceOptions:
    """The properties of an operator that puts planes into the scene."""

    facing: EnumProperty(
        name="Facing", description="Where the plane is seen from", items=FACINGS, default="FRONT", options={"SKIP_SAVE"}
    )
    size_mode: EnumProperty(
        name="Size", description="How large the plane is", items=SIZES, default="ABSOLUTE", options={"SKIP_SAVE"}
    )
    height: FloatProperty(
        name="Height",
        description="Height of the plane",
        default=HEIGHT_M,
        min=0.001,
        subtype="DISTANCE",
        unit="LENGTH",
        options={"SKIP_SAVE"},
    )


@dataclass(frozen=True)
class Place:
    """Where a plane is and what it faces (its own right is X, its up is Z), and its width and height."""

    matrix: Matrix
    size: tuple[float, float]


def place_for(context: bpy.types.Context, options: PlaceOptions, aspect: float) -> Place:
    """Return where a plane of an aspect (width by height) goes; raises `PlateError` where there is no camera to face."""
    if options.size_mode == "CAMERA":
        return _in_camera(context, aspect)
    size = options.height * aspect, options.height
    matrix = Matrix.LocRotScale(context.scene.cursor.location, _turn(context, options.facing), None)
    return Place(matrix @ Matrix.Translation((_free(context, matrix, size), 0, 0)), size)


def _turn(context: bpy.types.Context, facing: str) -> Quaternion:
    if facing == "CAMERA":
        return _camera(context).matrix_world.to_quaternion() @ UPRIGHT.inverted()
    if facing == "VIEW":
        space = context.space_data
        seen = space.region_3d.view_rotation if space is not None and space.type == "VIEW_3D" else UPRIGHT
        return seen @ UPRIGHT.inverted()
    return TURNS[facing]


def _camera(context: bpy.types.Context) -> bpy.types.Object:
    camera = context.scene.camera
    if camera is None or camera.type != "CAMERA":
        raise PlateError("The scene has no camera; add one, or let the plane face something else.")
    return camera


def _in_camera(context: bpy.types.Context, aspect: float) -> Place:
    """In the middle of the camera's frame, as far away as the 3D cursor is, and behind the planes that are there already."""
    camera = _camera(context)
    view = Matrix.LocRotScale(camera.matrix_world.translation, camera.matrix_world.to_quaternion(), None)
    nearest_m = camera.data.clip_start + THIN_M
    depth_m = -(view.inverted() @ context.scene.cursor.location).z
    depth_m = depth_m if depth_m > nearest_m else nearest_m + HEIGHT_M
    taken = [-(view.inverted() @ obj.matrix_world.translation).z for obj in _planes(context)]
    depth_m = free_place(depth_m, THIN_M, ((at - THIN_M, at + THIN_M) for at in taken))
    corners = camera.data.view_frame(scene=context.scene)
    scale = 1.0 if camera.data.type == "ORTHO" else depth_m / -corners[0].z
    across, along = ([corner[axis] * scale for corner in corners] for axis in (0, 1))
    height = min(max(along) - min(along), (max(across) - min(across)) / aspect)
    middle = (min(across) + max(across)) / 2, (min(along) + max(along)) / 2, -depth_m
    return Place(view @ Matrix.Translation(middle) @ UPRIGHT.inverted().to_matrix().to_4x4(), (height * aspect, height))


def _free(context: bpy.types.Context, matrix: Matrix, size: tuple[float, float]) -> float:
    """How far to the right a plane has to go to be free of the planes that it would lie in."""
    inside = matrix.inverted()
    return free_place(
        0.0, size[0], (span for obj in _planes(context) for span in _spans(inside @ obj.matrix_world, obj, size[1]))
    )


def _spans(lies: Matrix, obj: bpy.types.Object, height: float) -> Iterator[Span]:
    """What a plane takes of a row of this height, where it lies in it."""
    corners = [lies @ Vector(corner) for corner in obj.bound_box]
    (left, right), (near, far), (low, high) = (
        (min(c[axis] for c in corners), max(c[axis] for c in corners)) for axis in range(3)
    )
    if near < THIN_M and far > -THIN_M and low < height / 2 and high > -height / 2:
        yield left, right


def _planes(context: bpy.types.Context) -> list[bpy.types.Object]:
    return [obj for obj in context.visible_objects if plates.plate_of(obj) is not None]
