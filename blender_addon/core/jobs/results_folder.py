"""How a job's results get beside the file: moved when this session made them, copied when another did. No bpy."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from ..._vendor.client.owned import MANIFEST, MANIFEST_BYTES, is_unchanged, manifest_of, read_regular, remove_owned
from ..._vendor.client.results import write_atomically
from ..errors import FolderError
from . import manifests, trusted_paths
from .folders import BAKES, TAKEN


def move(old: Path, new: Path, written: Mapping[str, str]) -> None:
    """Move a job's folder; raises `FolderError`, and leaves it in place, when that fails or something is there already.

    On one drive the folder moves with everything that is in it. To another drive only our own files go: those that a manifest
    names, and `written` ones. What else is in the old folder stays there.
    """
    _refuse_taken(old, new)
    try:
        new.parent.mkdir(parents=True, exist_ok=True)
        os.rename(old, new)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise _immovable(old, new, error) from error
        files = {**written, **contents(old)}
        _copy(old, new, files)
        remove_owned(old, files)
        for folder in (old / BAKES, old / TAKEN, old):
            with contextlib.suppress(OSError):
                folder.rmdir()


def copy(old: Path, new: Path) -> None:
    """Copy the files of a job's folder that manifests of ours name; raises `FolderError`, and leaves nothing, when that fails."""
    _refuse_taken(old, new)
    files = contents(old)
    if not files:
        raise FolderError(f"{old} holds no results that iPOKE knows; they stay there.")
    _copy(old, new, files)


def contents(job: Path) -> dict[str, str]:
    """Return what manifests of ours name in a job's folder, its bakes and meshes, and these manifests, with the hash of each."""
    found = _with_manifest(job)
    for below, files_of in ((TAKEN, _with_manifest), (BAKES, manifests.all_of)):
        for folder in (job / below).glob("*") if trusted_paths.is_folder(job / below) else ():
            found |= {f"{below}/{folder.name}/{name}": sha256 for name, sha256 in files_of(folder).items()}
    return found


def _with_manifest(folder: Path) -> dict[str, str]:
    """What a folder's manifest names, and the manifest itself, with the hash of each; nothing where there is none of ours."""
    found = dict(manifest_of(folder))
    if found:
        found[MANIFEST] = hashlib.sha256(read_regular(folder / MANIFEST, MANIFEST_BYTES)).hexdigest()
    return found


def _copy(old: Path, new: Path, files: Mapping[str, str]) -> None:
    made: dict[str, str] = {}
    try:
        for name in sorted(files, key=lambda name: name.endswith(MANIFEST)):  # manifests last: where one is, all is there
            if is_unchanged(old, name, files[name]):
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(new / name, (old / name).read_bytes())
                made[name] = files[name]
    except OSError as error:
        remove_owned(new, made)
        raise _immovable(old, new, error) from error


def _refuse_taken(old: Path, new: Path) -> None:
    if os.path.lexists(new):
        raise FolderError(f"The results can't be moved to {new}, where something is already; they stay in {old}.")


def _immovable(old: Path, new: Path, error: OSError) -> FolderError:
    return FolderError(f"The results can't be moved to {new}: {error.strerror}; they stay in {old}.")
