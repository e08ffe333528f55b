"""Where an object's results are: what the file says of that, and below which folders new ones are written."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ..core.jobs import folders, trusted_paths
from ..core.lifetime import WhileEnabled
from . import preferences
from .properties import IPOKE_PG_job, IPOKE_PG_plate, IPOKE_PG_variant

named_folders = WhileEnabled(set[Path])
"""Files that were opened and folders that were chosen since the add-on was enabled: whoever did that knows the machines of
their paths."""


def root() -> Path:
    """Return where new results go: beside the .blend, or a folder of the add-on until it is saved."""
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / folders.RESULTS
    return unsaved_root()


def unsaved_root() -> Path:
    """Return where results wait for the file's first save."""
    return Path(bpy.utils.extension_path_user(preferences.ADDON, path="results", create=True))


def roots() -> tuple[Path, ...]:
    """Return the folders below which files of this add-on's may be removed and moved."""
    return root(), unsaved_root()


def of_blend(text: str, owner: bpy.types.ID) -> Path:
    """Return the place that a data-block's path names; `trusted_paths.NOWHERE` for one that can't be or nobody here has named."""
    library = (owner.override_library.reference if owner.override_library is not None else owner).library
    known = [Path(bpy.data.filepath), Path(preferences.get().library_folder), *named_folders()]
    if library is not None:
        known.append(Path(bpy.path.abspath(library.filepath)))
    return trusted_paths.stored(bpy.path.abspath(text, library=library), tuple(known))


def folder(plate: IPOKE_PG_plate, job_id: str) -> Path:
    """Return a job's folder."""
    job = plate.jobs.get(job_id)
    return trusted_paths.NOWHERE if job is None else stored_folder(job)


def stored_folder(job: IPOKE_PG_job) -> Path:
    """Return the folder that a job's entry names; it may be anybody's, so it is only read from."""
    return of_blend(job.folder, job.id_data)


def thing_file(plate: IPOKE_PG_plate, job_id: str) -> Path:
    """Return where the mask of the thing is that a job moved."""
    return folder(plate, job_id) / folders.THING_FILE


def own_home(plate: IPOKE_PG_plate, job: IPOKE_PG_job) -> Path:
    """Return the folder that new files of a job go to: its own where that is below our roots, else a new one there."""
    stored = stored_folder(job)
    if any(trusted_paths.is_below(stored, ours) for ours in roots()):
        return stored
    return folders.job_folder(root(), plate.still.name, job.name)


def baked_file(job_folder: Path, variant: IPOKE_PG_variant) -> Path:
    """Return the first file of a variant's bake."""
    text = variant.baked_file
    inside = not (text.startswith("//") or os.path.isabs(text))
    return of_blend(str(job_folder / text) if inside else text, variant.id_data)
