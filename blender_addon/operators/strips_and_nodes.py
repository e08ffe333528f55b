"""The operators that let a bake play in the sequencer and in the compositor."""

import bpy
from bpy.props import IntProperty

from ..core.errors import AddonError
from ..scene import strips_and_nodes
from .variants import IPOKE_OT_show_bake


class _Places:
    """What the operators that use a bake beside the plane share."""

    bl_options = {"REGISTER", "UNDO"}

    frame_start: IntProperty(
        name="Start", description="First frame; left alone, where the plate's clip starts", default=1, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The chosen variant must be baked."""
        return IPOKE_OT_show_bake.poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Place it."""
        obj = context.active_object
        asked = self.properties.is_property_set("frame_start")
        try:
            self.place(context.scene, obj, self.frame_start if asked else obj.ipoke.start_frame)
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return {"FINISHED"}


class IPOKE_OT_add_to_sequencer(_Places, bpy.types.Operator):
    """Add the chosen variant's bake to the scene's sequencer as an image strip"""

    bl_idname = "ipoke.add_to_sequencer"
    bl_label = "Add to Sequencer"

    channel: IntProperty(
        name="Channel",
        description="Where the strip goes; 0 takes the lowest channel that is free there",
        default=0,
        min=0,
        max=128,
        options={"SKIP_SAVE"},
    )

    def place(self, scene: bpy.types.Scene, obj: bpy.types.Object, frame_start: int) -> None:
        """Add the strip."""
        strips_and_nodes.add_strip(scene, obj, frame_start, self.channel)


class IPOKE_OT_add_to_compositor(_Places, bpy.types.Operator):
    """Add the chosen variant's bake to the scene's compositor as an image node"""

    bl_idname = "ipoke.add_to_compositor"
    bl_label = "Add to Compositor"

    def place(self, scene: bpy.types.Scene, obj: bpy.types.Object, frame_start: int) -> None:
        """Add the node."""
        strips_and_nodes.add_node(scene, obj, frame_start)


CLASSES = (IPOKE_OT_add_to_sequencer, IPOKE_OT_add_to_compositor)
