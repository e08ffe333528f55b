"""What drags on a plate share: how Blender's mouse events reach them, and how they end, whatever happens."""

from __future__ import annotations

import logging
from abc import abstractmethod

import bpy

from ..core.gestures.plane import Surface, Vec2
from ..drawing import view
from ..session import pointer
from .reasons import holds

log = logging.getLogger(__name__)

RUNNING = {"RUNNING_MODAL"}
LARGER = frozenset({"WHEELUPMOUSE", "RIGHT_BRACKET"})
SMALLER = frozenset({"WHEELDOWNMOUSE", "LEFT_BRACKET"})


def mouse_of(event: bpy.types.Event) -> Vec2:
    """Return where the mouse is in its region."""
    return event.mouse_region_x, event.mouse_region_y


def step_of(event: bpy.types.Event) -> int:
    """Return 1 where the wheel or a bracket asks for more, -1 for less, else 0."""
    return 0 if event.value != "PRESS" else (event.type in LARGER) - (event.type in SMALLER)


class PlateDrag:
    """A modal operator from press to release. What is changed before `_release` a cancel brings back; it forgets the draft."""

    bl_options = {"REGISTER", "UNDO", "INTERNAL"}
    STATUS = ""

    _object_name: str
    _surface: Surface
    _triangle: int
    _pressed: Vec2

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A 3D view in Object Mode is needed."""
        ready = context.mode == "OBJECT" and context.region_data is not None
        return holds(cls, ready, "Draw in a 3D view in Object Mode")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin at what is under the mouse; elsewhere the press is for somebody else."""
        if not self._grasp(context, event):
            return {"PASS_THROUGH"}
        context.window_manager.modal_handler_add(self)
        return RUNNING

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Follow the mouse to the end."""
        try:
            outcome = self._follow(context, event)
        except Exception:  # the border to Blender: a modal operator that raises would keep the mouse
            log.exception("the drag failed")
            outcome = {"CANCELLED"}
        if outcome == {"CANCELLED"}:
            self._forget()
        if outcome != RUNNING:
            self._end(context)
        return outcome

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the drag, as when another file is loaded."""
        self._forget()
        self._end(context)

    @abstractmethod
    def _grasp(self, context: bpy.types.Context, event: bpy.types.Event) -> bool:
        """Take hold of what is under the mouse; False when there is nothing."""

    @abstractmethod
    def _move(self, context: bpy.types.Context, at: Vec2, event: bpy.types.Event) -> None:
        """The mouse is over a plate point now."""

    @abstractmethod
    def _release(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Keep what was dragged; returns how the operator ends."""

    def _plate_point(self, context: bpy.types.Context, mouse: Vec2) -> Vec2 | None:
        return self._surface.extend(view.ray(context.region, context.region_data, mouse), self._triangle)

    def _begin(self, context: bpy.types.Context, obj: bpy.types.Object, shown: Surface, triangle: int, mouse: Vec2) -> None:
        self._object_name = obj.name
        self._surface, self._triangle, self._pressed = shown, triangle, mouse
        context.workspace.status_text_set(self.STATUS)

    def _follow(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type in {"ESC", "RIGHTMOUSE", "WINDOW_DEACTIVATE"}:
            return {"CANCELLED"}
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            return self._release(context, event)
        if event.type in {"MOUSEMOVE", "INBETWEEN_MOUSEMOVE"}:
            at = self._plate_point(context, mouse_of(event))
            if at is not None:
                self._move(context, at, event)
                context.area.tag_redraw()
        return RUNNING

    def _forget(self) -> None:
        """Bring back what was changed before the release, where nothing of the drag is kept."""

    def _let_go(self) -> None:
        """What else is at an end with the drag."""

    def _end(self, context: bpy.types.Context) -> None:
        self._let_go()
        pointer.state().draft = None
        context.workspace.status_text_set(None)
        if context.area is not None:
            context.area.header_text_set(None)
            context.area.tag_redraw()
