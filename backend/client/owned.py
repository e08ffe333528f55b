"""Owns which files in a folder of results are ours: only these are ever removed or replaced. Standard library only.

A file is ours when the folder's manifest (`job.json`, or the writer that made it in this process) names it, it still has the
bytes that we wrote, and no link leads to it. The manifest itself is ours while its seal fits what it says. Everything else in
the folder is somebody's work and stays.
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
from typing import Any, BinaryIO

MANIFEST = "job.json"
MANIFEST_BYTES = 16 * 2**20
_HASH_CHUNK_BYTES = 2**20
_NAME = re.compile(
    r"(variant_\d{2,7}/(frame_\d{4,5}\.(png|exr)|mesh\.pc2)|mesh/((thing|background)\.(png|exr)|thing\.(obj|mtl))"
    r"|passes_\d{2,7}/passes_\d{4,5}\.exr|contact_sheet\.png|thing\.png|preview_\d{2,7}\.\w{3,4})"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SEAL = "seal"


def manifest_of(folder: Path) -> dict[str, str]:
    """Files that the folder's manifest names, with the SHA-256 of what we wrote; empty where there is no manifest of ours."""
    files = _read_manifest(folder).get("files")
    if not isinstance(files, dict):
        return {}
    return {name: sha256 for name, sha256 in files.items() if is_result_name(name) and _is_sha256(sha256)}


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with its seal, a hash over everything else in it, by which a later edit is seen."""
    return {**manifest, _SEAL: _seal_of(manifest)}


def is_sealed(folder: Path) -> bool:
    """Whether the folder's manifest says what we wrote and nothing else."""
    plain = _read_manifest(folder)
    try:
        return _SEAL in plain and not (folder / MANIFEST).is_symlink() and plain[_SEAL] == _seal_of(plain)
    except RecursionError:
        return False


def is_result_name(name: str) -> bool:
    """Whether we give this name, below a folder of results, to a file; the manifest's own is none of them."""
    return _NAME.fullmatch(name) is not None


def is_unchanged(folder: Path, name: str, sha256: str) -> bool:
    """Whether a file is there as we wrote it, reached through no link below `folder`."""
    path = folder / name
    if any(part.is_symlink() for part in (path, *path.parents[: name.count("/")])):
        return False
    digest = hashlib.sha256()
    try:
        with _open_regular(path) as file:
            while chunk := file.read(_HASH_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest() == sha256


def remove_owned(folder: Path, files: Mapping[str, str]) -> bool:
    """Remove files of ours and the folders that are empty then, `folder` too; says whether nothing is left.

    The manifest goes with the last file that it names, unless somebody edited it. A folder that is a link is left alone.
    """
    if folder.is_symlink():
        return False
    kept = [name for name, sha256 in files.items() if not _remove(folder, name, sha256)]
    named = manifest_of(folder)
    if named and not kept and named.items() <= files.items() and not _is_edited(folder):
        with contextlib.suppress(OSError):
            (folder / MANIFEST).unlink()
    for inside in sorted({(folder / name).parent for name in files} | {folder}, reverse=True):
        with contextlib.suppress(OSError):
            inside.rmdir()
    return not folder.exists()


def read_regular(path: Path, most_bytes: int) -> bytes:
    """Bytes of a file; raises OSError for anything else than a file (no waiting on a pipe), ValueError beyond `most_bytes`."""
    with _open_regular(path) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"{path} has more than {most_bytes} bytes")
    return data


def move_new(source: Path, destination: Path) -> None:
    """Move a file to a name that is free; raises FileExistsError where it is not, whoever was faster, and OSError."""
    # A rename would replace what lies there. Whoever makes the name exclusively owns it, and may replace it.
    os.close(os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        os.replace(source, destination)
    except OSError:
        with contextlib.suppress(OSError):
            destination.unlink()
        raise


def _open_regular(path: Path) -> BinaryIO:
    # Without O_NONBLOCK, opening a pipe waits until somebody writes into it.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a file", str(path))
    return os.fdopen(descriptor, "rb")


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        plain = json.loads(read_regular(folder / MANIFEST, MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return plain if isinstance(plain, dict) else {}


def _seal_of(manifest: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in manifest.items() if name != _SEAL}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _is_edited(folder: Path) -> bool:
    return _SEAL in _read_manifest(folder) and not is_sealed(folder)


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


def _is_sha256(text: object) -> bool:
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None
