"""Owns the demo's pictures for looking at: the contact sheet with the arrows, and one preview video a variant."""

from __future__ import annotations

import json
from pathlib import Path

from backend.plate import preview
from backend.plate.image import decode_plate
from backend.protocol.messages import Poke, Region


def find_job(output: Path) -> Path:
    """Return the folder of the sampled variants."""
    return next(path.parent for path in sorted(output.glob("ipoke/*/*/job.json")))


def make_previews(output: Path) -> None:
    """Write `contact_sheet.png` and `preview_NN.mp4` into the output folder."""
    folder = find_job(output)
    job = json.loads((folder / "job.json").read_text())
    plate = decode_plate((output / "plate.jpg").read_bytes())

    def write(name: str, data: bytes) -> Path:
        (output / name).write_bytes(data)
        return output / name

    maker = preview.PreviewMaker(write, plate, [Poke(*poke) for poke in job["pokes"]])
    for variant in job["variants"]:
        for t, frame in enumerate(sorted((folder / variant["folder"]).glob("frame_*.png")), start=1):
            maker.frame(variant["index"], t, frame.read_bytes())
        maker.variant_done(variant["index"])
    maker.finish([Region(*job["region_px"])])
