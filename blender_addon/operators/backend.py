"""Owns the operators that start and stop the backend."""

import bpy

from .. import pump
from ..core import app
from ..core.app import Phase


class IPOKE_OT_start_backend(bpy.types.Operator):
    """Start the backend, or connect to the one in the preferences"""

    bl_idname = "ipoke.start_backend"
    bl_label = "Start Backend"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """It must not be up."""
        cls.poll_message_set("The backend is up")
        return pump.state().backend.phase in (Phase.OFF, Phase.FAILED)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Start it; waits for it only without a window."""
        pump.dispatch(app.StartAsked())
        if bpy.app.background:
            pump.drive(lambda: pump.state().backend.phase is not Phase.STARTING)
            print(f"iPOKE: {pump.state().backend.sentence}", flush=True)
        backend = pump.state().backend
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
        cls.poll_message_set("The backend is not running")
        return pump.state().backend.phase not in (Phase.OFF, Phase.FAILED)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Stop it."""
        pump.dispatch(app.StopAsked())
        return {"FINISHED"}


CLASSES = (IPOKE_OT_start_backend, IPOKE_OT_stop_backend)
