"""Operators by which a 3D view shows a picture as bright and as coloured as it is."""

import bpy

from ..drawing import shading
from .reasons import holds


class IPOKE_OT_show_textures(bpy.types.Operator):
    """Let this solid 3D view show pictures in their own colours, or shade everything as Blender does at the start"""

    bl_idname = "ipoke.show_textures"
    bl_label = "Pictures in Solid View"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The view must be in one of the two states."""
        state = shading.of(context)
        return holds(cls, state is not None, "Choose Solid in this 3D view's shading, with Texture or Material as colour")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn it round."""
        shading.change(context, textures=not shading.of(context))
        return {"FINISHED"}


class IPOKE_OT_set_standard(bpy.types.Operator):
    """Let this scene show colours as pictures have them, in the 3D view and in renders (View Transform: Standard)"""

    bl_idname = "ipoke.set_standard"
    bl_label = "Show True Colours"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Another view transform must be set."""
        changed = shading.changes_colours(context.scene)
        return holds(cls, changed, "The scene shows colours as they are already")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set it, without a look on top."""
        view = context.scene.view_settings
        view.view_transform, view.look = shading.STANDARD, "None"
        return {"FINISHED"}


CLASSES = (IPOKE_OT_show_textures, IPOKE_OT_set_standard)
