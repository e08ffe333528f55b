"""Owns reading a clip that is a folder of images. No bpy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .._vendor.client.owned import read_regular
from .._vendor.protocol import limits
from . import places
from .errors import FolderError

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".webp"}


def pictures(folder: Path) -> list[Path]:
    """Return the images of a folder in the order of their names; none when there is no such folder."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES) if places.is_folder(folder) else []


@dataclass(frozen=True, slots=True)
class Part:
    """Which frames of a clip are meant, from 1 on, both ends included; `last` 0 means to the end."""

    first: int = 1
    last: int = 0

    def spread(self, total: int, count: int) -> list[int]:
        """Return the numbers of `count` frames from first to last, evenly spread; raises `FolderError` when there are fewer."""
        end = min(self.last or total, total)
        have = max(end - self.first + 1, 0)
        if have < count:
            raise FolderError(f"The model takes {count} frames, and there are {have}; choose a longer clip, or more of it.")
        return [self.first + round(index * (have - 1) / (count - 1)) for index in range(count)]


def read(shots: list[Path]) -> tuple[bytes, ...]:
    """Return the images' bytes; raises `FolderError`."""
    try:
        return tuple(read_regular(path, limits.RAW_BYTES) for path in shots)
    except ValueError as error:
        raise FolderError(f"A frame of the clip is too large, or its name is no file's: {error}; choose another clip.") from error
    except OSError as error:
        raise FolderError(f"{error.filename} can't be read: {error.strerror}; choose another clip.") from error
