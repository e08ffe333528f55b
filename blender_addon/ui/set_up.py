"""How setting up the backend is shown, in the sidebar and in the preferences."""

import bpy

from ..core.jobs.app import Phase
from ..core.jobs.outside_backend import Fix
from ..core.setup.setup import SetupPhase
from ..session import running
from . import disk
from .shared import Panel, wrapped


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the two ways to a backend on this machine, and how far the first one is."""
    row = layout.row()
    row.operator("ipoke.set_up_backend", icon="IMPORT")
    row.operator("ipoke.use_environment", icon="FILE_FOLDER")
    draw_progress(layout, context)


def draw_lacking(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw what there is to do where no backend is found yet, and what will be in the way of it."""
    lacking = disk.lacking()
    if lacking is None or running.installer().active:
        return
    wrapped(layout, context, lacking.sentence, icon="INFO")
    if lacking.fix is not Fix.SET_UP:
        layout.operator("ipoke.open_preferences", icon="PREFERENCES")
        return
    draw_offline(layout, context)
    column = layout.column(align=True)
    column.operator("ipoke.set_up_backend", icon="IMPORT")
    column.operator("ipoke.use_environment", icon="FILE_FOLDER")


def draw_offline(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Say, and let it be mended, that Blender may not download anything."""
    if bpy.app.online_access:
        return
    text = "Blender is offline: allow online access for the download, or have a folder of wheels"
    wrapped(layout, context, text, icon="INTERNET_OFFLINE")
    layout.operator("ipoke.open_preferences", text="Allow Online Access", icon="PREFERENCES").section = "SYSTEM"


def draw_fix(layout: bpy.types.UILayout) -> None:
    """Draw the button that mends a backend that can't be had, if another try does not."""
    backend = running.state().backend
    if backend.phase is Phase.FAILED and backend.fix is Fix.SET_UP:
        layout.operator("ipoke.set_up_backend", icon="IMPORT")
    elif backend.phase is Phase.FAILED and backend.fix is not Fix.START:
        layout.operator("ipoke.open_preferences", icon="PREFERENCES")


def draw_progress(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw how far it is, or how it ended."""
    now = running.installer().state
    if now.active:
        layout.progress(factor=now.fraction, text=now.sentence)
        layout.operator("ipoke.cancel_set_up", icon="X")
    elif now.phase is SetupPhase.FAILED:
        wrapped(layout, context, now.sentence, icon="ERROR")
    elif now.phase is SetupPhase.DONE:
        layout.label(text=now.sentence, icon="CHECKMARK")


class IPOKE_PT_set_up(Panel, bpy.types.Panel):
    """How to get a backend, while there is none."""

    bl_label = "Set Up"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Only while none is found, or one is being set up."""
        return running.installer().active or disk.lacking() is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what is lacking, and how far it is."""
        draw_lacking(self.layout, context)
        draw_progress(self.layout, context)


CLASSES = (IPOKE_PT_set_up,)
