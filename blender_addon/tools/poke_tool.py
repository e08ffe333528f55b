"""The Poke tool in the toolbar of the 3D view."""

from pathlib import Path

import bpy
from bpy.app.translations import pgettext_iface


class PokeTool(bpy.types.WorkSpaceTool):
    """Draw arrows on image planes."""

    bl_space_type = "VIEW_3D"
    bl_context_mode = "OBJECT"
    bl_idname = "ipoke.poke_tool"
    bl_label = "Poke"
    bl_description = "Drag on an image from the part that is to move to where it goes"
    bl_icon = str(Path(__file__).parent / "ipoke.poke")
    bl_cursor = "CROSSHAIR"
    bl_keymap = (
        ("ipoke.edit_region", {"type": "LEFTMOUSE", "value": "PRESS"}, None),
        ("ipoke.draw_poke", {"type": "LEFTMOUSE", "value": "PRESS"}, None),
        ("ipoke.draw_poke", {"type": "LEFTMOUSE", "value": "PRESS", "alt": True}, None),
        ("ipoke.draw_poke", {"type": "LEFTMOUSE", "value": "PRESS", "ctrl": True}, None),
        ("ipoke.draw_poke", {"type": "LEFTMOUSE", "value": "PRESS", "shift": True}, None),
        ("ipoke.paint_thing", {"type": "D", "value": "PRESS"}, None),
        ("ipoke.paint_thing", {"type": "D", "value": "PRESS", "shift": True}, {"properties": [("adds", False)]}),
        ("ipoke.change_level", {"type": "RIGHT_BRACKET", "value": "PRESS"}, {"properties": [("step", 1)]}),
        ("ipoke.change_level", {"type": "LEFT_BRACKET", "value": "PRESS"}, {"properties": [("step", -1)]}),
        ("ipoke.change_level", {"type": "WHEELUPMOUSE", "value": "PRESS", "alt": True}, {"properties": [("step", 1)]}),
        ("ipoke.change_level", {"type": "WHEELDOWNMOUSE", "value": "PRESS", "alt": True}, {"properties": [("step", -1)]}),
        ("ipoke.remove_hovered", {"type": "X", "value": "PRESS"}, None),
        ("ipoke.hover", {"type": "MOUSEMOVE", "value": "ANY"}, None),
        ("ipoke.hover", {"type": "MOUSEMOVE", "value": "ANY", "alt": True}, None),
        ("ipoke.hover", {"type": "LEFT_ALT", "value": "ANY", "any": True}, None),
    )

    def draw_settings(self, layout: bpy.types.UILayout, _tool: bpy.types.WorkSpaceTool) -> None:
        """Draw the tool's settings in the header."""
        obj = self.active_object
        if obj is not None and obj.type == "MESH":
            count = len(obj.ipoke.pokes)
            layout.label(text=pgettext_iface("1 poke" if count == 1 else "{count} pokes").format(count=count))
            layout.operator("ipoke.sample", icon="PLAY")


def add() -> None:
    """Put the tool below Blender's own."""
    if not bpy.app.background:
        bpy.utils.register_tool(PokeTool, separator=True)


def remove() -> None:
    """Take the tool away."""
    if not bpy.app.background:
        bpy.utils.unregister_tool(PokeTool)
