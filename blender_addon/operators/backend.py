"""The operators that start and stop the backend."""

import bpy
from bpy.props import EnumProperty

from ..core.jobs import app
from ..core.jobs.app import Phase
from ..core.jobs.outside_backend import Fix
from ..core.setup import diagnostics
from ..scene import preferences
from ..session import running, timer
from .reasons import holds

SECTIONS = (
    ("AUTO", "What Is Wrong", "Where what keeps the backend from starting is set"),
    ("SYSTEM", "System", "Where Blender is allowed to go online"),
)
OFF = "The backend is not running"


class IPOKE_OT_start_backend(bpy.types.Operator):
    """Start the backend, or connect to the one in the preferences"""

    bl_idname = "ipoke.start_backend"
    bl_label = "Start Backend"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """It must not be up."""
        return holds(cls, running.state().backend.phase in (Phase.OFF, Phase.FAILED), "The backend is up")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Start it; waits for it only without a window."""
        timer.dispatch(app.StartAsked())
        if bpy.app.background:
            timer.drive(lambda: running.state().backend.phase is not Phase.STARTING)
            print(f"iPOKE: {running.state().backend.sentence}", flush=True)
        backend = running.state().backend
        if backend.phase is Phase.FAILED:
            self.report({"ERROR"}, backend.sentence)
            return {"CANCELLED"}
        return {"FINISHED"}


class IPOKE_OT_stop_backend(bpy.types.Operator):
    """Stop the backend and cancel what it is making"""

    bl_idname = "ipoke.stop_backend"
    bl_label = "Stop Backend"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """It must be up."""
        return holds(cls, running.state().backend.phase not in (Phase.OFF, Phase.FAILED), OFF)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Stop it."""
        timer.dispatch(app.StopAsked())
        if bpy.app.background:
            timer.drive(lambda: not running.runtime().active)
        return {"FINISHED"}


class IPOKE_OT_release_memory(bpy.types.Operator):
    """Let the backend unload its models, for a render that needs the memory; the next sample loads them again"""

    bl_idname = "ipoke.release_memory"
    bl_label = "Release Memory"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """It must be up and idle."""
        if not holds(cls, running.state().backend.phase is Phase.READY, OFF):
            return False
        return holds(cls, not running.state().jobs, "The backend is busy; wait for it or cancel what it makes")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Ask for it."""
        timer.dispatch(app.ReleaseAsked())
        return {"FINISHED"}


class IPOKE_OT_open_log(bpy.types.Operator):
    """Open the backend's log in the program that shows text files"""

    bl_idname = "ipoke.open_log"
    bl_label = "Open Log"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """There must be a log on this machine."""
        log = running.log_file()
        return holds(cls, log is not None and log.is_file(), "There is no log; the backend was not started here")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Open it."""
        return bpy.ops.wm.path_open(filepath=str(running.log_file()))


class IPOKE_OT_copy_diagnostics(bpy.types.Operator):
    """Copy versions, the backend's state and the end of its log, to paste them into a report"""

    bl_idname = "ipoke.copy_diagnostics"
    bl_label = "Copy Diagnostics"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the text on the clipboard."""
        text = diagnostics.text(running.state(), bpy.app.version_string, running.log_file())
        context.window_manager.clipboard = text
        self.report({"INFO"}, "Copied; paste it into your report")
        if bpy.app.background:
            print(text, flush=True)
        return {"FINISHED"}


class IPOKE_OT_open_preferences(bpy.types.Operator):
    """Open the preferences where the backend is set, or where Blender is allowed to go online"""

    bl_idname = "ipoke.open_preferences"
    bl_label = "Open Preferences"
    bl_options = {"REGISTER"}

    section: EnumProperty(name="Section", description="Which preferences", items=SECTIONS, default="AUTO", options={"SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Open them."""
        if self.section == "SYSTEM" or running.state().backend.fix is Fix.ONLINE_ACCESS:
            return bpy.ops.screen.userpref_show(section="SYSTEM")
        return bpy.ops.preferences.addon_show(module=preferences.ADDON)


CLASSES = (
    IPOKE_OT_start_backend,
    IPOKE_OT_stop_backend,
    IPOKE_OT_release_memory,
    IPOKE_OT_open_log,
    IPOKE_OT_copy_diagnostics,
    IPOKE_OT_open_preferences,
)
