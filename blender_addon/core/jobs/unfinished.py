"""The frames of a bake that is not whole yet: where they wait, and the record by which the bake goes on. No bpy.

The folder is named by what determines every frame. The record in it gets a line for each frame as soon as the frame is on
the disk, so it is right however the bake ends, and going on reads no frame. What it names is ours to remove, and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..._vendor.client import FrameArrived, ResultWriter, SampleRequest, VariantDone, frame_file_name, variant_folder_name
from ..._vendor.client.owned import MANIFEST, read_regular, remove_owned
from ..._vendor.client.results import write_atomically
from ..._vendor.protocol.codec import encode
from ..._vendor.protocol.version import PRODUCT_VERSION
from ..errors import FolderError
from . import manifests, trusted_paths

RECORD = "frames.txt"
RECORD_BYTES = 2**20
DIGEST_CHARACTERS = 12
NO_JOB = "bake"
_WAITING = re.compile(rf"\.[0-9a-f]{{{DIGEST_CHARACTERS}}}")
_LINE = re.compile(r"([0-9a-f]{64}) (\d{1,15}) (variant_\d{2,7}/frame_\d{4,5}\.(?:png|exr))\n")


@dataclass(frozen=True, slots=True)
class Noted:
    """A frame that was written: its hash, its size, and its file below the folder."""

    sha256: str
    size_bytes: int
    name: str

    def line(self) -> str:
        """Return its line of the record."""
        return f"{self.sha256} {self.size_bytes} {self.name}\n"


def folder(bake: Path, request: SampleRequest) -> Path:
    """Return where the frames of a request wait, below the folder of bakes; whatever is kept already has no part in it."""
    message = encode(replace(request.message(), job_id=NO_JOB, kept=()))
    digest = hashlib.sha256(b"".join([PRODUCT_VERSION.encode(), *message])).hexdigest()
    return bake / f".{digest[:DIGEST_CHARACTERS]}"


def resumed(request: SampleRequest, waiting: Path) -> SampleRequest:
    """Return the request for what is missing.

    The last frame that is there comes again, to see whether the backend still makes the same.
    """
    return replace(request, kept=tuple(noted.sha256 for noted in _recorded(waiting, request)[:-1]))


def remove_others(bakes: Iterable[Path], keep: set[Path], roots: Iterable[Path]) -> None:
    """Remove what waits in folders of bakes below roots of ours, but for some: one unfinished bake of a plate is enough.

    Only frames go that the record there names, and that are as they were noted.
    """
    ours = tuple(roots)
    for bake in bakes:
        if any(trusted_paths.is_below(bake, root) for root in ours):
            for waiting in bake.glob(".*"):
                if _WAITING.fullmatch(waiting.name) and waiting not in keep and not waiting.is_symlink():
                    _remove(waiting, {noted.name: noted.sha256 for noted in _lines(waiting)})


class UnfinishedBake(ResultWriter):
    """Writes a bake's frames and their record; both stay when the bake ends too early."""

    def __init__(self, waiting: Path, request: SampleRequest) -> None:
        super().__init__(waiting, request)
        self._noted = _recorded(waiting, request)
        if self._noted:  # without the half of a line that a crash may have left
            write_atomically(waiting / RECORD, "".join(noted.line() for noted in self._noted).encode())
        elif trusted_paths.is_file(waiting / RECORD):
            _remove(waiting, {noted.name: noted.sha256 for noted in _lines(waiting)})
            (waiting / RECORD).unlink(missing_ok=True)

    def frame(self, event: FrameArrived) -> Path:
        """Write a frame and note it; raises `FolderError`, and removes everything, when it is another than before."""
        path = super().frame(event)
        name = path.relative_to(self.folder).as_posix()
        new = Noted(self.files[name], len(event.image), name)
        if event.t > len(self._noted):
            self._noted.append(new)
            with (self.folder / RECORD).open("a", encoding="utf-8") as record:
                record.write(new.line())
        elif self._noted[event.t - 1] != new:
            self.discard()
            raise FolderError("The backend makes other frames than when this bake began; press Bake to start anew.")
        return path

    def variant_done(self, event: VariantDone) -> bool:
        """Note that the bake is whole; False, and nothing stays, when its frames are not what the backend sent."""
        whole = super().variant_done(event)
        if not whole:
            self.discard()
        return whole

    def abort(self) -> None:
        """Leave everything for the next try."""

    def discard(self) -> None:
        """Remove what was written and its record, and the folder if nothing else is in it."""
        _remove(self.folder, {**{noted.name: noted.sha256 for noted in self._noted}, **self.files})
        super().discard()


def _remove(waiting: Path, files: Mapping[str, str]) -> None:
    """Remove frames, a manifest that was not delivered, and the record when none of them is left."""
    if not files:
        return
    manifest = {name: sha256 for name, sha256 in manifests.all_of(waiting).items() if name == MANIFEST}
    remove_owned(waiting, {**files, **manifest})
    if not any((waiting / name).exists() for name in files):
        with contextlib.suppress(OSError):
            (waiting / RECORD).unlink(missing_ok=True)
            waiting.rmdir()


def _lines(waiting: Path) -> list[Noted]:
    """Return what a record notes, up to the first line that is none."""
    record = waiting / RECORD
    found: list[Noted] = []
    try:
        text = "" if record.is_symlink() else read_regular(record, RECORD_BYTES).decode()
    except (OSError, ValueError):
        return found
    for line in text.splitlines(keepends=True):
        match = _LINE.fullmatch(line)
        if match is None:
            break
        found.append(Noted(match[1], int(match[2]), match[3]))
    return found


def _recorded(waiting: Path, request: SampleRequest) -> list[Noted]:
    """Return frames 1, 2, ... that are on the disk as they were noted."""
    variant = variant_folder_name(request.first)
    found: list[Noted] = []
    for t, noted in enumerate(_lines(waiting), start=1):
        file = waiting / noted.name
        named = noted.name == f"{variant}/{frame_file_name(t, request.depth_bits)}"
        if not named or not file.is_file() or file.stat().st_size != noted.size_bytes:
            break
        found.append(noted)
    return found
