"""What happens under the mouse while no button is down: what is there lights up, and X removes it."""

from __future__ import annotations

import bpy

from ..core.gestures.hover import Ground
from ..core.gestures.plane import Vec2, clamped, inside
from ..core.gestures.pokes import Arrow, length_px, single
from ..drawing import view
from ..scene import plates
from ..session import finding, pointer, puppets
from ..session.pointer import Candidate
from . import live
from .picking import grabbed_ground, grabbed_handle, grabbed_poke
from .plate_drag import mouse_of

CANDIDATE_STEP = 0.01
"""Of the plate's long side: the mouse has to go so far before another question is asked."""


class IPOKE_OT_hover(bpy.types.Operator):
    """Highlight the arrow under the mouse"""

    bl_idname = "ipoke.hover"
    bl_label = "Highlight Poke"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look what is under the mouse and pass the event on; what a press will need of the plate's thing is made now."""
        own, playing = pointer.state(), puppets.state()
        before = own.hovered, own.candidate, playing.last
        own.hovered, own.candidate = _under(context, event), _candidate(context, event)
        if (own.hovered, own.candidate, playing.last) != before:
            context.area.tag_redraw()
        return {"PASS_THROUGH"}


def _under(context: bpy.types.Context, event: bpy.types.Event) -> object:
    if context.region_data is None:
        return None
    mouse = mouse_of(event)
    poke = grabbed_poke(context, mouse)
    if poke is not None:
        return poke
    ground = Ground.PINS if grabbed_ground(context, mouse) else None  # first, as it makes what a press will need
    return grabbed_handle(context, mouse) or ground


def _candidate(context: bpy.types.Context, event: bpy.types.Event) -> Candidate | None:
    """With Alt, the place of the active plate whose thing a click would take."""
    obj = context.active_object
    if not event.alt or context.region_data is None or plates.plate_of(obj) is None:
        return None
    hit = view.surface(obj).hit(view.ray(context.region, context.region_data, mouse_of(event)))
    if hit is None or not inside(hit.at):
        return None
    before, place = pointer.state().candidate, single(clamped(hit.at))
    if before is not None and before.object_name == obj.name and _is_near(obj, before.place, place):
        return before
    finding.look_at(obj, place)
    return Candidate(obj.name, place)


def _is_near(obj: bpy.types.Object, one: Vec2, other: Vec2) -> bool:
    return length_px(Arrow(one, other), plates.size_px(obj.ipoke)) < CANDIDATE_STEP * max(plates.size_px(obj.ipoke))


class IPOKE_OT_remove_hovered(bpy.types.Operator):
    """Remove the arrow under the mouse"""

    bl_idname = "ipoke.remove_hovered"
    bl_label = "Remove Poke Under Mouse"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Remove it; with none there, the key is for somebody else."""
        found = grabbed_poke(context, mouse_of(event)) if context.region_data is not None else None
        if found is None:
            return self._free_ground(context, event)
        pointer.state().hovered = None
        return bpy.ops.ipoke.remove_poke(index=found[0])

    def _free_ground(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if context.region_data is None or not grabbed_ground(context, mouse_of(event)):
            return {"PASS_THROUGH"}
        context.active_object.ipoke.free_ground = True
        live.sample(context.active_object)
        return {"FINISHED"}


CLASSES = (IPOKE_OT_hover, IPOKE_OT_remove_hovered)
