"""Owns reading a clip for inversion: some frames of a video or of a folder of images, evenly over its length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ipoke_media import frame_numbers

from ..plate.image import PlateImage, encode_png
from .console import remark
from .errors import CommandError, UsageError
from .inputs import read_file, read_plate

_MOST_FRAMES = 100_000


def read_clip(clip: Path, count: int, still: Path | None = None) -> tuple[bytes, ...]:
    """`count` frames of a video or an image folder as image files, evenly over time, its first and its last among them.

    `still` is put before them. Says on standard error what is damaged or missing, and what that costs. Raises UsageError
    and CommandError for a clip that is too short or can't be read.
    """
    if still is not None:
        return (read_file(still), *read_clip(clip, count - 1))
    return _read_folder(clip, count) if clip.is_dir() else _read_video(clip, count)


def _read_folder(folder: Path, count: int) -> tuple[bytes, ...]:
    try:
        files = frame_numbers.only_sequence(folder)
    except frame_numbers.SequenceError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{folder} can't be read ({error.strerror}); check the path.") from error
    wanted = _evenly(frame_numbers.numbers(files), count, folder)
    hole = frame_numbers.gap(files)
    if hole is not None:
        remark(f"{folder}: {hole[1]}; {files[hole[0]].name} stands for what is not there.")
    return tuple(_read_picture(files[place]) for place in wanted)


def _read_picture(file: Path) -> bytes:
    try:
        return read_plate(file)[0]
    except UsageError:
        raise
    except CommandError as error:
        raise CommandError(f"{error.sentence} The motion needs this frame.") from error


def _read_video(file: Path, count: int) -> tuple[bytes, ...]:
    from ipoke_media import video  # PyAV takes a while to load, and no other command needs it

    try:
        times, damage = video.frame_times(file, _MOST_FRAMES)
        wanted = _evenly(times, count, file)
        if damage:
            remark(f"{damage} The motion ends there, after {len(times)} frames.")
        pictures = dict(zip(sorted(set(wanted)), video.read_frames(file, set(wanted)), strict=True))
    except video.VideoError as error:
        raise UsageError(str(error)) from error
    files = {place: encode_png(PlateImage(picture[..., ::-1].copy(), None), 8) for place, picture in pictures.items()}
    return tuple(files[place] for place in wanted)


def _evenly(times: Sequence[float], count: int, clip: Path) -> list[int]:
    if len(times) < count:
        raise UsageError(f"{clip} has {len(times)} frames; the model needs {count}, or with --still one less.")
    return frame_numbers.evenly(times, count)
