"""The operator that turns the chosen variant into geometry, and the way back."""

from __future__ import annotations

from dataclasses import replace

import bpy

from .._vendor.client import IpokeError
from ..core.errors import AddonError
from ..core.jobs import folders
from ..core.jobs.job import Job, JobKind
from ..core.things.thing import Source
from ..scene import meshes, paths, plates, results, timing
from ..session import motion_library, running
from . import baking, sampling
from .reasons import BUSY, has_whole_variant, holds

WHOLE_REGION = "This variant moves its whole region; a mesh is made of a thing, so choose one under Thing and sample again"


class IPOKE_OT_take_as_mesh(bpy.types.Operator):
    """Turn the chosen variant into a mesh that moves, before the plate without the thing; the plate itself is hidden"""

    bl_idname = "ipoke.take_as_mesh"
    bl_label = "Take as Mesh"
    bl_options = {"REGISTER"}  # what comes back is the undo step

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A whole variant of a thing must be chosen, and no job of this plate on its way."""
        if not has_whole_variant(cls, context):
            return False
        plate = plates.active(context)
        asked = plate.jobs[results.active_variant(plate).job_id]
        is_thing = asked.thing.source != Source.REGION
        return holds(cls, is_thing, WHOLE_REGION) and holds(cls, not running.open_jobs(context.active_object), BUSY)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the backend for the variant's body; `taking` builds what comes."""
        try:
            job = _job(context)
        except (AddonError, IpokeError) as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return sampling.run(self, job)


def _job(context: bpy.types.Context) -> Job:
    obj = context.active_object
    plate = obj.ipoke
    variant = results.active_variant(plate)
    asked = plate.jobs[variant.job_id]
    request = baking.request_of(plate, asked, variant, baking.sampled_still(plate, asked))
    playback = timing.of_bake(plate, asked, timing.shot_of(obj, context.scene))
    request = replace(request, playback=playback, mesh=True, frames=False)
    if asked.kinematics:
        request = replace(request, kinematics=motion_library.read(paths.of_blend(asked.kinematics, obj)))
    folder = folders.taken_folder(paths.own_home(plate, asked), request.job_id)
    return Job(request, JobKind.MESH, plates.target(obj), folder, source=asked.name)


class IPOKE_OT_back_to_plate(bpy.types.Operator):
    """Hide the mesh and what is behind it, and show the plate again that they were taken from"""

    bl_idname = "ipoke.back_to_plate"
    bl_label = "Back to the Plate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The active object must have been taken."""
        return holds(cls, meshes.source(context.active_object) is not None, "Select a mesh that was taken from a plate")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Swap what is seen."""
        meshes.put_away(context.active_object)
        return {"FINISHED"}


CLASSES = (IPOKE_OT_take_as_mesh, IPOKE_OT_back_to_plate)
