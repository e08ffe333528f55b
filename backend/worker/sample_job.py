"""Owns one sampling job inside the worker: plate in, model steps through, encoded frames out. No torch, no sockets.

Variants are sampled a few at a time, in groups that begin at fixed indices, so that the first ones are whole early and
the memory does not grow with their number. A variant is the same to the byte however many are asked for together.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_media.tags import Tags

from ..plate.errors import PlateError
from ..plate.image import FLOAT_BITS, PlateImage, check_depth, encode_frame
from ..plate.posed_mesh import PosedMesh, pictures_of
from ..plate.region import box_around, check_region, default_region, model_input, pokes_in_region, shared_out
from ..plate.scene import Scene, worst_seam
from ..plate.stage import Stage, lock_of
from ..plate.stream import ordered
from ..protocol import messages
from ..protocol.errors import ProtocolError
from ..protocol.messages import JobSummary, OutputSize, Playback, Poke, Region, Sample
from .asked_thing import decode_file, seen_thing, thing_of
from .model_port import Fetch, Field, JobCancelledError, PokesError, Tell, VariantModel
from .takes import Clips, Plan, Takes, View, sampling_of_region
from .versions import own_versions

PREVIEW_SIDE_PX = 512


@dataclass(frozen=True)
class _Planned:
    """A variant with its clips and, unless frames of the model's own size are asked for, what it does to each view."""

    variant: int
    takes: list[Takes]
    plans: list[Plan]


class SampleJob:
    """Runs one request. `tell(message, *raw)` sends; `cancelled()` is asked often; `fetch(sha256)` brings an upload."""

    def __init__(self, request: Sample, model: VariantModel, plate: PlateImage, fetch: Fetch | None = None) -> None:
        self._request = request
        self._model = model
        self._playback = request.playback or Playback()
        if len(request.kept) >= self._frames:
            sentence = f"There are {self._frames} frames, and {len(request.kept)} are kept; leave the last one out of kept."
            raise ProtocolError(sentence, "kept")
        if request.size is OutputSize.PLATE:
            check_depth(plate, request.depth_bits)
        self._plate = plate
        self._arrows = tuple(poke for poke in request.pokes if not poke.is_pin)
        self._pins = np.array([[poke.x, poke.y] for poke in request.pokes if poke.is_pin]).reshape(-1, 2)
        thing = self._thing(plate, fetch)
        shares = self._shares(plate, thing)
        clean = None if request.clean_sha256 is None else self._clean_plate(plate, fetch)
        lock = None if request.lock_sha256 is None else self._lock(plate, fetch)
        self._views = [self._view(plate, *share, clean, lock, thing, index) for index, share in enumerate(shares)]

    def run(self, tell: Tell, cancelled: Callable[[], bool]) -> None:
        """Sample every variant and send its frames as they are made; raises JobCancelledError."""
        job_id, summary = self._request.job_id, self._summary()
        # The cores are kept busy by whole frames; OpenCV's own threads would only stand in their way.
        cv2.setNumThreads(1)
        tell(messages.Prepared(job_id, summary))
        with ThreadPoolExecutor(1) as aside, closing(self._planned(cancelled)) as planned:
            aside.submit(self._prepare_stages)
            self._tell_variants(planned, tell, cancelled)
        tell(messages.Finished(job_id, summary))

    def _prepare_stages(self) -> None:
        """Compute what the stages share, while the model draws; what fails here fails again for who asks for it."""
        for view in self._views:
            if view.stage is not None:
                view.stage.prepare()

    def _planned(self, cancelled: Callable[[], bool]) -> Generator[_Planned, None, None]:
        """The variants in order, each planned on a thread of its own while the one before is rendered."""
        request, together = self._request, max(1, self._model.group // self._playback.chain)

        def drawn() -> Iterator[tuple[int, list[Takes], list[list[Clips]]]]:
            for variants in _groups(request.first, request.samples, together):
                takes = [Takes(view, self._model, self._playback, variants, cancelled) for view in self._views]
                for variant in variants:
                    on_plate = request.size is not OutputSize.MODEL
                    yield variant, takes, [take.drawn(variant) for take in takes] if on_plate else []

        def plan(one: tuple[int, list[Takes], list[list[Clips]]]) -> _Planned:
            variant, takes, clips = one
            return _Planned(variant, takes, [take.plan(own) for take, own in zip(takes, clips, strict=False)])

        return ordered(plan, drawn(), threads=1)

    def _tell_variants(self, planned: Iterator[_Planned], tell: Tell, cancelled: Callable[[], bool]) -> None:
        job_id, request = self._request.job_id, self._request
        mesh = self._tell_mesh(tell) if request.mesh else None
        kept = len(request.kept)
        wanted = self._frames if request.frames else 1
        started_s, done, total = time.monotonic(), kept, request.samples * wanted
        for one in planned:
            if cancelled():
                raise JobCancelledError
            poses_sha256 = None if mesh is None else self._tell_poses(tell, one.variant, mesh, one.plans[0])
            hashes = list(request.kept)
            rendered = self._rendered(one) if request.frames else iter(())
            for t, (image, passes) in enumerate(rendered, start=1 + kept):
                if cancelled():
                    raise JobCancelledError
                if passes:
                    tell(messages.Passes(job_id, one.variant, t), passes)
                tell(messages.Frame(job_id, one.variant, t), image)
                hashes.append(hashlib.sha256(image).hexdigest())
                done += 1
                eta_s = (time.monotonic() - started_s) / (done - kept) * (total - done)
                tell(messages.Progress(job_id, "sample", done, total, eta_s))
            if not request.frames:
                if cancelled():
                    raise JobCancelledError
                done += 1
                tell(messages.Progress(job_id, "sample", done, total, None))
            seam = worst_seam([plan.timeline for plan in one.plans])
            tell(messages.VariantDone(job_id, one.variant, tuple(hashes), seam, poses_sha256))

    @property
    def _frames(self) -> int:
        return self._playback.frames_of(self._model.entry.frames)

    def _shares(self, plate: PlateImage, thing: Field | None) -> list[tuple[Region, tuple[Poke, ...]]]:
        """The regions with their pokes; raises RegionError and PokesError."""
        request, entry = self._request, self._model.entry
        if request.regions:
            shares = list(zip(request.regions, shared_out(self._arrows, request.regions, plate.size_px), strict=True))
        else:
            shares = [(request.region or default_region(plate, self._arrows, thing), self._arrows)]
        for region, pokes in shares:
            if len(pokes) > entry.max_pokes:
                raise PokesError(f"{entry.name} takes at most {entry.max_pokes} pokes, not {len(pokes)}; remove some.")
            check_region(region, plate.size_px, pokes)
        return shares

    def _view(
        self,
        plate: PlateImage,
        region: Region,
        pokes: tuple[Poke, ...],
        clean: PlateImage | None,
        lock: Field | None,
        thing: Field | None,
        index: int,
    ) -> View:
        inside = pokes_in_region(pokes, region, plate.size_px)
        x0 = model_input(plate, region, self._model.entry.size_px)
        sampling = sampling_of_region(self._request.sampling, index)
        arrows = np.array([[poke.x, poke.y, poke.dx, poke.dy] for poke in pokes])
        free = self._request.free_ground
        stage = self._prepare(Stage(plate, region, clean, lock, thing, arrows, self._pins, free))
        seen = None if thing is None else seen_thing(thing, self._pins, region, self._model.entry.size_px)
        return View(region, x0, inside, sampling, seen, stage)

    def _tell_mesh(self, tell: Tell) -> PosedMesh:
        """Send the body of the thing at rest, its picture and the plate without it; raises PlateError where nothing is a body."""
        stage = self._views[0].stage
        assert stage is not None
        if stage.thing is None:
            raise PlateError("A mesh is made of a thing that moves as a body, and nothing says what the thing is; give its mask.")
        mesh, depth_bits = PosedMesh.of(stage.body), self._request.depth_bits
        rest = mesh.carried(stage.body.rest[None])
        pictures = pictures_of(stage.plate, stage.parted)
        files = [encode_frame(picture, depth_bits) for picture in pictures]
        told = messages.BodyMesh(self._request.job_id, stage.plate.size_px)
        tell(told, mesh.triangles.astype("<i4").tobytes(), _floats(rest), *files)
        return mesh

    def _tell_poses(self, tell: Tell, variant: int, mesh: PosedMesh, plan: Plan) -> str:
        """Send how a variant's body moves; returns the hash of that."""
        poses = _floats(mesh.carried(plan.poses()))
        tell(messages.BodyPoses(self._request.job_id, variant), poses)
        return hashlib.sha256(poses).hexdigest()

    def _rendered(self, one: _Planned) -> Iterator[tuple[bytes, bytes]]:
        """Encoded frames and passes (empty where none are wanted) of a variant in order, but for those kept."""
        depth_bits = self._request.depth_bits
        if self._request.size is OutputSize.MODEL:
            made = one.takes[0].frames(one.variant)
            tags = self._plate.tags.of_colour()
            return ((encode_frame(_model_picture(shown.frame, depth_bits, tags), depth_bits), b"") for shown in made)
        scene = Scene([plan.part() for plan in one.plans])

        def make(index: int) -> tuple[bytes, bytes]:
            passes = scene.passes(index) if self._request.passes else b""
            return encode_frame(scene.frame(index), depth_bits), passes

        return ordered(make, range(len(self._request.kept), scene.count))

    def _prepare(self, stage: Stage) -> Stage | None:
        if self._request.size is OutputSize.MODEL:
            self._output_px = (self._model.entry.size_px, self._model.entry.size_px)
            return None
        if self._request.size is OutputSize.PREVIEW:
            stage = stage.shrunk(PREVIEW_SIDE_PX)
        self._output_px = stage.plate.size_px
        return stage

    def _clean_plate(self, plate: PlateImage, fetch: Fetch | None) -> PlateImage:
        assert fetch is not None
        assert self._request.clean_sha256 is not None
        clean = self._decode(fetch(self._request.clean_sha256), "clean plate")
        if clean.size_px != plate.size_px or clean.bgr.dtype != plate.bgr.dtype or (clean.alpha is None) != (plate.alpha is None):
            raise PlateError("The clean plate has another size, depth or channels than the plate; save it like the plate.")
        return clean

    def _thing(self, plate: PlateImage, fetch: Fetch | None) -> Field | None:
        """What the pokes move as a body; None where the region moves as a whole."""
        request = self._request
        thing = None if request.regions else thing_of(request, plate, self._arrows, fetch)
        if thing is None and len(self._pins):
            raise PokesError("Pins hold a thing, and nothing says what the thing is; give its mask, or leave the pins out.")
        return thing

    def _lock(self, plate: PlateImage, fetch: Fetch | None) -> Field:
        assert fetch is not None
        assert self._request.lock_sha256 is not None
        mask = self._decode(fetch(self._request.lock_sha256), "lock mask")
        if mask.size_px != plate.size_px:
            raise PlateError("The lock mask has another size than the plate; paint it at the plate's size.")
        return lock_of(mask)

    def _decode(self, data: bytes, what: str) -> PlateImage:
        return decode_file(data, what, self._request)

    def _summary(self) -> JobSummary:
        region = box_around([view.region for view in self._views])
        return JobSummary(
            model=self._model.entry,
            plate_sha256=self._request.plate_sha256,
            plate_size_px=self._plate.size_px,
            region_px=(region.x, region.y, region.w, region.h),
            output_size_px=self._output_px,
            depth_bits=self._request.depth_bits,
            frames=self._frames,
            colour=_colour_of(self._plate, self._request.depth_bits),
            versions=own_versions() + self._model.versions,
            regions=self._request.regions,
            pose_difference=self._model.pose_difference(self._views[0].x0),
            layer=self._plate.layer or None,
        )


def _floats(values: NDArray[np.float64]) -> bytes:
    return values.astype("<f4").tobytes()


def _colour_of(plate: PlateImage, depth_bits: int) -> str:
    """What the values of frames of that depth mean, in words."""
    if depth_bits == FLOAT_BITS:
        return "linear light, premultiplied alpha" + (f", {plate.tags.profile}" if plate.tags.profile else "")
    alpha = "premultiplied" if plate.premultiplied and not plate.is_float else "straight"
    return f"{plate.tags.profile or 'sRGB'} as stored in the plate, {alpha} alpha"


def _model_picture(frame: Field, depth_bits: int, tags: Tags) -> PlateImage:
    """A decoded frame (3, S, S) in [-1, 1] as an image."""
    peak = 255 if depth_bits == 8 else 65535
    unit = np.clip((frame[::-1].transpose(1, 2, 0) + 1.0) * 0.5, 0, 1)
    return PlateImage(np.rint(unit * peak).astype(np.uint8 if depth_bits == 8 else np.uint16), None, tags=tags)


def _groups(first: int, samples: int, size: int) -> Iterator[range]:
    end = first + samples
    while first < end:
        stop = min(end, (first // size + 1) * size)
        yield range(first, stop)
        first = stop
