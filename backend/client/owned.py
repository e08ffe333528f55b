"""Owns which files in a folder of results are ours: only these are ever removed or replaced. Standard library only.

A file is ours when the folder's manifest (`job.json`, or the writer that made it in this process) names it, it still has the
bytes that we wrote, and no link leads to it. Everything else in the folder is somebody's work and stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

MANIFEST = "job.json"
MANIFEST_BYTES = 64 * 2**20
_HASH_CHUNK_BYTES = 2**20
_NAME = re.compile(
    r"(variant_\d{2,7}/frame_\d{4,5}\.(png|exr)|passes_\d{2,7}/passes_\d{4,5}\.exr|contact_sheet\.png|preview_\d{2,7}\.\w{3,4})"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def manifest_of(folder: Path) -> dict[str, str]:
    """Files that the folder's manifest names, with the SHA-256 of what we wrote; empty where there is no manifest of ours."""
    try:
        plain = json.loads(read_regular(folder / MANIFEST, MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    files = plain.get("files") if isinstance(plain, dict) else None
    if not isinstance(files, dict):
        return {}
    return {name: sha256 for name, sha256 in files.items() if _is_entry(name, sha256)}


def is_unchanged(folder: Path, name: str, sha256: str) -> bool:
    """Whether a file is there as we wrote it, reached through no link below `folder`."""
    path = folder / name
    if any(part.is_symlink() for part in (path, *path.parents[: name.count("/")])):
        return False
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return False
            while chunk := file.read(_HASH_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest() == sha256


def remove_owned(folder: Path, files: Mapping[str, str]) -> bool:
    """Remove files of ours and the folders that are empty then, `folder` too; says whether nothing is left.

    The manifest goes with the last file that it names. A folder that is a link is left alone.
    """
    if folder.is_symlink():
        return False
    kept = [name for name, sha256 in files.items() if not _remove(folder, name, sha256)]
    if not kept and manifest_of(folder).keys() <= files.keys() and (folder / MANIFEST).is_file():
        with contextlib.suppress(OSError):
            (folder / MANIFEST).unlink()
    for inside in sorted({(folder / name).parent for name in files} | {folder}, reverse=True):
        with contextlib.suppress(OSError):
            inside.rmdir()
    return not folder.exists()


def read_regular(path: Path, most_bytes: int) -> bytes:
    """Bytes of a file; raises OSError for anything else than a file (it never waits on a pipe), ValueError beyond `most_bytes`."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a file", str(path))
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"{path} has more than {most_bytes} bytes")
    return data


def _remove(folder: Path, name: str, sha256: str) -> bool:
    """Remove a file of ours; True when it is gone."""
    path = folder / name
    if not is_unchanged(folder, name, sha256):
        return not os.path.lexists(path)
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _is_entry(name: object, sha256: object) -> bool:
    return isinstance(sha256, str) and _SHA256.fullmatch(sha256) is not None and _NAME.fullmatch(str(name)) is not None
