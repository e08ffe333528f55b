"""Owns reading a clip for inversion: some frames of a video or of a folder of images, evenly over its length."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from .errors import CommandError, UsageError
from .inputs import read_file

_IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".exr", ".bmp")
_MOST_FRAMES = 100_000


def read_clip(clip: Path, count: int, still: Path | None = None) -> tuple[bytes, ...]:
    """`count` frames of a video or an image folder as image files, its first and its last among them.

    `still` is put before them. Raises UsageError for a clip that is too short or can't be read.
    """
    if still is not None:
        return (read_file(still), *read_clip(clip, count - 1))
    if clip.is_dir():
        return _read_folder(clip, count)
    read_file(clip)
    return _read_video(clip, count)


def _read_folder(folder: Path, count: int) -> tuple[bytes, ...]:
    files = sorted((file for file in folder.iterdir() if file.suffix.lower() in _IMAGES), key=_natural)
    return tuple(read_file(files[index]) for index in _evenly(len(files), count, folder))


def _read_video(file: Path, count: int) -> tuple[bytes, ...]:
    # The number of frames that a video's header tells is a guess; they are counted.
    video = cv2.VideoCapture(str(file))
    length = 0
    while length < _MOST_FRAMES and video.grab():
        length += 1
    video.release()
    if not length:
        raise UsageError(f"{file} can't be read as a video; use an MP4, MOV, AVI or WebM file, or a folder of images.")
    wanted = _evenly(length, count, file)
    video = cv2.VideoCapture(str(file))
    frames = []
    for index in range(wanted[-1] + 1):
        video.grab()
        if index in wanted:
            frames.append(_encode(video, file))
    video.release()
    return tuple(frames)


def _encode(video: cv2.VideoCapture, file: Path) -> bytes:
    good, pixels = video.retrieve()
    if not good:
        raise CommandError(f"A frame of {file} is damaged; convert the video and try again.")
    return cv2.imencode(".png", pixels)[1].tobytes()


def _evenly(length: int, count: int, clip: Path) -> list[int]:
    if length < count:
        raise UsageError(f"{clip} has {length} frames; the model needs {count}, or with --still one less.")
    return [int(index) for index in np.linspace(0, length - 1, count).round()]


def _natural(file: Path) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", file.name)]
