"""Owns what a user asks for: a poked plate and how many variants of it."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from ..protocol.messages import OutputSize, Poke, Region, Sample


def new_job_id() -> str:
    """A job id that nobody else has."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Variants `first` to `first + samples - 1` of a plate; the request determines every byte of the answer.

    `plate` is an encoded image file (PNG, JPEG, TIFF, ...). `region` None lets the backend choose around the pokes,
    `model` None takes the default model. `depth_bits` (8 or 16) is the depth of the frames that come back.
    `upright` turns the plate as its EXIF orientation says, as viewers do; Blender shows images as they are stored.
    """

    job_id: str
    plate: bytes
    plate_name: str
    pokes: tuple[Poke, ...]
    region: Region | None
    samples: int
    seed: int
    first: int = 0
    model: str | None = None
    size: OutputSize = OutputSize.MODEL
    depth_bits: int = 8
    upright: bool = True

    def plate_sha256(self) -> str:
        """Hash of the encoded file's bytes."""
        return hashlib.sha256(self.plate).hexdigest()

    def message(self) -> Sample:
        """The request as it travels, without the plate's bytes."""
        return Sample(
            job_id=self.job_id,
            plate_sha256=self.plate_sha256(),
            pokes=self.pokes,
            region=self.region,
            samples=self.samples,
            first=self.first,
            seed=self.seed,
            model=self.model,
            size=OutputSize(self.size),
            depth_bits=self.depth_bits,
            upright=self.upright,
        )
