"""Sources of footage: the videos and picture sequences below a folder, and their frames. No torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ipoke_media import frame_numbers, video
from ipoke_media.errors import ImageError
from ipoke_media.image import load_rgba8

from ..store import StoreError

VIDEO_SUFFIXES = frozenset(
    (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".ogv", ".mts", ".m2ts", ".gif")
)


class FootageError(StoreError):
    """Footage that can't be used: the sentence says which and what to do."""


@dataclass(frozen=True)
class Source:
    """One video, or one sequence of pictures in the order of their numbers; `name` is its path below the footage's folder."""

    name: str
    path: Path
    pictures: tuple[Path, ...] = ()

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """Name, size in bytes and time of change in ns of each of its files."""
        stats = [(path.name, path.stat()) for path in self.pictures or (self.path,)]
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def find_sources(folder: Path) -> list[Source]:
    """Every video and every sequence of pictures below a folder, sorted by name; links to folders are followed, once.

    Hidden files, and single pictures beside a sequence, are no footage.

    Raises:
        FootageError: there is no such folder, or it holds neither.
    """
    if not folder.is_dir():
        raise FootageError(f"The folder {folder} does not exist; give a folder of videos or of folders with numbered pictures.")
    found: list[Source] = []
    for place, files in _folders(folder):
        found += [Source(file.relative_to(folder).as_posix(), file) for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
        found += _sequences(folder, place, files)
    if not found:
        raise FootageError(f"{folder} holds neither videos nor folders of pictures, nor is it a clip store; name another folder.")
    return sorted(found, key=lambda source: frame_numbers.natural(source.name))


def read_frames(source: Source) -> Iterator[NDArray[np.uint8]]:
    """Frames as (H, W, 3) uint8 RGB, all of the size of the first, until one is missing or can't be decoded."""
    size: tuple[int, ...] | None = None
    for frame in _pictures(source) if source.pictures else _video(source.path):
        size = size or frame.shape
        if frame.shape != size:
            return
        yield frame


def claimed_frames(source: Source) -> int:
    """Number of frames that a source says it has; 0 where it doesn't say."""
    return len(source.pictures) or video.claimed_frames(source.path)


def why_ended(source: Source, frames: int) -> str:
    """Why a source gives this many frames and no more; names the picture that is at fault."""
    if source.pictures:
        hole = frame_numbers.gap(source.pictures)
        if hole is not None and hole[0] == frames - 1:
            return hole[1]
        return f"{source.pictures[frames].name} can't be decoded, or has another size"
    try:
        for _ in video.read_frames(source.path, ()):  # to where it breaks off
            pass
    except video.VideoError as error:
        return str(error).rstrip(".")
    return "the next can't be decoded"


def _folders(top: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Every folder below one with its files, but for hidden ones; each is visited once, whatever links lead to it."""
    visited: set[str] = set()
    for place, folders, names in os.walk(top, followlinks=True):
        here = os.path.realpath(place)
        if here in visited:
            folders.clear()
            continue
        visited.add(here)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files = [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        yield Path(place), [file for file in files if file.is_file()]


def _sequences(top: Path, place: Path, files: list[Path]) -> Iterator[Source]:
    found = frame_numbers.sequences(files)
    for pictures in found:
        name = frame_numbers.frame_name(pictures[0].name)
        own = place if len(found) == 1 or name is None else place / name.pattern
        yield Source(own.relative_to(top).as_posix(), place, tuple(pictures))


def _pictures(source: Source) -> Iterator[NDArray[np.uint8]]:
    hole = frame_numbers.gap(source.pictures)
    for path in source.pictures if hole is None else source.pictures[: hole[0] + 1]:
        try:
            picture = load_rgba8(path)
        except ImageError:
            return
        yield np.ascontiguousarray(picture[..., :3])


def _video(path: Path) -> Iterator[NDArray[np.uint8]]:
    try:
        yield from video.read_frames(path)
    except video.VideoError:
        return
