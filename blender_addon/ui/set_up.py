"""How setting up the backend is shown, in the sidebar and in the preferences."""

import bpy

from ..core.jobs.app import Phase
from ..core.jobs.outside_backend import Fix
from ..core.setup.setup import SetupPhase
from ..session import running
from .shared import wrapped


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the two ways to a backend on this machine, and how far the first one is."""
    row = layout.row()
    row.operator("ipoke.set_up_backend", icon="IMPORT")
    row.operator("ipoke.use_environment", icon="FILE_FOLDER")
    draw_progress(layout, context)


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
