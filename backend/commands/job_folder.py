"""Owns reading back the folder that `ipoke poke` wrote: what was asked for, so that one of its variants is made again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..client import InvertRequest, SampleRequest, new_job_id
from ..client.results import JOB_FILE
from ..protocol.errors import ProtocolError
from ..protocol.fields import from_plain
from ..protocol.messages import Like, Playback, Poke, Region
from .errors import UsageError
from .inputs import read_file


@dataclass(frozen=True, slots=True)
class JobFolder:
    """A finished job: what was asked for, the model that made it, and the variants that are there."""

    folder: Path
    request: SampleRequest
    model_sha256: str
    variants: tuple[int, ...]

    @classmethod
    def read(cls, folder: Path, still: Path) -> JobFolder:
        """Read `job.json` and the plate; raises UsageError."""
        data = read_file(folder / JOB_FILE)
        plate = read_file(still)
        try:
            job = json.loads(data)
            request = _request(job, plate, still.name)
            variants = tuple(int(variant["index"]) for variant in job["variants"])
            read = cls(folder, request, str(job["model"]["sha256"]), variants)
        except (ValueError, KeyError, TypeError, ProtocolError) as error:
            raise UsageError(f"{folder / JOB_FILE} is not what `ipoke poke` wrote; name its folder.") from error
        if hashlib.sha256(plate).hexdigest() != job["plate"]["sha256"]:
            raise UsageError(f"{still} is not the plate of {folder}; name the file {job['plate']['name']} as it was then.")
        return read

    def kinematics_of(self, variant: int) -> InvertRequest:
        """The request for the kinematics of a variant; raises UsageError when it has none of its own."""
        if variant not in self.variants:
            have = ", ".join(str(index) for index in self.variants)
            raise UsageError(f"{self.folder} has no variant {variant}; it has {have}.")
        if not self.request.is_single:
            raise UsageError(
                f"The variants of {self.folder} are chained, or the best of several loops; sample them without --chain and with "
                "--loop-draws 1."
            )
        return InvertRequest.of_variant(new_job_id(), self.request, variant)


def _request(job: dict[str, Any], plate: bytes, name: str) -> SampleRequest:
    if "kinematics" in job:
        raise UsageError("This variant replays a kinematics file; use that file itself.")
    if "regions_px" in job:
        raise UsageError("The variants have several regions, each with its own motion; sample them with one --region.")
    options = job["plate_options"]
    return SampleRequest(
        job_id=new_job_id(),
        plate=plate,
        plate_name=name,
        pokes=tuple(Poke(*poke) for poke in job["pokes"]),
        region=Region(*job["region_px"]),
        samples=1,
        seed=job["seed"],
        model=job["model"]["name"],
        playback=None if options["playback"] is None else from_plain(Playback, options["playback"]),
        premultiplied=options["premultiplied"],
        upright=options["upright"],
        layer=options.get("layer"),
        like=tuple(from_plain(Like, like) for like in job.get("like", ())),
        variation=job.get("variation"),
    )
