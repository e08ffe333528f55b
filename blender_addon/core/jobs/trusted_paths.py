"""Which paths that a .blend names are looked at, and below which folders files are removed or moved. No bpy.

A .blend is a stranger's data: whatever it names is only read from, and never by way of a machine that the artist didn't name.
"""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath

from ..errors import FolderError

NOWHERE = Path(os.devnull) / "nowhere"
"""A place that nothing is at, for names that no file can have."""
MOST_CHARACTERS = 4096
MOST_CHARACTERS_OF_A_NAME = 255
NUMBERS = range(2, 1000)


def stored(text: str, known: tuple[Path, ...]) -> Path:
    """Return the place that a .blend names by an absolute path, with `..` taken out; `NOWHERE` for one that can't be.

    A place on another machine (`\\\\host\\share`) counts only where one of `known`, such as the .blend itself, is there too.
    """
    if not text or "\0" in text or len(text) > MOST_CHARACTERS or not os.path.isabs(text):
        return NOWHERE
    path = Path(os.path.normpath(text))
    if any(len(os.fsencode(part)) > MOST_CHARACTERS_OF_A_NAME for part in path.parts[1:]):
        return NOWHERE
    machine = _machine(path)
    return path if not machine or machine in {_machine(place) for place in known} else NOWHERE


def is_below(path: Path, root: Path) -> bool:
    """Return whether a place is really below a folder: no `..` and no link on the way. The folder itself may be a link."""
    try:
        inside = path.relative_to(root)
        if not inside.parts or ".." in inside.parts:
            return False
        return _same(path.resolve(), root.resolve() / inside)
    except (OSError, ValueError, RuntimeError):
        return False


def is_file(path: Path) -> bool:
    """Return whether a file is there that can be read to its end: no folder, pipe or device, and a name that can be."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Return whether a folder is there."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def numbered(path: Path, number: int) -> Path:
    """Return `name_2.kin.safetensors` for a file `name.kin.safetensors`."""
    suffix = "".join(path.suffixes[-2:])
    return path.with_name(f"{path.name.removesuffix(suffix)}_{number}{suffix}")


def reserve(wanted: Path) -> Path:
    """Make an empty file where none is, at `wanted` or the next free number, and return it; raises OSError, `FolderError`."""
    for path in (wanted, *(numbered(wanted, number) for number in NUMBERS)):
        try:
            path.open("xb").close()
        except FileExistsError:
            continue
        return path
    raise FolderError(f"There are too many files like {wanted} already; take another name.")


def _machine(path: Path) -> str:
    """The machine and its share, of a path in the way of Windows; empty for a path on this one."""
    drive = PureWindowsPath(str(path)).drive.lower().replace("/", "\\")
    return drive if drive.startswith("\\\\") else ""


def _same(one: Path, other: Path) -> bool:
    return os.path.normcase(one) == os.path.normcase(other)
