"""Owns the frames of a bake that is not whole yet: where they wait, and the record by which the bake goes on. No bpy.

The folder is named by what determines every frame. The record in it gets a line for each frame as soon as the frame is on
the disk, so it is right however the bake ends, and going on reads no frame.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .._vendor.client import FrameArrived, ResultWriter, SampleRequest, VariantDone, frame_file_name, variant_folder_name
from .._vendor.client.results import write_atomically
from .._vendor.protocol.codec import encode
from .._vendor.protocol.version import PRODUCT_VERSION
from .errors import FolderError

RECORD = "frames.txt"
DIGEST_CHARACTERS = 12
NO_JOB = "bake"


@dataclass(frozen=True, slots=True)
class Noted:
    """A frame that was written: its hash and its size."""

    sha256: str
    size_bytes: int

    def line(self) -> str:
        """Return its line of the record."""
        return f"{self.sha256} {self.size_bytes}\n"


def folder(bake: Path, request: SampleRequest) -> Path:
    """Return where the frames of a request wait, below the folder of bakes; whatever is kept already has no part in it."""
    told = encode(replace(request.message(), job_id=NO_JOB, kept=()))
    digest = hashlib.sha256(b"".join([PRODUCT_VERSION.encode(), *told])).hexdigest()
    return bake / f".{digest[:DIGEST_CHARACTERS]}"


def resumed(request: SampleRequest, waiting: Path) -> SampleRequest:
    """Return the request for what is missing.

    The last frame that is there comes again, to see whether the backend still makes the same.
    """
    return replace(request, kept=tuple(noted.sha256 for noted in _recorded(waiting, request)[:-1]))


def remove_others(bakes: Iterable[Path], keep: set[Path]) -> None:
    """Remove what waits in folders of bakes, but for some: one unfinished bake of a plate is enough."""
    for bake in bakes:
        for waiting in bake.glob(".*"):
            if waiting.is_dir() and waiting not in keep:
                shutil.rmtree(waiting, ignore_errors=True)


class UnfinishedBake(ResultWriter):
    """Writes a bake's frames and their record; both stay when the bake ends too early."""

    def __init__(self, waiting: Path, request: SampleRequest) -> None:
        super().__init__(waiting, request)
        self._noted = _recorded(waiting, request)
        if self._noted:  # without the half of a line that a crash may have left
            write_atomically(waiting / RECORD, "".join(noted.line() for noted in self._noted).encode())
        else:
            self._discard()

    def frame(self, event: FrameArrived) -> Path:
        """Write a frame and note it; raises `FolderError`, and removes everything, when it is another than before."""
        path = super().frame(event)
        new = Noted(self._hashes[event.variant][event.t], len(event.image))
        if event.t > len(self._noted):
            self._noted.append(new)
            with (self.folder / RECORD).open("a", encoding="utf-8") as record:
                record.write(new.line())
        elif self._noted[event.t - 1] != new:
            self._discard()
            raise FolderError("The backend makes other frames than when this bake began; press Bake to start anew.")
        return path

    def variant_done(self, event: VariantDone) -> bool:
        """Note that the bake is whole; False, and nothing stays, when its frames are not what the backend sent."""
        whole = super().variant_done(event)
        if not whole:
            self._discard()
        return whole

    def abort(self) -> None:
        """Leave everything for the next try."""

    def _discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _recorded(waiting: Path, request: SampleRequest) -> list[Noted]:
    """Return frames 1, 2, ... that are on the disk as they were noted."""
    record, frames = waiting / RECORD, waiting / variant_folder_name(request.first)
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True) if record.is_file() else []
    found: list[Noted] = []
    for t, line in enumerate(lines, start=1):
        told, file = re.fullmatch(r"([0-9a-f]{64}) (\d+)\n", line), frames / frame_file_name(t, request.depth_bits)
        if told is None or not file.is_file() or file.stat().st_size != int(told[2]):
            break
        found.append(Noted(told[1], int(told[2])))
    return found
