"""Owns the library of kinematics: a folder of motions that were taken from clips, each with a picture, for every file."""

from __future__ import annotations

from pathlib import Path

import bpy

from . import preferences
from ._vendor.client.results import write_atomically
from .core.errors import FolderError
from .core.folders import safe_name

PNG = b"\x89PNG\r\n\x1a\n"
SUFFIX = ".kin.safetensors"


def root() -> Path:
    """Return the library's folder: that of the preferences, or one of the add-on's own."""
    chosen = preferences.get().library_folder
    return Path(bpy.path.abspath(chosen)) if chosen else Path(bpy.utils.extension_path_user(__package__, path="kinematics"))


def files() -> list[Path]:
    """Return what is in the library, by name."""
    return sorted(root().glob(f"*{SUFFIX}"))


def name_of(file: Path) -> str:
    """Return what an entry is called."""
    return file.name.removesuffix(SUFFIX)


def picture_of(file: Path) -> Path:
    """Return where an entry's picture is."""
    return file.with_name(f"{name_of(file)}.png")


def keep_picture(file: Path, image: bytes) -> None:
    """Keep the picture of an entry, if it is a PNG file; an entry without one is as good."""
    if image.startswith(PNG):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(picture_of(file), image)


def free_file(wish: str) -> Path:
    """Return a file for a new entry that is not there yet."""
    stem, number = safe_name(wish), 1
    file = root() / f"{stem}{SUFFIX}"
    while file.exists():
        number += 1
        file = root() / f"{stem}_{number}{SUFFIX}"
    return file


def read(file: Path) -> bytes:
    """Return an entry's bytes; raises `FolderError`."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise FolderError(f"The kinematics {file} can't be read: {error.strerror}; choose others, or bring them back.") from error
