"""Where results live over the life of a file: moved beside it on its first save, found again after Save As."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import bpy

from ..core.errors import FolderError
from ..core.jobs import folders, results_folder, trusted_paths
from ..core.lifetime import WhileEnabled
from ..scene import paths, plates, sequences, strips_and_nodes
from ..scene.properties import IPOKE_PG_job, IPOKE_PG_variant
from . import arrivals, running

log = logging.getLogger(__name__)

saving = WhileEnabled(dict[tuple[str, ...], Path])
"""While a file is being saved: the folder of each job, and the first file of each bake that is not in one, by their owners."""


def before_save(home: Path) -> None:
    """Bring what waits for the first save beside the file, and write the jobs' paths as the saved file needs them."""
    open_ids = {name for job in running.state().jobs for name in (job.job_id, job.source)}
    found, moved = saving(), dict[Path, Path]()
    for job in _jobs():
        folder = paths.stored_folder(job)
        if folder == trusted_paths.NOWHERE:
            continue  # what it says is somebody else's business
        if job.name not in open_ids:
            folder = _beside(folder, job.name, home, moved)
        found[_key(job)] = folder
        job.folder = _stored(folder, home)
        arrivals.state().saved.add(job.name)
    for variant in _baked_elsewhere():
        file = paths.baked_file(Path(), variant)
        if file != trusted_paths.NOWHERE:
            found[_key_of_bake(variant)] = file
            variant.baked_file = _stored(file, home)


def after_save() -> None:
    """Write the jobs' paths as they are right for the open file, which a saved copy is not."""
    found = saving()
    for job in _jobs():
        folder = found.get(_key(job))
        if folder is not None:
            job.folder = sequences.blend_path(folder)
            if not bpy.data.filepath:
                _repoint(folder, folder, None)
    for variant in _baked_elsewhere():
        file = found.get(_key_of_bake(variant))
        if file is not None:
            variant.baked_file = sequences.blend_path(file)
    found.clear()


def _beside(old: Path, job_id: str, home: Path, moved: dict[Path, Path]) -> Path:
    """Return where a job's results are for a file in `home`: moved there if they wait for a first save, else where they were.

    Those of another session are copied, as another Blender may still show them.
    """
    waiting = paths.unsaved_root()
    if old in moved or not trusted_paths.is_below(old, waiting) or not trusted_paths.is_folder(old):
        return moved.get(old, old)
    new = home / folders.RESULTS / old.relative_to(waiting)
    ours = running.runtime().written.get(job_id)
    try:
        if ours is not None and ours.folder == old:
            results_folder.move(old, new, ours.files)
        else:
            results_folder.copy(old, new)
    except FolderError as error:
        log.warning("%s", error.sentence)
        return old
    moved[old] = new
    _repoint(old, new, home)
    return new


def _repoint(old: Path, new: Path, home: Path | None) -> None:
    """Let whatever plays files of a job's folder follow it: images, movie clips, strips of the sequencer."""
    for image in (*bpy.data.images, *bpy.data.movieclips):
        path = Path(os.path.normpath(bpy.path.abspath(image.filepath)))
        if image.library is None and path.is_relative_to(old):
            image.filepath = _stored(new / path.relative_to(old), home)
    for scene in bpy.data.scenes:
        for strip in strips_and_nodes.image_strips(scene):
            path = Path(os.path.normpath(bpy.path.abspath(strip.directory)))
            if scene.library is None and path.is_relative_to(old):
                strip.directory = _stored(new / path.relative_to(old), home)


def _stored(path: Path, home: Path | None) -> str:
    try:
        return str(path) if home is None else "//" + Path(os.path.relpath(path, home)).as_posix()
    except ValueError:  # another drive
        return str(path)


def _baked_elsewhere() -> Iterator[IPOKE_PG_variant]:
    """Yield the variants whose bake is not in their job's folder."""
    for obj in _objects():
        for variant in obj.ipoke.variants:
            if variant.baked_file.startswith("//") or Path(variant.baked_file).is_absolute():
                yield variant


def _jobs() -> Iterator[IPOKE_PG_job]:
    for obj in _objects():
        yield from obj.ipoke.jobs


def _objects() -> Iterator[bpy.types.Object]:
    """Yield the objects of this file; the paths of others belong to their own."""
    return (obj for obj in bpy.data.objects if plates.is_own(obj))


def _key(job: IPOKE_PG_job) -> tuple[str, ...]:
    return job.id_data.name, job.name


def _key_of_bake(variant: IPOKE_PG_variant) -> tuple[str, ...]:
    return variant.id_data.name, variant.job_id, str(variant.index)
