"""The library of kinematics: a folder of motions that were taken from clips, each with a picture, for every file."""

from __future__ import annotations

from pathlib import Path

import bpy

from .._vendor.client.owned import read_regular
from .._vendor.client.results import write_atomically
from .._vendor.ipoke_values.names import KINEMATICS_SUFFIX
from .._vendor.protocol import limits
from ..core.errors import FolderError
from ..core.jobs import trusted_paths
from ..core.jobs.folders import safe_name
from ..scene import preferences

PNG = b"\x89PNG\r\n\x1a\n"


def root() -> Path:
    """Return the library's folder: that of the preferences, or one of the add-on's own."""
    chosen = preferences.get().library_folder
    return Path(bpy.path.abspath(chosen)) if chosen else Path(bpy.utils.extension_path_user(preferences.ADDON, path="kinematics"))


def files() -> list[Path]:
    """Return what is in the library, by name."""
    return sorted(root().glob(f"*{KINEMATICS_SUFFIX}"))


def name_of(file: Path) -> str:
    """Return what an entry is called."""
    return file.name.removesuffix(KINEMATICS_SUFFIX)


def picture_of(file: Path) -> Path:
    """Return where an entry's picture is."""
    return file.with_name(f"{name_of(file)}.png")


def keep_picture(file: Path, image: bytes) -> None:
    """Keep the picture of an entry, if it is a PNG file and there is none; an entry without one is as good."""
    if image.startswith(PNG) and not picture_of(file).exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(picture_of(file), image)


def free_file(name: str) -> Path:
    """Return a file for a new entry that is not there yet, and neither is its picture."""
    first, number = root() / f"{safe_name(name)}{KINEMATICS_SUFFIX}", 1
    file = first
    while file.exists() or picture_of(file).exists():
        number += 1
        file = trusted_paths.numbered(first, number)
    return file


def read(file: Path) -> bytes:
    """Return an entry's bytes; raises `FolderError`."""
    if file == trusted_paths.NOWHERE:
        raise FolderError("The kinematics that this variant replays can't be read: no file here is called so; choose others.")
    try:
        return read_regular(file, limits.KINEMATICS_BYTES)
    except OSError as error:
        raise FolderError(f"The kinematics {file} can't be read: {error.strerror}; choose others, or bring them back.") from error
    except ValueError as error:
        raise FolderError(f"{file} is no file of kinematics: it is too large, or its name is none; choose another.") from error
