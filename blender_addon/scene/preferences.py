"""What is set for every file: where the backend, models and the library of kinematics are."""

import bpy
from bpy.props import BoolProperty, StringProperty

from . import properties

ADDON = __package__.rpartition(".")[0]
"""The add-on's own name among Blender's extensions."""


def _backend_named(_preferences: "Preferences", _context: bpy.types.Context) -> None:
    properties.reactions().backend_named()


class Preferences:
    """Where to find the backend, models and the library; `ui.preferences` adds how they are drawn."""

    backend_path: StringProperty(
        name="Backend",
        description="The ipoke program, its Python or its environment's folder; empty looks in the usual places",
        subtype="FILE_PATH",
        update=_backend_named,
    )
    connection_file: StringProperty(
        name="Connection File",
        description="File written by 'ipoke serve'; set it to use a backend that already runs, here or elsewhere",
        subtype="FILE_PATH",
        update=_backend_named,
    )

    models_folder: StringProperty(
        name="Models",
        description="Folder with a folder for each model of your own, such as 'ipoke train' writes; read when the backend starts",
        subtype="DIR_PATH",
    )

    plays_at_once: BoolProperty(
        name="Play When Frames Arrive", description="Start playback when the first frames of a sample are there", default=True
    )

    library_folder: StringProperty(
        name="Kinematics",
        description="Folder of the library of motions; empty keeps them with the add-on's own files",
        subtype="DIR_PATH",
    )


def get() -> Preferences:
    """Return the add-on's preferences."""
    return bpy.context.preferences.addons[ADDON].preferences
