"""The panel that says where the backend stands."""

import bpy
from bpy.app.translations import pgettext_iface

from ..core.jobs.app import Phase
from ..session import running
from . import set_up
from .shared import Panel, wrapped

DOTS = {
    Phase.OFF: "RADIOBUT_OFF",
    Phase.STARTING: "SORTTIME",
    Phase.READY: "RADIOBUT_ON",
    Phase.LOST: "ERROR",
    Phase.FAILED: "ERROR",
}


class IPOKE_PT_backend(Panel, bpy.types.Panel):
    """Where the backend stands."""

    bl_label = "Backend"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Show the state even while the panel is closed."""
        self.layout.label(text="", icon=_dot())

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the sentence and the button that fits it."""
        layout = self.layout
        backend = running.state().backend
        if running.installer().active:
            set_up.draw_progress(layout, context)
            return
        wrapped(layout, context, backend.sentence, icon=_dot())
        if backend.used_mb:
            layout.label(text=pgettext_iface("{size} MB loaded").format(size=backend.used_mb))
        column = layout.column(align=True)
        set_up.draw_fix(column)
        off = backend.phase in (Phase.OFF, Phase.FAILED)
        column.operator("ipoke.start_backend" if off else "ipoke.stop_backend", icon="PLAY" if off else "SNAP_FACE")
        column.operator("ipoke.release_memory", icon="MEMORY")
        column.operator("ipoke.open_log", icon="TEXT")
        column.operator("ipoke.copy_diagnostics", icon="COPYDOWN")


def _dot() -> str:
    state = running.state()
    busy = state.backend.phase is Phase.READY and state.jobs
    return "SORTTIME" if busy else DOTS[state.backend.phase]


CLASSES = (IPOKE_PT_backend,)
