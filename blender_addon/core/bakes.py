"""Owns where the frames of a bake end up: file names from a template, and moving them there whole. No bpy."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .errors import FolderError
from .folders import safe_name

PLAIN_TEMPLATE = "frame_####"
FIELDS = ("plate", "variant", "seed")


@dataclass(frozen=True, slots=True)
class FileNames:
    """Names such as `leaf_0001.png`: what stands before the number, its digits, its first value, and the suffix."""

    stem: str
    digits: int
    first: int
    suffix: str

    def of(self, number: int) -> str:
        """Return the name of frame 1, 2, ..."""
        return f"{self.stem}{self.first + number - 1:0{self.digits}d}{self.suffix}"

    @property
    def manifest(self) -> str:
        """The name of the file that says what the frames are, and that they are whole."""
        return "job.json" if self.stem == "frame_" else f"{self.stem}job.json"

    def present(self, folder: Path) -> list[Path]:
        """Return the frames of this name that are in a folder, whatever their number and format."""
        pattern = re.compile(rf"{re.escape(self.stem)}\d{{{self.digits},}}\.(png|exr)")
        return sorted(path for path in folder.glob("*") if pattern.fullmatch(path.name)) if folder.is_dir() else []


class Place(Enum):
    """Where a bake plays beside the plane."""

    PLANE = "PLANE"
    SEQUENCER = "SEQUENCER"
    COMPOSITOR = "COMPOSITOR"


@dataclass(frozen=True, slots=True)
class Shot:
    """What the scene says of time: frames per second, and the first frame that the bake is shown in."""

    fps: float
    start_frame: int

    def frames_in(self, seconds: float) -> int:
        """How many frames last so long; 2 at least."""
        return max(2, round(seconds * self.fps))


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a bake goes when it is whole. `colour` names the colour space to read it in; empty fits it to the still."""

    folder: Path
    names: FileNames
    shot: Shot
    colour: str = ""
    place: Place = Place.PLANE

    @property
    def first_file(self) -> Path:
        """The file that the image sequence starts with."""
        return self.folder / self.names.of(1)


def file_names(template: str, first: int, suffix: str, *, plate: str, variant: int, seed: int) -> FileNames:
    """Fill a template such as `{plate}_v{variant}_####` in; raises `FolderError` for one that names no frames."""
    values = {"plate": safe_name(plate), "variant": f"{variant:02d}", "seed": str(seed)}
    wanted = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), template)
    found = re.fullmatch(r"([^#]*?)(#+)", wanted)
    if found is None or re.search(r"[/\\:*?\"<>|{}]", wanted):
        fields = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise FolderError(f"{template} names no frames; end it with #### and use {fields}, no slashes.")
    stem = found[1]
    if stem and stem[-1].isdigit():
        stem += "_"  # else the number would run into what stands before it
    return FileNames(stem, len(found[2]), first, suffix)


def deliver(made: Path, manifest: Path, delivery: Delivery) -> Iterator[Path]:
    """Move frames 1, 2, ... of `made`, then the manifest, one file a step; raises OSError.

    The old manifest goes first and the new one comes last: where there is one, all its frames are there.
    """
    target, names = delivery.folder, delivery.names
    target.mkdir(parents=True, exist_ok=True)
    (target / names.manifest).unlink(missing_ok=True)
    old = names.present(target)
    frames = sorted(made.iterdir())
    new = {target / names.of(number) for number in range(1, len(frames) + 1)}
    for path in old:
        if path not in new:
            path.unlink()
    for number, frame in enumerate(frames, start=1):
        yield _moved(frame, target / names.of(number))
    yield _moved(manifest, target / names.manifest)


def _moved(old: Path, new: Path) -> Path:
    try:
        os.replace(old, new)
    except OSError:  # another drive, or a real fault, which the copy will tell
        half = new.with_name(f".{new.name}.part")
        try:
            shutil.copyfile(old, half)
            os.replace(half, new)
        finally:
            half.unlink(missing_ok=True)
        old.unlink()
    return new
