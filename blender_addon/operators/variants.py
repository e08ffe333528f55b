"""The operators that choose among variants."""

import bpy
from bpy.app.translations import pgettext_iface as tell
from bpy.props import IntProperty

from ..scene import plates, results
from ..session import running
from . import sampling
from .reasons import BUSY, NO_VARIANT, has_plate, has_whole_variant, holds


class IPOKE_OT_choose_variant(bpy.types.Operator):
    """Play this variant on the plane"""

    bl_idname = "ipoke.choose_variant"
    bl_label = "Choose Variant"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(name="Index", description="Which variant of the list, from 0", default=0, min=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be variants."""
        return has_plate(cls, context) and holds(cls, plates.active(context).variants, "Sample first")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put it on the plane."""
        plate = plates.active(context)
        if self.index >= len(plate.variants):
            self.report({"ERROR"}, f"There are {len(plate.variants)} variants; choose one of them")
            return {"CANCELLED"}
        plate.active_variant = self.index
        results.show_active(context.active_object, "VARIANT")
        return {"FINISHED"}


class IPOKE_OT_step_variant(bpy.types.Operator):
    """Play the next variant of the same sample, or the one before it"""

    bl_idname = "ipoke.step_variant"
    bl_label = "Next Variant"
    bl_options = {"REGISTER", "UNDO"}

    step: IntProperty(name="Step", description="How many variants to go on; negative goes back", default=1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be variants."""
        return IPOKE_OT_choose_variant.poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Go round the variants of the chosen one's job."""
        plate = plates.active(context)
        chosen = results.active_variant(plate) or plate.variants[-1]
        together = [i for i, variant in enumerate(plate.variants) if variant.job_id == chosen.job_id]
        here = plate.active_variant if plate.active_variant in together else together[-1]
        plate.active_variant = together[(together.index(here) + self.step) % len(together)]
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
        if not has_whole_variant(cls, context):
            return False
        variant = results.active_variant(plates.active(context))
        return holds(cls, variant.baked_frames, "Bake the chosen variant first")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the bake on the plane."""
        obj = context.active_object
        results.show_active(obj, "BAKE")
        return {"FINISHED"}


class IPOKE_OT_recall_settings(bpy.types.Operator):
    """Bring back the arrows, the region and the seed that the chosen variant was made with, or a replay's strength and mirror"""

    bl_idname = "ipoke.recall_settings"
    bl_label = "Recall Settings"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A variant must be chosen."""
        return has_plate(cls, context) and holds(cls, results.active_variant(plates.active(context)), NO_VARIANT)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Replace the plate's settings."""
        plate = plates.active(context)
        was_locked = plate.lock_seed
        sampling.recall(plate, plate.jobs[results.active_variant(plate).job_id])
        if plate.lock_seed and not was_locked:
            text = "The seed is locked to {seed} now, so that Sample makes the same again; the lock beside it frees it"
            self.report({"INFO"}, tell(text).format(seed=plate.seed))
        return {"FINISHED"}


class IPOKE_OT_start_here(bpy.types.Operator):
    """Let the clip start at the current frame"""

    bl_idname = "ipoke.start_here"
    bl_label = "Start Here"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a plate."""
        return has_plate(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Move the clip."""
        plates.active(context).start_frame = context.scene.frame_current
        return {"FINISHED"}


class IPOKE_OT_show_job(bpy.types.Operator):
    """Show what was sampled with this seed"""

    bl_idname = "ipoke.show_job"
    bl_label = "Show Samples"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(name="Index", description="Which of the plate's jobs, from 0", default=0, min=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be variants."""
        return IPOKE_OT_choose_variant.poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Choose the first variant of the job."""
        plate = plates.active(context)
        job = plate.jobs[self.index] if self.index < len(plate.jobs) else None
        found = next((i for i, known in enumerate(plate.variants) if job is not None and known.job_id == job.name), None)
        if found is None:
            self.report({"ERROR"}, f"There is nothing sampled as number {self.index + 1}; choose from the history")
            return {"CANCELLED"}
        plate.active_variant = found
        results.show_active(context.active_object, "VARIANT")
        return {"FINISHED"}


class IPOKE_OT_delete_variant(bpy.types.Operator):
    """Take the chosen variant out of the list; undo brings it back, until the file is saved and closed"""

    bl_idname = "ipoke.delete_variant"
    bl_label = "Delete Variant"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A whole variant must be chosen."""
        return has_whole_variant(cls, context) and holds(cls, not running.open_jobs(context.active_object), BUSY)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take it out and show its neighbour."""
        results.delete_active(context.active_object)
        return {"FINISHED"}


CLASSES = (
    IPOKE_OT_choose_variant,
    IPOKE_OT_step_variant,
    IPOKE_OT_show_bake,
    IPOKE_OT_recall_settings,
    IPOKE_OT_start_here,
    IPOKE_OT_show_job,
    IPOKE_OT_delete_variant,
)
