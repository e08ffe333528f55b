"""Sources of footage: the videos and picture sequences below a folder, and their frames. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_media.errors import ImageError
from ipoke_media.image import load_rgba8

from .store import StoreError

VIDEO_SUFFIXES = frozenset((".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".ogv", ".mts", ".gif"))
PICTURE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"))


class FootageError(StoreError):
    """Footage that can't be used: the sentence says which and what to do."""


@dataclass(frozen=True)
class Source:
    """One video, or one folder of pictures in the order of their numbers; `name` is its path below the footage's folder."""

    name: str
    path: Path
    pictures: tuple[Path, ...] = ()

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """Name, size in bytes and time of change in ns of each of its files."""
        stats = [(path.name, path.stat()) for path in self.pictures or (self.path,)]
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def find_sources(folder: Path) -> list[Source]:
    """Every video below a folder, and every folder with pictures in it, sorted by name.

    Raises:
        FootageError: there is no such folder, or it holds neither.
    """
    if not folder.is_dir():
        raise FootageError(f"The folder {folder} does not exist; give a folder of videos or of folders with numbered pictures.")
    videos: list[Source] = []
    sequences: dict[Path, list[Path]] = {}
    for path in folder.rglob("*"):
        suffix = path.suffix.lower()
        if suffix in VIDEO_SUFFIXES and path.is_file():
            videos.append(Source(path.relative_to(folder).as_posix(), path))
        elif suffix in PICTURE_SUFFIXES:
            sequences.setdefault(path.parent, []).append(path)
    for parent, pictures in sequences.items():
        ordered = tuple(sorted(pictures, key=lambda path: _natural(path.name)))
        videos.append(Source(parent.relative_to(folder).as_posix(), parent, ordered))
    if not videos:
        raise FootageError(f"{folder} holds neither videos nor folders of pictures, nor is it a clip store; name another folder.")
    return sorted(videos, key=lambda source: _natural(source.name))


def read_frames(source: Source) -> Iterator[NDArray[np.uint8]]:
    """Frames as (H, W, 3) uint8 RGB, all of the size of the first, until one can't be decoded."""
    size: tuple[int, ...] | None = None
    for frame in _pictures(source) if source.pictures else _video(source.path):
        size = size or frame.shape
        if frame.shape != size:
            return
        yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)


def claimed_frames(source: Source) -> int:
    """Number of frames that a source says it has; 0 where it doesn't say."""
    if source.pictures:
        return len(source.pictures)
    video = cv2.VideoCapture(str(source.path))
    try:
        return max(0, round(video.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        video.release()


def _pictures(source: Source) -> Iterator[NDArray[np.uint8]]:
    for path in source.pictures:
        try:
            picture = load_rgba8(path)
        except ImageError:
            return
        yield np.ascontiguousarray(picture[..., 2::-1])


def _video(path: Path) -> Iterator[NDArray[np.uint8]]:
    video = cv2.VideoCapture(str(path))
    try:
        while True:
            decoded, frame = video.read()
            if not decoded:
                return
            yield np.asarray(frame, np.uint8)
    finally:
        video.release()


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name.lower()) if part]
