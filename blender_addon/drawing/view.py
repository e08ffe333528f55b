"""The way between the mouse in a 3D view and points on a plate."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
from bpy_extras import view3d_utils
from mathutils import Vector

from ..core.gestures.arrows import Look, ScreenArrow
from ..core.gestures.plane import Hit, Ray, Surface, Triangle, Vec2, inside
from ..core.gestures.pokes import Arrow
from ..scene import plates

MAX_TRIANGLES = 2000


def surface(obj: bpy.types.Object) -> Surface:
    """Return the mesh in world space; empty without texture coordinates, or when it is too fine to be a plate."""
    mesh = obj.data
    layer = mesh.uv_layers.active
    if layer is None or len(mesh.loop_triangles) > MAX_TRIANGLES:
        return Surface(())
    world = [tuple(obj.matrix_world @ vertex.co) for vertex in mesh.vertices]
    uvs = layer.uv
    if len(uvs) == 0:  # in Edit Mode
        return Surface(())
    return Surface(
        tuple(
            Triangle(
                tuple(world[vertex] for vertex in triangle.vertices),
                tuple(tuple(uvs[loop].vector) for loop in triangle.loops),
            )
            for triangle in mesh.loop_triangles
        )
    )


def ray(region: bpy.types.Region, view: bpy.types.RegionView3D, mouse: Vec2) -> Ray:
    """Return the ray under the mouse."""
    origin = view3d_utils.region_2d_to_origin_3d(region, view, mouse)
    direction = view3d_utils.region_2d_to_vector_3d(region, view, mouse)
    return Ray(tuple(origin), tuple(direction))


def to_screen(region: bpy.types.Region, view: bpy.types.RegionView3D, shown: Surface, at: Vec2) -> Vec2 | None:
    """Return where a plate point is on the screen, or None behind the viewer."""
    place = shown.place(at)
    point = None if place is None else view3d_utils.location_3d_to_region_2d(region, view, Vector(place))
    return None if point is None else (point.x, point.y)


def screen_arrow(
    region: bpy.types.Region, view: bpy.types.RegionView3D, shown: Surface, arrow: Arrow, look: Look
) -> ScreenArrow | None:
    """Return an arrow as it lies on the screen, or None when an end is behind the viewer."""
    tail, tip = to_screen(region, view, shown, arrow.tail), to_screen(region, view, shown, arrow.tip)
    return None if tail is None or tip is None else ScreenArrow(tail, tip, look, arrow.is_pin)


def ui_scale(context: bpy.types.Context) -> float:
    """Return how much larger than on a plain screen things are drawn."""
    return context.preferences.system.ui_scale or 1.0  # 0 while there is no window


def free_px(context: bpy.types.Context, region: bpy.types.Region) -> float:
    """Return how wide a region of the 3D view is without the sidebar, which lies over it."""
    covered = [other.width for other in context.area.regions if other.type == "UI" and other.width > 1]
    return float(region.width - (sum(covered) if context.preferences.system.use_region_overlap else 0))


def under_mouse(context: bpy.types.Context, mouse: Vec2) -> tuple[bpy.types.Object, Hit] | None:
    """Return the plate under the mouse: the active object's first, else the nearest mesh that shows an image."""
    cast = ray(context.region, context.region_data, mouse)
    best: tuple[bpy.types.Object, Hit] | None = None
    for obj in _candidates(context):
        hit = surface(obj).hit(cast)
        if hit is None or not inside(hit.at):
            continue
        if obj == context.active_object:
            return obj, hit
        if best is None or hit.distance < best[1].distance:
            best = obj, hit
    return best


def _candidates(context: bpy.types.Context) -> Iterator[bpy.types.Object]:
    yield from (
        obj
        for obj in context.visible_objects
        if obj.type == "MESH" and (obj.ipoke.still is not None or next(plates.image_nodes(obj), None) is not None)
    )
