"""The drag that moves or resizes the region; what it means is in `core.gestures.region`, here is Blender's side of it."""

from __future__ import annotations

import bpy

from ..core.gestures import region
from ..core.gestures.plane import Vec2
from ..core.gestures.region import Box
from ..drawing import view
from ..scene import plates
from ..session import pointer
from . import live
from .picking import grabbed_handle
from .plate_drag import PlateDrag, mouse_of


class IPOKE_OT_edit_region(PlateDrag, bpy.types.Operator):
    """Drag a handle of the region to resize it, or its outline to move it"""

    bl_idname = "ipoke.edit_region"
    bl_label = "Edit Region"
    STATUS = "Release: keep    Esc: forget"

    def _grasp(self, context: bpy.types.Context, event: bpy.types.Event) -> bool:
        mouse = mouse_of(event)
        handle = grabbed_handle(context, mouse)
        if handle is None:
            return False
        obj = context.active_object
        self._begin(context, obj, view.surface(obj), 0, mouse)
        at = self._plate_point(context, mouse)
        if at is None:
            self._end(context)
            return False
        self._handle, self._at = handle, at
        self._before = self._box = plates.region_box(obj.ipoke)
        self._size_px = plates.size_px(obj.ipoke)
        return True

    def _move(self, context: bpy.types.Context, at: Vec2, event: bpy.types.Event) -> None:
        shift = at[0] - self._at[0], at[1] - self._at[1]
        self._box: Box = region.dragged(self._before, self._handle, shift, self._size_px)
        pointer.state().draft = pointer.RegionDraft(self._object_name, self._box)
        seen = region.to_region(self._box, self._size_px)
        context.area.header_text_set(f"Region: {seen.w} x {seen.h} px")

    def _release(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self._box == self._before:
            return {"CANCELLED"}
        obj = bpy.data.objects[self._object_name]
        obj.ipoke.region = self._box.left, self._box.top, self._box.right, self._box.bottom
        live.sample(obj)
        return {"FINISHED"}


CLASSES = (IPOKE_OT_edit_region,)
