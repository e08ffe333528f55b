"""How the answers of jobs become properties of an object, and what the plane shows of them.

Everything is idempotent. What links data-blocks to one another (a clip on a plane) happens in `sync` alone, whose caller
makes an undo step of it: Blender frees data-blocks at an undo without unlinking them from what no undo step knows.
"""

from __future__ import annotations

from collections.abc import Mapping

import bpy

from .._vendor.client.owned import remove_owned
from ..core.jobs import folders, trusted_paths
from ..core.jobs.job import Clip, Job, JobKind, JobPhase
from ..core.jobs.runtime import Written
from ..core.jobs.settings import Replay
from . import paths, plates, sampling, sequences, timing
from .properties import IPOKE_PG_job, IPOKE_PG_plate, IPOKE_PG_variant

OUTCOMES = {JobPhase.FAILED, JobPhase.CANCELLED}


def sync(job: Job, follow: bool) -> bool:
    """Bring the object to what is on disk for a job; returns whether that is worth an undo step.

    With `follow`, the plane turns to the job's first variant.
    """
    obj = plates.find(job.target)
    if obj is None:
        return False
    plate = obj.ipoke
    if job.kind is JobKind.MESH:
        plate.message = job.sentence if job.phase in OUTCOMES else plate.message
        return job.ended
    before = plate.clip, plate.shown
    frames = _shown_frames(plate)
    _record(plate, job)
    if job.ended:
        plate.message = job.sentence if job.phase in OUTCOMES else job.warning
    if job.clips and (job.phase is JobPhase.FINISHED if job.kind is JobKind.BAKE else follow):
        plate.active_variant = _position(plate, job.source or job.job_id, job.clips[0].variant)
        plate.shown = "BAKE" if job.kind is JobKind.BAKE else "VARIANT"
    if job.kind is JobKind.BAKE and job.phase is JobPhase.FINISHED:
        refresh(obj)
        if plate.clip is not None:
            plate.clip.reload()  # the same files may have been made anew
    elif _shown_frames(plate) != frames:
        refresh(obj)
    return job.ended or before != (plate.clip, plate.shown)


def restore(job: Job) -> None:
    """Bring back what an undo or an older file does not know of a job; changes nothing that is shown."""
    obj = plates.find(job.target)
    if obj is not None:
        _record(obj.ipoke, job)


def active_variant(plate: IPOKE_PG_plate) -> IPOKE_PG_variant | None:
    """Return the chosen variant, if the file still has the job that made it."""
    index = plate.active_variant
    variant = plate.variants[index] if 0 <= index < len(plate.variants) else None
    return variant if variant is not None and variant.job_id in plate.jobs else None


def show_active(obj: bpy.types.Object, shown: str) -> None:
    """Put the chosen variant on the plane, or its bake; without one, the still. Where its file is missing, nothing changes."""
    plate = obj.ipoke
    variant = active_variant(plate)
    if variant is None:
        sequences.show_still(obj)
        return
    job = paths.folder(plate, variant.job_id)
    baked = shown == "BAKE"
    file = paths.baked_file(job, variant) if baked else folders.first_frame(folders.variant_folder(job, variant.index))
    if not trusted_paths.is_file(file):
        plate.message = f"{variant.name} is not where this file says; Find Missing Results looks for it"
    elif baked:
        sequences.show_clip(obj, file, variant.baked_frames, shown, variant.baked_first, variant.baked_colour)
    else:
        sequences.show_clip(obj, file, variant.frames, shown)


def replay_of(job: IPOKE_PG_job) -> Replay:
    """Return the motion that a job replayed."""
    return Replay(job.kinematics, job.strength, job.mirror)


def missing(plate: IPOKE_PG_plate) -> list[IPOKE_PG_job]:
    """Return the jobs whose files are not where they should be."""
    waiting = {variant.job_id for variant in plate.variants if variant.complete}
    return [job for job in plate.jobs if job.name in waiting and not trusted_paths.is_folder(paths.stored_folder(job))]


def delete_active(obj: bpy.types.Object) -> None:
    """Take the chosen variant out of the list and show another of its job, or else the still.

    Its files stay: an undo must find them.
    """
    plate = obj.ipoke
    gone = active_variant(plate)
    job_id, was_shown = gone.job_id, plate.shown
    plate.deleted.add().name = _key(job_id, gone.index)
    plate.variants.remove(plate.active_variant)
    others = [index for index, variant in enumerate(plate.variants) if variant.job_id == job_id]
    plate.active_variant = min(others, key=lambda index: abs(index - plate.active_variant), default=-1)
    if not others:
        plate.jobs.remove(plate.jobs.find(job_id))
    if was_shown != "STILL":
        show_active(obj, "VARIANT")


def _key(job_id: str, index: int) -> str:
    return f"{job_id}/{index}"


def _shown_frames(plate: IPOKE_PG_plate) -> tuple[str, int, int, int]:
    """What the timing of the plane depends on."""
    variant = active_variant(plate)
    frames = (0, 0) if variant is None else (variant.frames, variant.baked_frames)
    return plate.shown, plate.active_variant, *frames


def drop_live(job: Job) -> set[str]:
    """Forget the live previews that this one takes the place of; returns their ids. Undo steps still name their files."""
    obj = plates.find(job.target)
    if obj is None:
        return set()
    plate = obj.ipoke
    older = {entry.name for entry in plate.jobs if entry.live and entry.name != job.job_id}
    for job_id in older:
        for index in reversed([i for i, variant in enumerate(plate.variants) if variant.job_id == job_id]):
            plate.variants.remove(index)
        plate.jobs.remove(plate.jobs.find(job_id))
        plate.deleted.add().name = job_id
    return older


def sweep(dropped: set[str], written: Mapping[str, Written]) -> None:
    """Remove what this session wrote for previews that no object of the file names any more."""
    named = {job.name for obj in bpy.data.objects for job in obj.ipoke.jobs}
    for job_id in dropped - named:
        ours = written.get(job_id)
        if ours is not None and trusted_paths.is_below(ours.folder, ours.folder.parents[1]):
            remove_owned(ours.folder, ours.files)


def refresh(obj: bpy.types.Object) -> None:
    """Bring the timing of what is shown up to date."""
    if obj.ipoke.shown != "STILL" and plates.is_own(obj):
        show_active(obj, obj.ipoke.shown)


def _record(plate: IPOKE_PG_plate, job: Job) -> None:
    if job.kind in (JobKind.EXTRACT, JobKind.MESH):
        return
    if job.kind is JobKind.BAKE:
        _record_bake(plate, job)
        return
    deleted = {gone.name for gone in plate.deleted}
    clips = [clip for clip in job.clips if _key(job.job_id, clip.variant) not in deleted]
    if job.job_id in deleted or (job.ended and job.clips and not clips):
        return
    _ensure_entry(plate, job)
    known = {variant.index: variant for variant in plate.variants if variant.job_id == job.job_id}
    for clip in clips:
        if clip.variant in known:
            _record_clip(known[clip.variant], clip)
    for clip in clips:
        if clip.variant not in known:
            _record_clip(_new_variant(plate, job.job_id, clip.variant), clip)
    if job.ended:
        _drop_missing(plate, job)


def _record_bake(plate: IPOKE_PG_plate, job: Job) -> None:
    if job.phase is not JobPhase.FINISHED or job.delivery is None:
        return
    variant = _variant(plate, job.source, job.request.first)
    if variant is None:
        return
    variant.baked_frames = job.clips[0].frames
    variant.baked_first = job.delivery.names.first
    variant.baked_colour = job.delivery.colour
    first = job.delivery.first_file
    home = paths.folder(plate, job.source)
    inside = first.is_relative_to(home)
    variant.baked_file = first.relative_to(home).as_posix() if inside else sequences.blend_path(first)


def _ensure_entry(plate: IPOKE_PG_plate, job: Job) -> None:
    known = plate.jobs.get(job.job_id)
    if known is None:
        known = plate.jobs.add()
        known.name = job.job_id
        known.folder = sequences.blend_path(job.folder)
        sampling.keep(known, job.request.sampling)
        known.model = job.request.model or ""
        known.samples = job.settings.samples
        known.still_frame = job.settings.still_frame
        known.live = job.kind is JobKind.LIVE
        known.kinematics, known.mirror = job.settings.replay.kinematics, job.settings.replay.mirror
        known.strength = job.settings.replay.strength
        known.free_ground = job.settings.free_ground
        timing.store(known, job.settings.playback)
        known.use_region = job.settings.region is not None
        if job.settings.region is not None:
            box = job.settings.region
            known.region = box.left, box.top, box.right, box.bottom
        plates.store_pokes(known.pokes, job.settings.pokes)
        plates.store_thing(known.thing, job.settings.thing)
    if job.summary is not None and not known.plate_sha256:
        known.model = job.summary.model.name
        known.plate_sha256 = job.summary.plate_sha256
        known.thing_sha256 = job.thing_sha256
        known.group = job.settings.key(job.summary.plate_sha256, job.summary.model.name, job.thing_sha256)
        known.region_px = job.summary.region_px


def _new_variant(plate: IPOKE_PG_plate, job_id: str, index: int) -> IPOKE_PG_variant:
    variant = plate.variants.add()
    variant.job_id = job_id
    variant.index = index
    variant.name = f"Variant {index + 1}"
    return variant


def _record_clip(variant: IPOKE_PG_variant, clip: Clip) -> None:
    if (variant.frames, variant.complete) != (clip.frames, clip.complete):
        variant.frames = clip.frames
        variant.complete = clip.complete


def _drop_missing(plate: IPOKE_PG_plate, job: Job) -> None:
    """Forget the variants that a job did not bring to an end, and the job when it left nothing."""
    present = {clip.variant for clip in job.clips}
    active = active_variant(plate)
    chosen = None if active is None else (active.job_id, active.index)
    for index in reversed(range(len(plate.variants))):
        variant = plate.variants[index]
        if variant.job_id == job.job_id and variant.index not in present:
            plate.variants.remove(index)
    plate.active_variant = -1 if chosen is None else _position(plate, *chosen)
    if plate.active_variant < 0 and plate.shown != "STILL":
        sequences.show_still(plate.id_data)
    if not present:
        plate.jobs.remove(plate.jobs.find(job.job_id))


def _variant(plate: IPOKE_PG_plate, job_id: str, index: int) -> IPOKE_PG_variant | None:
    position = _position(plate, job_id, index)
    return None if position < 0 else plate.variants[position]


def _position(plate: IPOKE_PG_plate, job_id: str, index: int) -> int:
    return next((i for i, known in enumerate(plate.variants) if known.job_id == job_id and known.index == index), -1)
