"""Owns the drag that draws or changes an arrow; what it means is in `core.gesture`, here is Blender's side of it."""

from __future__ import annotations

import logging
import math

import bpy

from .. import plates, pump
from ..core import gesture, hover
from ..core.errors import AddonError
from ..core.gesture import Grab, Part
from ..core.plane import Surface, Vec2
from ..core.pokes import Arrow, length_px
from ..drawing import overlay, view
from . import pokes

log = logging.getLogger(__name__)

STATUS = "Release: keep    Esc: forget    Ctrl: snap the angle    Shift: fine"


def _mouse(event: bpy.types.Event) -> Vec2:
    return event.mouse_region_x, event.mouse_region_y


def _grabbed(context: bpy.types.Context, mouse: Vec2) -> tuple[int, Part] | None:
    """Return which arrow of the active plate is under the mouse."""
    obj = context.active_object
    if plates.plate_of(obj) is None:
        return None
    numbered = [(i, arrow) for i, arrow in enumerate(overlay.screen_arrows(context, obj)) if arrow is not None]
    found = hover.grabbed([arrow for _, arrow in numbered], mouse)
    return None if found is None else (numbered[found[0]][0], found[1])


class IPOKE_OT_draw_poke(bpy.types.Operator):
    """Drag from the part that is to move to where it goes"""

    bl_idname = "ipoke.draw_poke"
    bl_label = "Draw Poke"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A 3D view in Object Mode is needed."""
        cls.poll_message_set("Draw in a 3D view in Object Mode")
        return context.mode == "OBJECT" and context.region_data is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin at the plate under the mouse; elsewhere the press is for somebody else."""
        if not self._grasp(context, event):
            return {"PASS_THROUGH"}
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Follow the mouse to the end."""
        try:
            return self._follow(context, event)
        except Exception:  # the border to Blender: a modal operator that raises would keep the mouse
            log.exception("drawing failed")
            self._end(context)
            return {"CANCELLED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the drag, as when another file is loaded."""
        self._end(context)

    def _grasp(self, context: bpy.types.Context, event: bpy.types.Event) -> bool:
        """Take hold of the arrow or the plate under the mouse; False when there is none."""
        mouse = _mouse(event)
        grabbed = _grabbed(context, mouse)
        found = view.under_mouse(context, mouse)
        if found is None and grabbed is None:
            return False
        obj = context.active_object if grabbed is not None or found is None else found[0]
        shown = view.surface(obj)
        triangle = found[1].triangle if found is not None and found[0] == obj else 0
        at = shown.extend(view.ray(context.region, context.region_data, mouse), triangle)
        if at is None:
            return False
        self._begin(context, obj, shown, triangle, mouse)
        self._take(context, gesture.Press(at, plates.size_px(obj.ipoke), self._grab(obj, grabbed)))
        return True

    def _begin(self, context: bpy.types.Context, obj: bpy.types.Object, shown: Surface, triangle: int, mouse: Vec2) -> None:
        if obj != context.active_object:
            for other in context.selected_objects:
                other.select_set(False)
            obj.select_set(True)
            context.view_layer.objects.active = obj
        plates.adopt(obj)
        self._object_name = obj.name
        self._surface, self._triangle, self._pressed = shown, triangle, mouse
        self._state: gesture.State = gesture.Idle()
        self._outcome: set[str] = {"RUNNING_MODAL"}
        context.workspace.status_text_set(STATUS)

    def _grab(self, obj: bpy.types.Object, grabbed: tuple[int, Part] | None) -> Grab | None:
        if grabbed is None:
            return None
        poke = obj.ipoke.pokes[grabbed[0]]
        return Grab(grabbed[0], grabbed[1], Arrow(tuple(poke.tail), tuple(poke.tip)))

    def _follow(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type in {"ESC", "RIGHTMOUSE", "WINDOW_DEACTIVATE"}:
            self._take(context, gesture.Cancel())
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self._take(context, gesture.Release(math.dist(self._pressed, _mouse(event))))
        elif event.type in {"MOUSEMOVE", "INBETWEEN_MOUSEMOVE"}:
            cast = view.ray(context.region, context.region_data, _mouse(event))
            at = self._surface.extend(cast, self._triangle)
            if at is not None:
                self._take(context, gesture.Move(at, snap=event.ctrl, fine=event.shift))
        if self._outcome != {"RUNNING_MODAL"}:
            self._end(context)
        return self._outcome

    def _take(self, context: bpy.types.Context, event: gesture.Event) -> None:
        self._state, effects = gesture.transition(self._state, event)
        for effect in effects:
            self._do(context, effect)
        context.area.tag_redraw()

    def _do(self, context: bpy.types.Context, effect: gesture.Effect) -> None:
        plate = bpy.data.objects[self._object_name].ipoke
        try:
            match effect:
                case gesture.ShowDraft(arrow=arrow):
                    pump.addon().draft = effect
                    context.area.header_text_set(f"Poke: {length_px(arrow, plates.size_px(plate)):.0f} px")
                case gesture.AddArrow(arrow=arrow):
                    pokes.add_arrow(plate, arrow)
                    self._outcome = {"FINISHED"}
                case gesture.ChangeArrow(index=index, arrow=arrow):
                    pokes.change_arrow(plate, index, arrow)
                    self._outcome = {"FINISHED"}
                case gesture.SelectArrow(index=index):
                    plate.active_poke = index
                    self._outcome = {"FINISHED"}
                case gesture.Discard(hint=hint):
                    self._forget(hint)
        except AddonError as error:
            self._forget(error.sentence)

    def _forget(self, hint: str) -> None:
        self._outcome = {"CANCELLED"}
        if hint:
            self.report({"INFO"}, hint)

    def _end(self, context: bpy.types.Context) -> None:
        pump.addon().draft = None
        context.workspace.status_text_set(None)
        if context.area is not None:
            context.area.header_text_set(None)
            context.area.tag_redraw()


class IPOKE_OT_hover(bpy.types.Operator):
    """Highlight the arrow under the mouse"""

    bl_idname = "ipoke.hover"
    bl_label = "Highlight Poke"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look what is under the mouse and pass the event on."""
        found = _grabbed(context, _mouse(event)) if context.region_data is not None else None
        if found != pump.addon().hovered:
            pump.addon().hovered = found
            context.area.tag_redraw()
        return {"PASS_THROUGH"}


class IPOKE_OT_remove_hovered(bpy.types.Operator):
    """Remove the arrow under the mouse"""

    bl_idname = "ipoke.remove_hovered"
    bl_label = "Remove Poke Under Mouse"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Remove it; with none there, the key is for somebody else."""
        found = _grabbed(context, _mouse(event)) if context.region_data is not None else None
        if found is None:
            return {"PASS_THROUGH"}
        pump.addon().hovered = None
        return bpy.ops.ipoke.remove_poke(index=found[0])


CLASSES = (IPOKE_OT_draw_poke, IPOKE_OT_hover, IPOKE_OT_remove_hovered)
