"""Owns what happens under the mouse while no button is down: what is there lights up, and X removes it."""

from __future__ import annotations

import bpy

from .. import pump
from .picking import grabbed_handle, grabbed_poke
from .plate_drag import mouse_of


class IPOKE_OT_hover(bpy.types.Operator):
    """Highlight the arrow under the mouse"""

    bl_idname = "ipoke.hover"
    bl_label = "Highlight Poke"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look what is under the mouse and pass the event on."""
        found = _under(context, event)
        if found != pump.addon().hovered:
            pump.addon().hovered = found
            context.area.tag_redraw()
        return {"PASS_THROUGH"}


def _under(context: bpy.types.Context, event: bpy.types.Event) -> object:
    if context.region_data is None:
        return None
    mouse = mouse_of(event)
    return grabbed_poke(context, mouse) or grabbed_handle(context, mouse)


class IPOKE_OT_remove_hovered(bpy.types.Operator):
    """Remove the arrow under the mouse"""

    bl_idname = "ipoke.remove_hovered"
    bl_label = "Remove Poke Under Mouse"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Remove it; with none there, the key is for somebody else."""
        found = grabbed_poke(context, mouse_of(event)) if context.region_data is not None else None
        if found is None:
            return {"PASS_THROUGH"}
        pump.addon().hovered = None
        return bpy.ops.ipoke.remove_poke(index=found[0])


CLASSES = (IPOKE_OT_hover, IPOKE_OT_remove_hovered)
