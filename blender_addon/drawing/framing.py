"""How a 3D view is turned to new planes: straight at them, as large as fits beside toolbar and sidebar."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
from bpy_extras import view3d_utils
from mathutils import Matrix, Vector

from ..scene.plane_place import UPRIGHT
from . import view

MARGIN = 1.15
"""How much larger the framed place is than the planes."""


def frame(context: bpy.types.Context, objects: Sequence[bpy.types.Object]) -> None:
    """Let the 3D view look straight at planes that face one way; one that looks through a camera, or is split, stays as it is."""
    space, region = context.space_data, _window(context)
    if region is None or space.region_3d.view_perspective == "CAMERA" or space.region_quadviews:
        return
    shown = space.region_3d
    corners = [obj.matrix_world @ Vector(corner) for obj in objects for corner in obj.bound_box]
    shown.view_rotation = objects[0].matrix_world.to_quaternion() @ UPRIGHT
    axes = shown.view_rotation.to_matrix()
    shown.view_location = _middle(corners, axes)
    shown.update()
    width_px, height_px = _size_px(region, shown, corners)
    left_px, right_px = (view.covered_px(context, kind) for kind in ("TOOLS", "UI"))
    shown.view_distance *= MARGIN * max(width_px / max(region.width - left_px - right_px, 1), height_px / max(region.height, 1))
    shown.update()
    shown.view_location += axes.col[0] * (_unit_m(region, shown) * (right_px - left_px) / 2)


def _window(context: bpy.types.Context) -> bpy.types.Region | None:
    if context.area is None or context.area.type != "VIEW_3D" or bpy.app.background:
        return None
    return next((region for region in context.area.regions if region.type == "WINDOW"), None)


def _middle(corners: list[Vector], axes: Matrix) -> Vector:
    """The middle of what the corners take as seen along some axes."""
    seen = [axes.inverted() @ corner for corner in corners]
    return axes @ Vector([(min(corner[axis] for corner in seen) + max(corner[axis] for corner in seen)) / 2 for axis in range(3)])


def _size_px(region: bpy.types.Region, shown: bpy.types.RegionView3D, corners: list[Vector]) -> tuple[float, float]:
    """How large places in the plane that is looked at are on the screen."""
    unit_m, axes = _unit_m(region, shown), shown.view_rotation.to_matrix().inverted()
    seen = [axes @ corner for corner in corners]
    across, along = ([corner[axis] for corner in seen] for axis in (0, 1))
    return (max(across) - min(across)) / unit_m, (max(along) - min(along)) / unit_m


def _unit_m(region: bpy.types.Region, shown: bpy.types.RegionView3D) -> float:
    """How long in the scene a pixel is, at the place that is looked at."""
    middle = region.width / 2, region.height / 2
    ends = [
        view3d_utils.region_2d_to_location_3d(region, shown, (middle[0] + step, middle[1]), shown.view_location)
        for step in (0, 1)
    ]
    return float((ends[1] - ends[0]).length)
