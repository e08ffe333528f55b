"""Owns how the answers of jobs become properties of an object, and what the plane shows of them.

Everything is idempotent. What links data-blocks to one another (a clip on a plane) happens in `sync` alone, whose caller
makes an undo step of it: Blender frees data-blocks at an undo without unlinking them from what no undo step knows.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from . import plates, sequences
from .core import folders
from .core.jobs import Clip, Job, JobKind, JobPhase

if TYPE_CHECKING:
    from .properties import IPOKE_PG_job, IPOKE_PG_plate, IPOKE_PG_variant

OUTCOMES = {JobPhase.FAILED, JobPhase.CANCELLED}


def root() -> Path:
    """Return where new results go: beside the .blend, or a folder of the add-on until it is saved."""
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / folders.RESULTS
    return unsaved_root()


def unsaved_root() -> Path:
    """Return where results wait for the file's first save."""
    return Path(bpy.utils.extension_path_user(__package__, path="results", create=True))


def sync(job: Job, follow: bool) -> bool:
    """Bring the object to what is on disk for a job; returns whether that is worth an undo step.

    With `follow`, the plane turns to the job's first variant.
    """
    obj = plates.find(job.target)
    if obj is None:
        return False
    plate = obj.ipoke
    before = plate.clip, plate.shown
    _record(plate, job)
    if job.ended:
        plate.message = job.sentence if job.phase in OUTCOMES else ""
    if job.clips and (follow if job.kind is JobKind.SAMPLE else job.phase is JobPhase.FINISHED):
        plate.active_variant = _position(plate, job.source or job.job_id, job.clips[0].variant)
        plate.shown = "VARIANT" if job.kind is JobKind.SAMPLE else "BAKE"
    refresh(obj)
    return job.ended or before != (plate.clip, plate.shown)


def restore(job: Job) -> None:
    """Bring back what an undo or an older file does not know of a job; changes nothing that is shown."""
    obj = plates.find(job.target)
    if obj is not None:
        _record(obj.ipoke, job)


def folder(plate: IPOKE_PG_plate, job_id: str) -> Path:
    """Return a job's folder."""
    return stored_folder(plate.jobs[job_id])


def stored_folder(job: IPOKE_PG_job) -> Path:
    """Return the folder that a job's entry names."""
    return Path(os.path.normpath(bpy.path.abspath(job.folder)))


def active_variant(plate: IPOKE_PG_plate) -> IPOKE_PG_variant | None:
    """Return the chosen variant."""
    index = plate.active_variant
    return plate.variants[index] if 0 <= index < len(plate.variants) else None


def show_active(obj: bpy.types.Object, shown: str) -> None:
    """Put the chosen variant on the plane, or its bake; without one, the still."""
    plate = obj.ipoke
    variant = active_variant(plate)
    if variant is None:
        sequences.show_still(obj)
        return
    job = folder(plate, variant.job_id)
    if shown == "BAKE":
        baked = folders.variant_folder(folders.bake_folder(job), variant.index)
        sequences.show_clip(obj, baked, variant.baked_frames, shown)
    else:
        sequences.show_clip(obj, folders.variant_folder(job, variant.index), variant.frames, shown)


def refresh(obj: bpy.types.Object) -> None:
    """Bring the timing of what is shown up to date."""
    if obj.ipoke.shown != "STILL":
        show_active(obj, obj.ipoke.shown)


def _record(plate: IPOKE_PG_plate, job: Job) -> None:
    if job.kind is JobKind.BAKE:
        for clip in job.clips:
            variant = _variant(plate, job.source, clip.variant)
            if variant is not None and clip.complete:
                variant.baked_frames = clip.frames
        return
    _ensure_entry(plate, job)
    for clip in job.clips:
        _record_clip(plate, job.job_id, clip)
    if job.ended:
        _drop_missing(plate, job)


def _ensure_entry(plate: IPOKE_PG_plate, job: Job) -> None:
    known = plate.jobs.get(job.job_id)
    if known is None:
        known = plate.jobs.add()
        known.name = job.job_id
        known.folder = sequences.blend_path(job.folder)
        known.seed = job.request.seed
        known.model = job.request.model or ""
        for poke in job.request.pokes:
            stored = known.pokes.add()
            stored.tail = poke.x, poke.y
            stored.tip = poke.x + poke.dx, poke.y + poke.dy
    if job.summary is not None:
        known.model = job.summary.model.name
        known.plate_sha256 = job.summary.plate_sha256
        known.region_px = job.summary.region_px


def _record_clip(plate: IPOKE_PG_plate, job_id: str, clip: Clip) -> None:
    variant = _variant(plate, job_id, clip.variant)
    if variant is None:
        variant = plate.variants.add()
        variant.job_id = job_id
        variant.index = clip.variant
        variant.name = f"Variant {clip.variant + 1}"
    variant.frames = clip.frames
    variant.complete = clip.complete


def _drop_missing(plate: IPOKE_PG_plate, job: Job) -> None:
    """Forget the variants that a job did not bring to an end, and the job when it left nothing."""
    kept = {clip.variant for clip in job.clips}
    active = active_variant(plate)
    chosen = None if active is None else (active.job_id, active.index)
    for index in reversed(range(len(plate.variants))):
        variant = plate.variants[index]
        if variant.job_id == job.job_id and variant.index not in kept:
            plate.variants.remove(index)
    plate.active_variant = -1 if chosen is None else _position(plate, *chosen)
    if plate.active_variant < 0 and plate.shown != "STILL":
        sequences.show_still(plate.id_data)
    if not kept:
        plate.jobs.remove(plate.jobs.find(job.job_id))


def _variant(plate: IPOKE_PG_plate, job_id: str, index: int) -> IPOKE_PG_variant | None:
    position = _position(plate, job_id, index)
    return None if position < 0 else plate.variants[position]


def _position(plate: IPOKE_PG_plate, job_id: str, index: int) -> int:
    return next((i for i, known in enumerate(plate.variants) if known.job_id == job_id and known.index == index), -1)
