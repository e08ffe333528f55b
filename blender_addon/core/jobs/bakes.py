"""Where the frames of a bake end up: file names from a template, and moving them there whole. No bpy.

A bake may go into a folder of the artist's. There only frames are replaced or removed that a manifest of ours names and that
are as we wrote them (`manifests`); anything else of these names is in the way, and stays.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..errors import FolderError
from . import manifests, trusted_paths
from .folders import safe_name

PLAIN_TEMPLATE = "frame_####"
VERSION = "{version}"
FIELDS = ("plate", "variant", "seed", "version")


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
        return "job.json" if self.stem == "frame_" else f"{self.stem or '#'}job.json"  # no stem has a #

    def matches(self, name: str) -> bool:
        """Return whether a file's name is one of these, whatever its number and format; `Leaf` is `leaf` on some disks."""
        return re.fullmatch(rf"{re.escape(self.stem)}\d{{{self.digits},}}\.(png|exr)", name, re.IGNORECASE) is not None

    def present(self, folder: Path) -> list[Path]:
        """Return the frames of this name that are in a folder, whatever their number and format."""
        return sorted(path for path in folder.glob("*") if self.matches(path.name)) if trusted_paths.is_folder(folder) else []


class ShowIn(Enum):
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
    show_in: ShowIn = ShowIn.PLANE

    @property
    def first_file(self) -> Path:
        """The file that the image sequence starts with."""
        return self.folder / self.names.of(1)


def versioned(template: str) -> str:
    """Return a template whose names differ from version to version: as it is where it says how, else told before the number."""
    stem = template.rstrip("#")
    return template if VERSION in template else f"{stem}ver{VERSION}_{template[len(stem) :]}"


def file_names(template: str, first: int, suffix: str, *, plate: str, variant: int, seed: int, version: int = 1) -> FileNames:
    """Fill a template such as `{plate}_v{variant}_####` in; raises `FolderError` for one that names no frames."""
    values = {"plate": safe_name(plate), "variant": f"{variant:02d}", "seed": str(seed), "version": f"{version:03d}"}
    wanted = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), template)
    found = re.fullmatch(r"([^#]*?)(#+)", wanted)
    if found is None or re.search(r"[/\\:*?\"<>|{}]", wanted):
        fields = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise FolderError(f"{template} names no frames; end it with #### and use {fields}, no slashes.")
    stem = found[1]
    if stem and stem[-1].isdigit():
        stem += "_"  # else the number would run into what stands before it
    return FileNames(stem, len(found[2]), first, suffix)


def in_the_way(folder: Path, names: FileNames) -> list[Path]:
    """Return what a bake may not replace: what has its names and is not as we wrote it, and what else its manifest names.

    That is a bake whose names have fewer digits.
    """
    ours = manifests.of_bake(folder, names.manifest)
    strange = [path for path in names.present(folder) if not manifests.holds(folder, path.name, ours)]
    strange += _of_other_names(folder, names, ours)
    manifest = folder / names.manifest
    return strange if ours.whole or not os.path.lexists(manifest) else [manifest, *strange]


def _of_other_names(folder: Path, names: FileNames, ours: manifests.Ours) -> list[Path]:
    """Frames of a bake that has the same manifest and other names."""
    return [folder / name for name in sorted(ours.hashes) if not names.matches(name) and os.path.lexists(folder / name)]


def check_place(folder: Path, names: FileNames) -> None:
    """Raise `FolderError` where something is in the way of a bake."""
    strange = in_the_way(folder, names)
    if strange:
        raise FolderError(
            f"{strange[0].name} in {folder} is of another bake, no frame that iPOKE baked, or was changed since; "
            "move it away, or name another folder or file name."
        )


def deliver(waiting: Path, frames: Mapping[str, str], manifest: Path, delivery: Delivery) -> Iterator[Path]:
    """Move a bake's files and then its manifest, one file a step; raises OSError, or `FolderError` for what is in the way.

    `frames` are their names below `waiting` in the order of time, with their hashes. The old manifest goes first and the new
    one comes last: where there is one, all its frames are there. Meanwhile a ledger says what is ours.
    """
    target, names = delivery.folder, delivery.names
    target.mkdir(parents=True, exist_ok=True)
    new = delivered(frames, names)
    ours = manifests.of_bake(target, names.manifest)
    if not ours.whole and os.path.lexists(target / names.manifest):
        raise _came(target / names.manifest)
    others = _of_other_names(target, names, ours)
    if others:
        raise _came(others[0])
    manifests.begin(target, names.manifest, ours, new)
    (target / names.manifest).unlink(missing_ok=True)
    for name in ours.hashes.keys() - new.keys():
        if manifests.holds(target, name, ours):
            (target / name).unlink()
            yield target / name
    for source, name in zip(frames, new, strict=True):
        if os.path.lexists(target / name) and not manifests.holds(target, name, ours):
            raise _came(target / name)
        yield _moved(waiting / source, target / name)
    yield _moved(manifest, target / names.manifest)
    manifests.end(target, names.manifest)


def delivered(frames: Mapping[str, str], names: FileNames) -> dict[str, str]:
    """Return what a bake's files are called where they go, with their hashes."""
    return {names.of(number): sha256 for number, sha256 in enumerate(frames.values(), start=1)}


def _came(path: Path) -> FolderError:
    return FolderError(f"{path} has come in the way of the bake; move it away and press Bake again.")


def _moved(old: Path, new: Path) -> Path:
    try:
        os.replace(old, new)
    except OSError:  # another drive, or a real fault, which the copy will tell
        half = new.with_name(f".{new.name}.{secrets.token_hex(4)}.part")
        try:
            shutil.copyfile(old, half)
            os.replace(half, new)
        finally:
            half.unlink(missing_ok=True)
        old.unlink()
    return new
