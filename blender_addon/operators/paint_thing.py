"""Painting on the thing: D is held, and each drag of the mouse is a stroke, as an undo step of its own."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty

from .._vendor.client import Stroke
from .._vendor.protocol import limits
from ..core.gestures import strokes
from ..core.gestures.plane import Vec2, clamped
from ..drawing import view
from ..session import pointer
from .plate_drag import RUNNING, PlateDrag, mouse_of, step_of

SIZE_STEP = 1.15


class IPOKE_OT_paint_thing(PlateDrag, bpy.types.Operator):
    """Paint strokes that add to the thing, or take away from it, while the key is held"""

    bl_idname = "ipoke.paint_thing"
    bl_label = "Paint Thing"
    bl_options = {"INTERNAL"}  # each stroke is a step of its own
    STATUS = "Drag: paint    Wheel: size of the brush    Release the key: done    Esc: forget the stroke"

    adds: BoolProperty(name="Adds", description="Add to the thing; otherwise take away from it", default=True)

    def _grasp(self, context: bpy.types.Context, event: bpy.types.Event) -> bool:
        mouse = mouse_of(event)
        found = view.under_mouse(context, mouse)
        if found is None or found[0] != context.active_object or found[0].ipoke.thing.source == "REGION":
            return False
        self._key = event.type
        self._points: list[Vec2] = []
        self._begin(context, found[0], view.surface(found[0]), found[1].triangle, mouse)
        self._show(context, found[1].at)
        return True

    def _follow(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == self._key and event.value == "RELEASE":
            self._keep()
            return {"FINISHED"}
        step = step_of(event)
        if step:
            brush = bpy.data.objects[self._object_name].ipoke.thing
            brush.brush *= SIZE_STEP**step
            self._show(context, pointer.state().draft.stroke.points[-1])
            return RUNNING
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            at = self._plate_point(context, mouse_of(event))
            self._points = [] if at is None else [clamped(at)]
            self._show(context, at)
            return RUNNING
        return PlateDrag._follow(self, context, event)

    def _move(self, context: bpy.types.Context, at: Vec2, event: bpy.types.Event) -> None:
        if self._points:
            self._points.append(clamped(at))
        self._show(context, at)

    def _release(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._keep()
        self._show(context, self._plate_point(context, mouse_of(event)))
        return RUNNING

    def _keep(self) -> None:
        """Keep what was painted as a stroke."""
        points, self._points = self._points, []
        if points:
            kept = [{"name": "", "at": point} for point in strokes.thinned(points, limits.STROKE_POINTS)]
            bpy.ops.ipoke.mark_thing("EXEC_DEFAULT", True, points=kept, radius=self._radius(), adds=self.adds)

    def _show(self, context: bpy.types.Context, at: Vec2 | None) -> None:
        if at is not None:
            points = tuple(self._points) or (at,)
            pointer.state().draft = pointer.StrokeDraft(
                self._object_name, Stroke(points, self._radius(), self.adds), is_down=bool(self._points)
            )
        context.area.tag_redraw()

    def _radius(self) -> float:
        return bpy.data.objects[self._object_name].ipoke.thing.brush


CLASSES = (IPOKE_OT_paint_thing,)
