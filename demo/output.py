"""Owns the demo's output folder: what a demo made goes before the next one, what anybody else put there stays."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from checks import DemoError

NOTE = "made.json"
FILES = (
    "plate.jpg",
    "scene.blend",
    "renders/frame_*.png",
    "ipoke/*/*/job.json",
    "contact_sheet.png",
    "preview_*.mp4",
    "variants.webp",
)


@contextlib.contextmanager
def own_output(folder: Path) -> Iterator[None]:
    """While entered, whatever appears in the folder is the demo's, and noted in the end; raises DemoError."""
    folder = folder.resolve()
    _remove_last(folder)
    in_the_way = [path for name in FILES for path in folder.glob(name)]
    if in_the_way:
        raise DemoError(f"{in_the_way[0]} is nothing that the last demo noted as its own; move it elsewhere.")
    others = set(_files(folder))
    (folder / "renders").mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        made = {str(path.relative_to(folder)): _sha256(path) for path in _files(folder) if path not in others}
        (folder / NOTE).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def _remove_last(folder: Path) -> None:
    note = folder / NOTE
    if not note.is_file():
        return
    try:
        made = json.loads(note.read_text(encoding="utf-8")).items()
    except (ValueError, AttributeError) as error:
        raise DemoError(f"{note} is no note of a demo; move {folder} elsewhere.") from error
    emptied: set[Path] = set()
    for name, sha256 in made:
        path = folder / name
        if path.parent.resolve() == path.parent and path.is_relative_to(folder) and path.is_file() and _sha256(path) == sha256:
            path.unlink()
            emptied |= {parent for parent in path.parents if parent.is_relative_to(folder) and parent != folder}
    note.unlink()
    for place in sorted(emptied, reverse=True):
        with contextlib.suppress(OSError):  # somebody's file is in it
            place.rmdir()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink())
