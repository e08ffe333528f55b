"""Owns reading back the folder that `ipoke poke` wrote: what was asked for, so that one of its variants is made again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from ipoke_values import Between, Length, Sampling
from ipoke_values.sampling import LARGEST_INDEX

from ..client import InvertRequest, SampleRequest, new_job_id
from ..client.owned import MANIFEST_BYTES
from ..client.results import JOB_FILE
from ..kinematics_file import ModelId
from ..protocol import limits
from ..protocol.codec import encode
from ..protocol.errors import ProtocolError
from ..protocol.fields import Flattened, entries, from_plain, to_plain
from ..protocol.messages import (
    Digest,
    Fraction,
    Name,
    OutputSize,
    Pixels,
    Playback,
    Poke,
    Region,
    Shift,
    Text,
)
from .errors import UsageError
from .inputs import read_file


@dataclass(frozen=True, slots=True)
class _Plate:
    name: Text
    sha256: Digest


@dataclass(frozen=True, slots=True)
class _Options:
    playback: Playback | None
    premultiplied: bool
    upright: bool
    layer: Name | None
    thing_sha256: Digest | None
    whole_region: bool


@dataclass(frozen=True, slots=True)
class _Variant:
    index: Annotated[int, Between(0, LARGEST_INDEX)]


_Corner = tuple[Pixels, Pixels, Pixels, Pixels]
_Arrow = tuple[Fraction, Fraction, Shift, Shift]


@dataclass(frozen=True, slots=True)
class _Told:
    """What of `job.json` says how the variants were made; what else stands there is not looked at."""

    pokes: Annotated[tuple[_Arrow, ...], Length(1, limits.POKES)]
    sampling: Annotated[Sampling, Flattened()]
    region_px: _Corner
    model: ModelId
    plate: _Plate
    plate_options: _Options
    variants: Annotated[tuple[_Variant, ...], Length(1, limits.SAMPLES)]


@dataclass(frozen=True, slots=True)
class JobFolder:
    """A finished job: what was asked for, the model that made it, and the variants that are there."""

    folder: Path
    request: SampleRequest
    model_sha256: str
    variants: tuple[int, ...]
    as_body: bool

    @classmethod
    def read(cls, folder: Path, still: Path) -> JobFolder:
        """Read `job.json` and the plate; raises UsageError."""
        data = read_file(folder / JOB_FILE, MANIFEST_BYTES)
        plate = read_file(still)
        try:
            job = json.loads(data)
            _refuse_other_kinds(job)
            told: _Told = from_plain(_Told, _what_is_read(job), JOB_FILE)
            request = _request(told, plate, still.name)
        except (ValueError, RecursionError, ProtocolError) as error:
            raise UsageError(f"{folder / JOB_FILE} is not what `ipoke poke` wrote; name its folder.") from error
        if hashlib.sha256(plate).hexdigest() != told.plate.sha256:
            raise UsageError(f"{still} is not the plate of {folder}; name the file {told.plate.name} as it was then.")
        return cls(
            folder,
            request,
            told.model.sha256,
            tuple(variant.index for variant in told.variants),
            told.plate_options.thing_sha256 is not None,
        )

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
        return replace(InvertRequest.of_variant(new_job_id(), self.request, variant), as_body=self.as_body)


def _refuse_other_kinds(job: object) -> None:
    if isinstance(job, dict) and "kinematics" in job:
        raise UsageError("This variant replays a kinematics file; use that file itself.")
    if isinstance(job, dict) and "regions_px" in job:
        raise UsageError("The variants have several regions, each with its own motion; sample them with one --region.")


def _what_is_read(job: object) -> dict[str, Any]:
    """The fields of `_Told` out of what else stands in `job.json`."""
    if not isinstance(job, dict):
        raise ProtocolError(f"{JOB_FILE} must be a map.")
    told = {**_unset_options(), **_pick(_Told, job)}
    for name, kind in (("plate", _Plate), ("plate_options", _Options), ("model", ModelId)):
        told[name] = _pick(kind, told.get(name))
    if isinstance(told["plate_options"], dict):
        told["plate_options"] = {"layer": None, "thing_sha256": None, "whole_region": False, **told["plate_options"]}
    variants = told.get("variants")
    told["variants"] = [_pick(_Variant, variant) for variant in variants] if isinstance(variants, list) else variants
    return told


def _unset_options() -> dict[str, Any]:
    """What stands in `job.json` for no option of the sampling, as if it did."""
    return {name: value for name, value in to_plain(Sampling(seed=0)).items() if name != "seed"}


def _pick(kind: type, plain: Any) -> Any:
    """Those of a map's entries that are fields of `kind`; what is no map as it is."""
    return {name: plain[name] for name in entries(kind) if name in plain} if isinstance(plain, dict) else plain


def _request(told: _Told, plate: bytes, name: str) -> SampleRequest:
    """The request again; raises ProtocolError for one that no backend would take."""
    request = SampleRequest(
        job_id=new_job_id(),
        plate=plate,
        plate_name=name,
        pokes=tuple(Poke(*arrow) for arrow in told.pokes),
        region=Region(*told.region_px),
        samples=1,
        sampling=told.sampling,
        model=told.model.name,
        size=OutputSize.PLATE,
        playback=told.plate_options.playback,
        premultiplied=told.plate_options.premultiplied,
        upright=told.plate_options.upright,
        layer=told.plate_options.layer,
        whole_region=told.plate_options.whole_region,
    )
    encode(request.message())
    return request
