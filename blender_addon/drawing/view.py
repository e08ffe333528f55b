"""The way between the mouse in a 3D view and points on a plate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True)
class PlateView:
    """An object with its surface, as a 3D view shows it at one moment."""

    obj: bpy.types.Object
    surface: Surface
    region: bpy.types.Region
    view: bpy.types.RegionView3D

    @classmethod
    def of(cls, context: bpy.types.Context, obj: bpy.types.Object) -> PlateView:
        """Look at an object in the 3D view of a context."""
        return cls(obj, surface(obj), context.region, context.region_data)

    def point(self, at: Vec2) -> Vec2 | None:
        """Return where a plate point is on the screen, or None behind the viewer."""
        place = self.surface.place(at)
        point = None if place is None else view3d_utils.location_3d_to_region_2d(self.region, self.view, Vector(place))
        return None if point is None else (point.x, point.y)

    def points(self, places: Iterable[Vec2]) -> list[Vec2] | None:
        """Return where plate points are on the screen; None when one is behind the viewer."""
        found = [self.point(at) for at in places]
        return None if None in found else found

    def arrow(self, arrow: Arrow, look: Look) -> ScreenArrow | None:
        """Return an arrow as it lies on the screen, or None when an end is behind the viewer."""
        ends = self.points((arrow.tail, arrow.tip))
        return None if ends is None else ScreenArrow(*ends, look, arrow.is_pin)


def ui_scale(context: bpy.types.Context) -> float:
    """Return how much larger than on a plain screen things are drawn."""
    return context.preferences.system.ui_scale or 1.0  # 0 while there is no window


def free_px(context: bpy.types.Context, region: bpy.types.Region) -> float:
    """Return how wide a region of the 3D view is without the sidebar, which lies over it."""
    return region.width - covered_px(context, "UI")


def covered_px(context: bpy.types.Context, kind: str) -> float:
    """Return how much of the 3D view's width a region of a kind (TOOLS, UI) lies over."""
    covered = sum(other.width for other in context.area.regions if other.type == kind and other.width > 1)
    return float(covered if context.preferences.system.use_region_overlap else 0)


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
