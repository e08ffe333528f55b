"""How the add-on's preferences are drawn."""

import bpy

from ..scene.preferences import ADDON, Preferences
from ..tools import keymaps
from . import set_up


class IPOKE_AP_preferences(Preferences, bpy.types.AddonPreferences):
    """Where to find the backend and the library, and the keys."""

    bl_idname = ADDON

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        set_up.draw(self.layout, context)
        column = self.layout.column()
        column.use_property_split = True
        column.prop(self, "backend_path")
        column.prop(self, "connection_file")
        column.prop(self, "models_folder")
        column.prop(self, "library_folder")
        column.prop(self, "plays_at_once")
        box = self.layout.box()
        box.label(text="Keys in Object Mode", icon="KEYINGSET")
        keymaps.draw(box, context)


CLASSES = (IPOKE_AP_preferences,)
