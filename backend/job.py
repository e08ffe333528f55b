"""Owns one sampling job inside the worker: plate in, model steps through, encoded frames out. No torch, no sockets.

Variants are sampled a few at a time, in groups that begin at fixed indices, so that the first ones are whole early and
the memory does not grow with their number. A variant is the same to the byte however many are asked for together.
"""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .plate.image import PlateImage, encode_png, shrink
from .plate.region import check_region, default_region, model_input, pokes_in_region, scaled_region
from .plate.render import Renderer
from .protocol import messages
from .protocol.errors import ErrorCode, IpokeError
from .protocol.messages import JobSummary, ModelEntry, OutputSize, Region, Sample, Version
from .protocol.version import PRODUCT_VERSION

PREVIEW_SIDE_PX = 512
GROUP = 8
COLOUR = "sRGB as stored in the plate, straight alpha"

Field = NDArray[np.float32]
Tell = Callable[..., None]


@dataclass(frozen=True, slots=True)
class ModelFrame:
    """Frame `t` of a variant: RGB (3, S, S) in [-1, 1], backward flow (2, S, S) and visibility (S, S) or None."""

    variant: int
    t: int
    frame: Field
    flow: Field | None
    visibility: Field | None


class VariantModel(Protocol):
    """What a job needs of a model."""

    entry: ModelEntry
    versions: tuple[Version, ...]

    def frames(
        self, x0: Field, pokes: NDArray[np.float64], seed: int, variants: range, cancelled: Callable[[], bool]
    ) -> Iterator[ModelFrame]:
        """Frames 1..T of some variants, all of them at t before the first at t + 1."""


class PokesError(IpokeError):
    """The model can't take these pokes."""

    code = ErrorCode.BAD_POKES


class JobCancelledError(IpokeError):
    """The job was stopped on request."""

    def __init__(self) -> None:
        super().__init__("The job was cancelled.")


class SampleJob:
    """Runs one request. `tell(message, *raw)` sends; `cancelled()` is asked often."""

    def __init__(self, request: Sample, model: VariantModel, plate: PlateImage) -> None:
        most = model.entry.max_pokes
        if len(request.pokes) > most:
            raise PokesError(f"{model.entry.name} takes at most {most} pokes, not {len(request.pokes)}; remove some.")
        self._request = request
        self._model = model
        self._plate_size_px = plate.size_px
        self._region = request.region or default_region(plate.size_px, request.pokes)
        check_region(self._region, plate.size_px, request.pokes)
        self._x0 = model_input(plate, self._region, model.entry.size_px)
        self._pokes = pokes_in_region(request.pokes, self._region, plate.size_px)
        self._output_px, self._renderer = self._prepare(plate, self._region)

    def run(self, tell: Tell, cancelled: Callable[[], bool]) -> None:
        """Sample every variant and send its frames as they are made; raises JobCancelledError."""
        job_id, frames = self._request.job_id, self._model.entry.frames
        summary = self._summary()
        tell(messages.Prepared(job_id, summary))
        started_s, done, total = time.monotonic(), 0, self._request.samples * frames
        for variants in _groups(self._request.first, self._request.samples):
            hashes: dict[int, list[str]] = {variant: [] for variant in variants}
            for made in self._model.frames(self._x0, self._pokes, self._request.seed, variants, cancelled):
                image = encode_png(self._render(made), self._request.depth_bits)
                if cancelled():
                    raise JobCancelledError
                hashes[made.variant].append(hashlib.sha256(image).hexdigest())
                tell(messages.Frame(job_id, made.variant, made.t), image)
                done += 1
                eta_s = (time.monotonic() - started_s) / done * (total - done)
                tell(messages.Progress(job_id, "sample", done, total, eta_s))
            for variant in variants:
                tell(messages.VariantDone(job_id, variant, tuple(hashes[variant])))
        tell(messages.Finished(job_id, summary))

    def _prepare(self, plate: PlateImage, region: Region) -> tuple[tuple[int, int], Renderer | None]:
        if self._request.size is OutputSize.MODEL:
            return (self._model.entry.size_px, self._model.entry.size_px), None
        if self._request.size is OutputSize.PREVIEW:
            small = shrink(plate, PREVIEW_SIDE_PX)
            region = scaled_region(region, plate.size_px, small.size_px)
            plate = small
        return plate.size_px, Renderer(plate, region, self._x0)

    def _render(self, made: ModelFrame) -> PlateImage:
        if self._renderer is not None:
            return self._renderer.render(made.frame, made.flow, made.visibility)
        peak = 2**self._request.depth_bits - 1
        unit = np.clip((made.frame[::-1].transpose(1, 2, 0) + 1.0) * 0.5, 0, 1)
        return PlateImage(np.rint(unit * peak).astype(np.uint8 if peak == 255 else np.uint16), None)

    def _summary(self) -> JobSummary:
        region = self._region
        own = (
            Version("ipoke", PRODUCT_VERSION),
            Version("python", platform.python_version()),
            Version("numpy", np.__version__),
            Version("opencv", cv2.__version__),
        )
        return JobSummary(
            model=self._model.entry,
            plate_sha256=self._request.plate_sha256,
            plate_size_px=self._plate_size_px,
            region_px=(region.x, region.y, region.w, region.h),
            output_size_px=self._output_px,
            depth_bits=self._request.depth_bits,
            frames=self._model.entry.frames,
            colour=COLOUR,
            versions=own + self._model.versions,
        )


def _groups(first: int, samples: int) -> Iterator[range]:
    end = first + samples
    while first < end:
        stop = min(end, (first // GROUP + 1) * GROUP)
        yield range(first, stop)
        first = stop
