"""The pie menu: what is done most often, under the mouse."""

import bpy

from ..scene import plates


class IPOKE_MT_pie(bpy.types.Menu):
    """Sample, choose what the plane shows, bake"""

    bl_label = "iPOKE"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with a plate."""
        return plates.active(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it; Blender puts the entries left, right, below, above, and then into the corners."""
        pie = self.layout.menu_pie()
        plate = plates.active(context)
        pie.operator("wm.tool_set_by_id", text="Poke Tool", icon="FORCE_WIND").name = "ipoke.poke_tool"
        pie.operator("ipoke.reroll", icon="FILE_REFRESH")
        pie.operator("ipoke.bake", icon="RENDER_ANIMATION")
        pie.operator("ipoke.sample", icon="PLAY")
        pie.operator("ipoke.show_still", text="Show Still", icon="IMAGE_DATA")
        variant = pie.operator("ipoke.choose_variant", text="Show Variant", icon="RENDER_RESULT")
        variant.index = max(plate.active_variant, 0)
        pie.operator("ipoke.more_like_this", icon="MOD_ARRAY")
        pie.operator("ipoke.show_bake", text="Show Bake", icon="SEQUENCE")


CLASSES = (IPOKE_MT_pie,)
