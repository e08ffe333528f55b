"""Owns where results live over the life of a file: moved beside it on its first save, found again after Save As."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import bpy

from . import placing, pump, results, sequences
from .core import folders
from .core.errors import FolderError
from .properties import IPOKE_PG_job, IPOKE_PG_variant

log = logging.getLogger(__name__)


def before_save(home: Path) -> None:
    """Move what waits for the first save beside the file, and write the jobs' paths as the saved file needs them."""
    waiting = results.unsaved_root()
    running = {name for job in pump.state().jobs for name in (job.job_id, job.source)}
    remembered = pump.addon().job_folders
    for job in _jobs():
        folder = results.stored_folder(job)
        if folder.is_relative_to(waiting) and job.name not in running:
            moved = _moved(folder, home / folders.RESULTS / folder.relative_to(waiting))
            _repoint(folder, moved, home)
            folder = moved
        remembered[job.name] = folder
        job.folder = _stored(folder, home)
    for variant in _baked_elsewhere():
        remembered[_key(variant)] = results.baked_file(Path(), variant)
        variant.baked_file = _stored(remembered[_key(variant)], home)


def after_save() -> None:
    """Write the jobs' paths as they are right for the open file, which a saved copy is not."""
    remembered = pump.addon().job_folders
    for job in _jobs():
        folder = remembered.get(job.name)
        if folder is not None:
            job.folder = sequences.blend_path(folder)
            if not bpy.data.filepath:
                _repoint(folder, folder, None)
    for variant in _baked_elsewhere():
        file = remembered.get(_key(variant))
        if file is not None:
            variant.baked_file = sequences.blend_path(file)
    remembered.clear()


def _moved(old: Path, new: Path) -> Path:
    try:
        folders.move(old, new)
    except FolderError as error:
        log.warning("%s", error.sentence)
        return old
    return new


def _repoint(old: Path, new: Path, home: Path | None) -> None:
    """Let the clips on planes, in the compositor and in the sequencer follow their job's folder."""
    for image in bpy.data.images:
        path = Path(os.path.normpath(bpy.path.abspath(image.filepath)))
        if image.source == "SEQUENCE" and path.is_relative_to(old):
            image.filepath = _stored(new / path.relative_to(old), home)
    for scene in bpy.data.scenes:
        for strip in placing.image_strips(scene):
            path = Path(os.path.normpath(bpy.path.abspath(strip.directory)))
            if path.is_relative_to(old):
                strip.directory = _stored(new / path.relative_to(old), home)


def _stored(path: Path, home: Path | None) -> str:
    try:
        return str(path) if home is None else "//" + Path(os.path.relpath(path, home)).as_posix()
    except ValueError:  # another drive
        return str(path)


def _baked_elsewhere() -> Iterator[IPOKE_PG_variant]:
    """Yield the variants whose bake is not in their job's folder."""
    for obj in bpy.data.objects:
        for variant in obj.ipoke.variants:
            if variant.baked_file.startswith("//") or Path(variant.baked_file).is_absolute():
                yield variant


def _key(variant: IPOKE_PG_variant) -> str:
    return f"{variant.job_id}/{variant.index}"


def _jobs() -> Iterator[IPOKE_PG_job]:
    for obj in bpy.data.objects:
        yield from obj.ipoke.jobs
