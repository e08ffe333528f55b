"""Reading a clip: a folder of images, a part of one, and what plays when. No bpy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..._vendor.client.owned import read_regular
from ..._vendor.frame_numbers import SequenceError, only_sequence
from ..._vendor.protocol import limits
from ..errors import FolderError
from . import trusted_paths


def pictures(folder: Path) -> list[Path]:
    """Return the images of a folder in the order of their numbers; none when there is no such folder.

    Raises `FolderError` when it holds several sequences.
    """
    try:
        return only_sequence(folder) if trusted_paths.is_folder(folder) else []
    except SequenceError as error:
        raise FolderError(str(error)) from error
    except OSError as error:
        raise FolderError(f"{folder} can't be read: {error.strerror}; choose another clip.") from error


@dataclass(frozen=True, slots=True)
class Timing:
    """How a sequence or a movie is played: `frames` of them from scene frame `start` on, the first with number `offset` + 1."""

    frames: int
    start: int
    offset: int
    cyclic: bool

    def number(self, scene_frame: int) -> int:
        """Return the number of what Blender shows at a frame of the scene; before the start, of what precedes the first."""
        if self.frames < 1:
            return 0
        place = scene_frame - self.start + 1
        if self.cyclic:
            place = (place - 1) % self.frames + 1
        return min(max(place, 0), self.frames) + self.offset


@dataclass(frozen=True, slots=True)
class FrameRange:
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
