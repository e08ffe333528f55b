"""The operators that ask the backend for variants, and that cancel."""

import hashlib
import secrets
from dataclasses import replace
from pathlib import Path

import bpy
from bpy.props import FloatProperty

from .._vendor.client import OutputSize, SampleRequest, new_job_id
from .._vendor.client.owned import read_regular
from .._vendor.ipoke_values.sampling import MOST_LIKES
from .._vendor.protocol import limits
from ..core.errors import AddonError, PlateError, PokeError
from ..core.german import CONTEXT
from ..core.gestures import region
from ..core.jobs import app, folders
from ..core.jobs.job import Job, JobKind, JobPhase
from ..core.jobs.settings import NOTHING_DRAWN, Replay
from ..scene import migration, paths, plates, results, stills, timing
from ..scene import sampling as stored
from ..scene.properties import IPOKE_PG_job, IPOKE_PG_plate
from ..scene.sampling import MAX_SEED
from ..session import finding, model_choice, motion_library, running, timer
from .reasons import BUSY, has_arrow, has_plate, has_whole_variant, holds

NO_REPLAY = Replay()
CHAINED = "The chosen variant is a chain of several motions; choose one that was sampled with Chain at 1"


def run(operator: bpy.types.Operator, job: Job) -> set[str]:
    """Hand a job over; without a window, wait for its end and report how it went."""
    timer.dispatch(app.JobAsked(job))
    if not bpy.app.background:
        return {"FINISHED"}
    timer.drive(lambda: running.outcome(job.job_id) is not None)
    ended = running.outcome(job.job_id)
    if ended is not None and ended.phase is JobPhase.FINISHED:
        if ended.warning:
            operator.report({"WARNING"}, ended.warning)
        return {"FINISHED"}
    operator.report({"ERROR"}, ended.sentence if ended is not None else "The job was forgotten")
    return {"CANCELLED"}


class _Samples:
    """What the operators that sample share."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be an enabled poke, and no job of this plate on its way."""
        return (
            has_plate(cls, context)
            and has_arrow(cls, plates.active(context))
            and holds(cls, not _held_up(context.active_object), BUSY)
        )

    def _ask(self, obj: bpy.types.Object, recalled: IPOKE_PG_job | None = None) -> set[str]:
        try:
            job = new_job(obj, recalled=recalled)
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        for live in running.open_jobs(obj):  # its last clips may come now, and change what `recalled` points to
            timer.dispatch(app.CancelAsked(live.job_id))
        return run(self, job)


class IPOKE_OT_sample(_Samples, bpy.types.Operator):
    """Ask for several variants of how the plate reacts to its pokes"""

    bl_idname = "ipoke.sample"
    bl_label = "Sample"
    bl_translation_context = CONTEXT

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask."""
        obj = context.active_object
        if not obj.ipoke.lock_seed:
            obj.ipoke.seed = secrets.randbelow(MAX_SEED)
        return self._ask(obj)


class IPOKE_OT_reroll(_Samples, bpy.types.Operator):
    """Ask for other variants of the same settings: the next seed, and nothing else changed"""

    bl_idname = "ipoke.reroll"
    bl_label = "Re-roll"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Bring the chosen variant's settings back, take a new seed, ask."""
        obj = context.active_object
        plate, variant = obj.ipoke, results.active_variant(obj.ipoke)
        job = None if variant is None else plate.jobs.get(variant.job_id)
        locked = plate.lock_seed
        if job is not None:
            recall(plate, job)
        plate.seed, plate.lock_seed = secrets.randbelow(MAX_SEED), locked
        return self._ask(obj, job)


def recall(plate: IPOKE_PG_plate, job: IPOKE_PG_job) -> None:
    """Set everything as it was set when a job was asked for."""
    if job.kinematics:  # nothing was drawn, so there was no seed
        plate.replay_strength, plate.replay_mirror = job.strength, job.mirror
        plate.like.clear()
    else:
        plate.model = job.model
        plate.samples = job.samples or plate.samples
        stored.recall(plate, stored.of_job(job))
    plates.store_pokes(plate.pokes, plates.poke_settings(job.pokes))
    plate.active_poke = min(max(plate.active_poke, 0), len(plate.pokes) - 1)
    plate.region, plate.use_region = job.region, job.use_region
    plate.still_frame = job.still_frame
    plate.free_ground = job.free_ground
    timing.set_timing(plate.timing, timing.of_job(job))
    plates.store_thing(plate.thing, plates.thing_setting(job.thing))


class IPOKE_OT_more_like_this(_Samples, bpy.types.Operator):
    """Ask for variants that are like the chosen one and differ from it a little; the arrows become what it was made with"""

    bl_idname = "ipoke.more_like_this"
    bl_label = "More Like This"

    amount: FloatProperty(
        name="Difference",
        description="How far from the chosen variant they may be; 0 takes what is set on the plate",
        min=0.0,
        max=1.0,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A variant must be chosen that was drawn."""
        if not has_whole_variant(cls, context):
            return False
        plate = plates.active(context)
        drawn = not plate.jobs[results.active_variant(plate).job_id].kinematics
        if not holds(cls, drawn, "The chosen variant replays a motion; choose one that was sampled"):
            return False
        return holds(cls, is_one_clip(plate), CHAINED) and super().poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Bring the variant's settings back, ask for what is near to it, and let later samples be free of it."""
        obj = context.active_object
        plate, variant = obj.ipoke, results.active_variant(obj.ipoke)
        job = plate.jobs[variant.job_id]
        like = stored.of_job(job).like_variant(variant.index, self.amount or plate.difference)
        if len(like) > MOST_LIKES:
            self.report({"ERROR"}, f"This is like one like one, {MOST_LIKES} times over; sample anew and choose from that")
            return {"CANCELLED"}
        locked = plate.lock_seed
        recall(plate, job)
        plate.seed, plate.lock_seed = secrets.randbelow(MAX_SEED), locked
        stored.set_like(plate, like)
        outcome = self._ask(obj, job)
        plate.like.clear()
        return outcome


class IPOKE_OT_forget_like(bpy.types.Operator):
    """Sample freely again, not near to a variant"""

    bl_idname = "ipoke.forget_like"
    bl_label = "Sample Freely"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Samples must be bound to a variant."""
        return has_plate(cls, context) and holds(cls, plates.active(context).like, "Samples are free already")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget the variant."""
        plates.active(context).like.clear()
        return {"FINISHED"}


class IPOKE_OT_cancel(bpy.types.Operator):
    """Stop what is being made for this plate; variants that are whole stay"""

    bl_idname = "ipoke.cancel"
    bl_label = "Cancel"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something must be on its way."""
        making = context.active_object is not None and running.open_jobs(context.active_object)
        return holds(cls, making, "Nothing is being made for this plate")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel the plate's open jobs."""
        for job in running.open_jobs(context.active_object):
            timer.dispatch(app.CancelAsked(job.job_id))
        return {"FINISHED"}


def _held_up(obj: bpy.types.Object) -> bool:
    """A live preview makes room; everything else is waited for."""
    return any(job.kind is not JobKind.LIVE for job in running.open_jobs(obj))


def is_one_clip(plate: IPOKE_PG_plate) -> bool:
    """Return whether the chosen variant is one motion, which others can be like and which can be taken out of it."""
    job = plate.jobs[results.active_variant(plate).job_id]
    return not job.is_timed or job.timing.chain == 1


def new_job(
    obj: bpy.types.Object,
    kind: JobKind = JobKind.SAMPLE,
    replay: Replay = NO_REPLAY,
    recalled: IPOKE_PG_job | None = None,
) -> Job:
    """Return the job that an object's settings ask for; raises `AddonError`.

    Its still is what the plane shows, and its thing is found anew; for settings of a `recalled` job both are that job's.

    A live one has one variant, and so has one that replays the motion of a kinematics file.
    """
    migration.upgrade()  # nothing tells of a linked plate that was made local
    plate = plates.adopt(obj)
    if recalled is None:
        stills.take(obj)
    playback = timing.asked(obj, bpy.context.scene, replays=bool(replay.kinematics))
    settings = replace(plates.settings(plate), playback=playback)
    if playback is not None and playback.chain > 1 and settings.sampling.like:
        raise PokeError("What is like a variant is one motion; set Chain to 1, or let samples be free again.")
    if kind is JobKind.LIVE or replay.kinematics:
        settings = replace(settings, samples=1, replay=replay, sampling=replace(settings.sampling, like=()))
    if replay.kinematics:
        settings = replace(settings, model="", sampling=NOTHING_DRAWN)  # the motion says which model made it
    pokes = settings.asked
    if settings.region is not None:
        region.check_pokes(settings.region, pokes)
    model = None if replay.kinematics else model_choice.asked(plate)  # the backend knows what the motion's own takes
    arrows = sum(not poke.is_pin for poke in pokes)
    if model is not None and arrows > model.max_pokes:
        raise PokeError(f"{model.name} takes {model.max_pokes} pokes at most; disable some of the {arrows} arrows.")
    target = plates.target(obj)
    job_id = new_job_id()
    request = SampleRequest(
        job_id=job_id,
        plate=stills.read(plate.still, settings.still_frame),
        plate_name=stills.name(plate.still, settings.still_frame),
        pokes=pokes,
        region=None if settings.region is None else region.to_region(settings.region, plates.size_px(plate)),
        samples=settings.samples,
        sampling=settings.sampling,
        free_ground=settings.free_ground,
        model=settings.model or None,
        kinematics=motion_library.read(Path(replay.kinematics)) if replay.kinematics else None,
        mirror=replay.mirror,
        size=OutputSize.PREVIEW,
        playback=playback,
        thing=None if recalled is None else mask_of_job(plate, recalled),
        whole_region=settings.whole_region,
        upright=False,  # Blender shows a JPEG as it is stored, without turning it
    )
    folder = folders.job_folder(paths.root(), plate.still.name, job_id)
    if recalled is not None:
        return Job(request, kind, target, folder, settings=settings, thing_sha256=recalled.thing_sha256)
    asked = finding.question_for(obj, long_side_px=0)
    return Job(request, kind, target, folder, settings=settings, question=None if asked is None else asked.request)


def mask_of_job(plate: IPOKE_PG_plate, job: IPOKE_PG_job) -> bytes | None:
    """Return the mask of what a job moved, None where it moved no thing; raises `PlateError` where its file is missing."""
    if not job.thing_sha256:
        return None
    file = paths.thing_file(plate, job.name)
    try:
        mask = read_regular(file, limits.RAW_BYTES)
    except (OSError, ValueError):
        mask = b""
    if hashlib.sha256(mask).hexdigest() != job.thing_sha256:
        raise PlateError(f"The mask {file} of what this variant moves is missing or was changed; bring it back, or sample again.")
    return mask


CLASSES = (IPOKE_OT_sample, IPOKE_OT_reroll, IPOKE_OT_more_like_this, IPOKE_OT_forget_like, IPOKE_OT_cancel)
