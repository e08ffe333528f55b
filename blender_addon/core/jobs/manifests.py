"""Which files in a folder of bakes are ours: those that the bake's manifest names, as we wrote them. No bpy.

The manifest is away while frames are moved, so that where there is one all its frames are there. For that time, and for what
is left when it is broken off, a hidden file beside it says the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..._vendor.client.owned import MANIFEST, MANIFEST_BYTES, is_unchanged, read_regular
from ..._vendor.client.results import write_atomically
from . import trusted_paths

_FRAME = re.compile(r"[^/\\]*\d\.(png|exr)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Ours:
    """Names of frames and what each may hash to; `whole` where a manifest of ours names them."""

    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    whole: bool = False


def of_bake(folder: Path, manifest: str) -> Ours:
    """Return what a bake's manifest, and what is left of a bake that was broken off, say is ours in a folder."""
    whole, moving = _read(folder / manifest), _read(_hidden(folder, manifest))
    names = whole.keys() | moving.keys()
    return Ours({name: whole.get(name, frozenset()) | moving.get(name, frozenset()) for name in names}, bool(whole))


def holds(folder: Path, name: str, ours: Ours) -> bool:
    """Return whether a file is there as we wrote it."""
    return any(is_unchanged(folder, name, sha256) for sha256 in ours.hashes.get(name, ()))


def all_of(folder: Path) -> dict[str, str]:
    """Return the frames of all whole bakes in a folder, and their manifests, with the hash of each."""
    found: dict[str, str] = {}
    for manifest in folder.glob(f"*{MANIFEST}") if trusted_paths.is_folder(folder) else ():
        frames = _read(manifest)
        if frames:
            found |= {name: next(iter(hashes)) for name, hashes in frames.items()}
            found[manifest.name] = hashlib.sha256(read_regular(manifest, MANIFEST_BYTES)).hexdigest()
    return found


def begin(folder: Path, manifest: str, ours: Ours, new: Mapping[str, str]) -> None:
    """Note what is ours before a bake replaces another, or what is left of one; raises OSError."""
    both = {name: sorted({*ours.hashes.get(name, ()), *([new[name]] if name in new else [])}) for name in {*ours.hashes, *new}}
    write_atomically(_hidden(folder, manifest), json.dumps({"files": both}).encode())


def end(folder: Path, manifest: str) -> None:
    """Forget the note; the manifest is there."""
    _hidden(folder, manifest).unlink(missing_ok=True)


def _hidden(folder: Path, manifest: str) -> Path:
    return folder / f".{manifest}.moving"


def _read(file: Path) -> dict[str, frozenset[str]]:
    """Frames that a manifest or a note names; nothing where there is none of ours, or a link."""
    plain = None
    with contextlib.suppress(OSError, ValueError, RecursionError):
        plain = None if file.is_symlink() else json.loads(read_regular(file, MANIFEST_BYTES))
    files = plain.get("files") if isinstance(plain, dict) else None
    if not isinstance(files, dict) or not all(_FRAME.fullmatch(name) for name in files):
        return {}
    hashes = {
        name: frozenset([listed] if isinstance(listed, str) else listed) for name, listed in files.items() if _are_hashes(listed)
    }
    return hashes if len(hashes) == len(files) else {}


def _are_hashes(listed: object) -> bool:
    every = [listed] if isinstance(listed, str) else listed
    return isinstance(every, list) and bool(every) and all(isinstance(one, str) and _SHA256.fullmatch(one) for one in every)
