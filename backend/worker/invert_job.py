"""Owns one inversion inside the worker: the frames of a clip, or a variant's plate, in; kinematics out. No torch, no sockets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from ..kinematics_file import FORMAT, Kinematics, KinematicsInfo, ModelId, values_sha256, write_kinematics
from ..plate.errors import PlateError
from ..plate.image import PlateImage, decode_plate
from ..plate.region import check_region, default_region, model_input, pokes_in_region
from ..protocol import messages
from ..protocol.messages import Invert, JobSummary, Poke, Region
from .asked_thing import seen_thing, thing_of
from .model_port import Fetch, Field, JobCancelledError, KinematicsModel, PokesError, SeenThing, Tell
from .versions import own_versions

_MOTION_SIDE_PX = 256
_SMOOTH_PX = 9
_LEAST_MOTION = 0.005


class InvertJob:
    """Runs one request: `fetch(sha256)` brings an uploaded frame, `tell(message, *raw)` sends, `cancelled()` is asked often."""

    def __init__(self, request: Invert, model: KinematicsModel) -> None:
        """Raises PlateError when the clip has not as many frames as the model makes, and the still before them."""
        wanted = model.entry.frames + 1
        if request.variant is None and len(request.frame_sha256s) != wanted:
            have = len(request.frame_sha256s)
            raise PlateError(f"{model.entry.name} inverts clips of {wanted} frames, not {have}; choose {wanted} of them.")
        self._arrows = tuple(poke for poke in request.pokes if not poke.is_pin)
        if len(self._arrows) > model.entry.max_pokes:
            most, have = model.entry.max_pokes, len(self._arrows)
            raise PokesError(f"{model.entry.name} takes at most {most} pokes, not {have}; remove some.")
        self._pins = np.array([[poke.x, poke.y] for poke in request.pokes if poke.is_pin]).reshape(-1, 2)
        self._request = request
        self._model = model

    def run(self, tell: Tell, fetch: Fetch, cancelled: Callable[[], bool]) -> None:
        """Read the frames, invert them, send the kinematics; raises JobCancelledError and PlateError."""
        request, sha256s = self._request, self._request.frame_sha256s
        first = self._decode(fetch(sha256s[0]), 0)
        frames = (self._decode(fetch(sha256), number) for number, sha256 in enumerate(sha256s))
        pokes = self._arrows or (strongest_motion(frames),)
        thing = thing_of(request, first, pokes, fetch)
        region = request.region or default_region(first, pokes, thing)
        check_region(region, first.size_px, pokes)
        clip = np.empty((len(sha256s), 3, self._model.entry.size_px, self._model.entry.size_px), np.float32)
        for number, sha256 in enumerate(sha256s):
            frame = first if number == 0 else self._decode(fetch(sha256), number)
            if frame.size_px != first.size_px:
                raise PlateError(f"Frame {number} of the clip has another size than the first; use frames of one size.")
            clip[number] = model_input(frame, region, self._model.entry.size_px)
            tell(messages.Progress(request.job_id, "decode", number + 1, len(sha256s), None))
            if cancelled():
                raise JobCancelledError
        tell(messages.Progress(request.job_id, "invert", 0, 0, None))
        seen = None if thing is None else seen_thing(thing, self._pins, region, self._model.entry.size_px)
        residual = self._residual(clip, pokes_in_region(pokes, region, first.size_px), seen)
        data = write_kinematics(self._kinematics(residual, self._model.features(clip[0]), pokes, region, first.size_px))
        tell(messages.Kinematics(request.job_id, hashlib.sha256(data).hexdigest()), data)
        tell(messages.Finished(request.job_id, self._summary(region, first)))

    def _decode(self, data: bytes, number: int) -> PlateImage:
        request = self._request
        try:
            return decode_plate(data, upright=request.upright, premultiplied=request.premultiplied, layer=request.layer)
        except PlateError as error:
            raise PlateError(f"Picture {number + 1} of the {len(request.frame_sha256s)}: {error.sentence}") from error

    def _residual(self, clip: Field, pokes: NDArray[np.float64], thing: SeenThing | None) -> Field:
        if self._request.variant is not None:
            as_body = self._request.as_body or thing is not None
            return self._model.variant_residual(clip[0], pokes, self._request.variant, as_body=as_body, thing=thing)
        return self._model.invert(clip, pokes, thing)

    def _kinematics(
        self, residual: Field, features: Field, pokes: tuple[Poke, ...], region: Region, size_px: tuple[int, int]
    ) -> Kinematics:
        entry = self._model.entry
        info = KinematicsInfo(
            format=FORMAT,
            model=ModelId(entry.name, entry.sha256),
            frames=entry.frames,
            pokes=pokes,
            region_px=(region.x, region.y, region.w, region.h),
            clip_size_px=size_px,
            source=self._request.source,
            frame_sha256s=self._request.frame_sha256s,
            values_sha256=values_sha256(residual, features),
            versions=own_versions() + self._model.versions,
            variant=self._request.variant,
        )
        return Kinematics(residual, features, info)

    def _summary(self, region: Region, first: PlateImage) -> JobSummary:
        return JobSummary(
            model=self._model.entry,
            plate_sha256=self._request.frame_sha256s[0],
            plate_size_px=first.size_px,
            region_px=(region.x, region.y, region.w, region.h),
            output_size_px=(self._model.entry.size_px, self._model.entry.size_px),
            depth_bits=first.depth_bits,
            frames=self._model.entry.frames,
            colour="",
            versions=own_versions() + self._model.versions,
        )


def strongest_motion(frames: Iterable[PlateImage]) -> Poke:
    """A poke at the place that moves most over a clip, to where it ends; raises PokesError when nothing moves."""
    total, before = np.zeros((_MOTION_SIDE_PX, _MOTION_SIDE_PX, 2), np.float32), None
    rows, columns = np.indices(total.shape[:2], dtype=np.float32)
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for frame in frames:
        grey = _small_grey(frame)
        if before is not None:
            step = estimator.calc(before, grey, np.zeros_like(total))
            places = (columns + total[..., 0], rows + total[..., 1])
            total += cv2.remap(step, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        before = grey
    smooth = cv2.blur(total, (_SMOOTH_PX, _SMOOTH_PX))
    tails = (np.stack((columns, rows), axis=-1) + 0.5) / _MOTION_SIDE_PX
    moves = np.clip(tails + smooth / _MOTION_SIDE_PX, 0.0, 1.0) - tails  # what leaves the picture moves as far as its edge
    strongest = np.unravel_index(int(np.linalg.norm(moves, axis=-1).argmax()), moves.shape[:2])
    (x, y), (dx, dy) = tails[strongest].tolist(), moves[strongest].tolist()
    if (most := max(abs(dx), abs(dy))) < _LEAST_MOTION:
        raise PokesError(
            f"Nothing moves in this clip by {_LEAST_MOTION:.1%} of its side (at most {most:.2%}); choose another one, or say "
            "with a poke what moves."
        )
    return Poke(x, y, dx, dy)


def _small_grey(image: PlateImage) -> NDArray[np.uint8]:
    rgb = model_input(image, Region(0, 0, *image.size_px), _MOTION_SIDE_PX)
    return np.rint((rgb.mean(axis=0) + 1) * 127.5).astype(np.uint8)
