"""Owns the add-on's preferences: where the backend and the library of kinematics are."""

import bpy
from bpy.props import StringProperty

ADDON = __package__.rpartition(".")[0]
"""The add-on's own name among Blender's extensions."""


class IPOKE_AP_preferences(bpy.types.AddonPreferences):
    """Where to find the backend and the library."""

    bl_idname = ADDON

    backend_path: StringProperty(
        name="Backend",
        description="The ipoke program, its Python or its environment's folder; empty looks in the usual places",
        subtype="FILE_PATH",
    )
    connection_file: StringProperty(
        name="Connection File",
        description="File written by 'ipoke serve'; set it to use a backend that already runs, here or elsewhere",
        subtype="FILE_PATH",
    )

    models_folder: StringProperty(
        name="Models",
        description="Folder with a folder for each model of your own, such as 'ipoke train' writes; read when the backend starts",
        subtype="DIR_PATH",
    )

    library_folder: StringProperty(
        name="Kinematics",
        description="Folder of the library of motions; empty keeps them with the add-on's own files",
        subtype="DIR_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        from ..tools import keymaps  # what draws stands on what needs the preferences
        from ..ui import set_up

        set_up.draw(self.layout, context)
        column = self.layout.column()
        column.use_property_split = True
        column.prop(self, "backend_path")
        column.prop(self, "connection_file")
        column.prop(self, "models_folder")
        column.prop(self, "library_folder")
        box = self.layout.box()
        box.label(text="Keys in Object Mode", icon="KEYINGSET")
        keymaps.draw(box, context)


def get() -> IPOKE_AP_preferences:
    """Return the add-on's preferences."""
    return bpy.context.preferences.addons[ADDON].preferences


CLASSES = (IPOKE_AP_preferences,)
