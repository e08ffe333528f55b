"""Owns how setting up the backend is shown, in the sidebar and in the preferences."""

import bpy

from .. import pump
from ..core.setup import SetupPhase
from .shared import wrapped


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the two ways to a backend on this machine, and how far the first one is."""
    row = layout.row()
    row.operator("ipoke.set_up_backend", icon="IMPORT")
    row.operator("ipoke.use_environment", icon="FILE_FOLDER")
    draw_progress(layout, context)


def draw_progress(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw how far it is, or how it ended."""
    now = pump.addon().installer.state
    if now.active:
        layout.progress(factor=now.fraction, text=now.sentence)
        layout.operator("ipoke.cancel_set_up", icon="X")
    elif now.phase is SetupPhase.FAILED:
        wrapped(layout, context, now.sentence, icon="ERROR")
    elif now.phase is SetupPhase.DONE:
        layout.label(text=now.sentence, icon="CHECKMARK")
