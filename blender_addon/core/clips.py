"""Owns reading a clip that is a folder of images. No bpy."""

from __future__ import annotations

from pathlib import Path

from .errors import FolderError

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".webp"}


def pictures(folder: Path) -> list[Path]:
    """Return the images of a folder in the order of their names; none when there is no such folder."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES) if folder.is_dir() else []


def spread(shots: list[Path], count: int) -> list[Path]:
    """Return `count` images from first to last, evenly spread; raises `FolderError` when there are fewer."""
    if len(shots) < count:
        raise FolderError(f"The model takes {count} images, and there are {len(shots)}; choose a folder with a longer clip.")
    return [shots[round(index * (len(shots) - 1) / (count - 1))] for index in range(count)]


def read(shots: list[Path]) -> tuple[bytes, ...]:
    """Return the images' bytes; raises `FolderError`."""
    try:
        return tuple(path.read_bytes() for path in shots)
    except OSError as error:
        raise FolderError(f"{error.filename} can't be read: {error.strerror}; choose another clip.") from error
