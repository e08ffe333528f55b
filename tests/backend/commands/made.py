"""Results of ours on disk, and what lies in a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from backend.client import FrameArrived, Poke, ResultWriter, SampleRequest, VariantDone
from ipoke_values import Sampling

from ..protocol.examples import SUMMARY

FRAMES = 2


def request(samples: int = 2) -> SampleRequest:
    return SampleRequest("job", b"plate", "leaf.png", (Poke(0.5, 0.5, 0.1, 0.0),), None, samples, Sampling(7))


def write_result(folder: Path, variants: int = 2, mark: str = "one") -> None:
    """What a finished job leaves: frames, a contact sheet, previews, job.json."""
    writer = ResultWriter(folder, request(variants))
    for variant in range(variants):
        images = [f"{mark}-{variant}-{t}".encode() for t in range(1, FRAMES + 1)]
        for t, image in enumerate(images, start=1):
            writer.frame(FrameArrived("job", variant, t, image))
        assert writer.variant_done(VariantDone("job", variant, tuple(hashlib.sha256(image).hexdigest() for image in images)))
        writer.write(f"preview_{variant:02d}.mp4", mark.encode())
    writer.write("contact_sheet.png", mark.encode())
    writer.finish(SUMMARY)


def names(variants: int = 2) -> set[str]:
    """What `write_result` writes at the top."""
    numbers = [f"{number:02d}" for number in range(variants)]
    return {"job.json", "contact_sheet.png", *(f"variant_{n}" for n in numbers), *(f"preview_{n}.mp4" for n in numbers)}


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
