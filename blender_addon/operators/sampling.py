"""Owns the operators that ask the backend for variants, and that cancel."""

import secrets

import bpy

from .. import plates, pump, results
from .._vendor.client import OutputSize, SampleRequest, new_job_id
from ..core import app, folders
from ..core.errors import AddonError, PokeError
from ..core.jobs import Job, JobKind, JobPhase
from ..core.pokes import Arrow, to_poke
from ..properties import MAX_SEED, IPOKE_PG_plate


def enabled_pokes(plate: IPOKE_PG_plate) -> list[bpy.types.PropertyGroup]:
    """Return the pokes that take part."""
    return [poke for poke in plate.pokes if poke.enabled]


def open_jobs(obj: bpy.types.Object) -> list[Job]:
    """Return the jobs of an object that have not ended."""
    return [job for job in pump.state().jobs if plates.find(job.target) == obj]


def run(operator: bpy.types.Operator, job: Job) -> set[str]:
    """Hand a job over; without a window, wait for its end and report how it went."""
    pump.dispatch(app.JobAsked(job))
    if not bpy.app.background:
        return {"FINISHED"}
    pump.drive(lambda: pump.outcome(job.job_id) is not None)
    ended = pump.outcome(job.job_id)
    if ended is not None and ended.phase is JobPhase.FINISHED:
        return {"FINISHED"}
    operator.report({"ERROR"}, ended.sentence if ended is not None else "The job was forgotten")
    return {"CANCELLED"}


class IPOKE_OT_sample(bpy.types.Operator):
    """Ask for several variants of how the plate reacts to its pokes"""

    bl_idname = "ipoke.sample"
    bl_label = "Sample"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be an enabled poke, and no job of this plate on its way."""
        plate = plates.active(context)
        if plate is None:
            cls.poll_message_set("Select an image plane")
            return False
        if not enabled_pokes(plate):
            cls.poll_message_set("Draw an arrow on the plate with the Poke tool first")
            return False
        cls.poll_message_set("This plate is being sampled; wait or cancel")
        return not open_jobs(context.active_object)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask."""
        obj = context.active_object
        if not obj.ipoke.lock_seed:
            obj.ipoke.seed = secrets.randbelow(MAX_SEED)
        try:
            job = _job(obj)
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return run(self, job)


class IPOKE_OT_cancel(bpy.types.Operator):
    """Stop what is being made for this plate; variants that are whole stay"""

    bl_idname = "ipoke.cancel"
    bl_label = "Cancel"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something must be on its way."""
        cls.poll_message_set("Nothing is being made for this plate")
        return context.active_object is not None and bool(open_jobs(context.active_object))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel the plate's open jobs."""
        for job in open_jobs(context.active_object):
            pump.dispatch(app.CancelAsked(job.job_id))
        return {"FINISHED"}


def _job(obj: bpy.types.Object) -> Job:
    plate = plates.adopt(obj)
    pokes = tuple(to_poke(Arrow(tuple(poke.tail), tuple(poke.tip)), poke.strength) for poke in enabled_pokes(plate))
    info = pump.state().backend.info
    if info is not None and info.models and len(pokes) > info.models[0].max_pokes:
        model = info.models[0]
        raise PokeError(f"{model.name} takes {model.max_pokes} pokes at most; disable some of the {len(pokes)} arrows.")
    target = plates.target(obj)
    job_id = new_job_id()
    request = SampleRequest(
        job_id=job_id,
        plate=plates.read(plate.still),
        plate_name=plate.still.name,
        pokes=pokes,
        region=None,
        samples=plate.samples,
        seed=plate.seed,
        size=OutputSize.PREVIEW,
        upright=False,  # Blender shows a JPEG as it is stored, without turning it
    )
    return Job(request, JobKind.SAMPLE, target, folders.job_folder(results.root(), plate.still.name, job_id))


CLASSES = (IPOKE_OT_sample, IPOKE_OT_cancel)
