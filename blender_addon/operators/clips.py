"""Owns the operators that choose among variants."""

import bpy
from bpy.props import IntProperty

from .. import plates, results


class IPOKE_OT_choose_variant(bpy.types.Operator):
    """Play this variant on the plane"""

    bl_idname = "ipoke.choose_variant"
    bl_label = "Choose Variant"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(name="Index", description="Which variant of the list, from 0", default=0, min=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be variants."""
        plate = plates.active(context)
        cls.poll_message_set("Sample first")
        return plate is not None and len(plate.variants) > 0

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put it on the plane."""
        plate = plates.active(context)
        if self.index >= len(plate.variants):
            self.report({"ERROR"}, f"There are {len(plate.variants)} variants; choose one of them")
            return {"CANCELLED"}
        plate.active_variant = self.index
        results.show_active(context.active_object, "VARIANT")
        return {"FINISHED"}


class IPOKE_OT_show_bake(bpy.types.Operator):
    """Show the chosen variant at the plate's own resolution"""

    bl_idname = "ipoke.show_bake"
    bl_label = "Show Bake"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The chosen variant must be baked."""
        plate = plates.active(context)
        variant = None if plate is None else results.active_variant(plate)
        cls.poll_message_set("Bake the chosen variant first")
        return variant is not None and variant.baked_frames > 0

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the bake on the plane."""
        obj = context.active_object
        results.show_active(obj, "BAKE")
        return {"FINISHED"}


class IPOKE_OT_recall_settings(bpy.types.Operator):
    """Bring back the arrows and the seed that the chosen variant was sampled with"""

    bl_idname = "ipoke.recall_settings"
    bl_label = "Recall Settings"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A variant must be chosen."""
        plate = plates.active(context)
        cls.poll_message_set("Choose a variant first")
        return plate is not None and results.active_variant(plate) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Replace the plate's arrows and seed."""
        plate = plates.active(context)
        asked = plate.jobs[results.active_variant(plate).job_id]
        plate.seed, plate.lock_seed = asked.seed, True
        plate.pokes.clear()
        for number, stored in enumerate(asked.pokes, start=1):
            poke = plate.pokes.add()
            poke.name = f"Poke {number}"
            poke.tail, poke.tip = stored.tail, stored.tip
        plate.active_poke = 0
        return {"FINISHED"}


CLASSES = (IPOKE_OT_choose_variant, IPOKE_OT_show_bake, IPOKE_OT_recall_settings)
