"""Owns the passes of a frame for compositing: one EXR file with motion vectors, STMap, occlusion, confidence and matte.

Vector.X .Y   from here to where this stood in the frame before, px, y up; Vector.Z .W from where it goes to here,
              negated motion: Blender's convention of its own Vector pass (measured with Cycles, 4.5)
STMap.R .G    where the still shows this: u from the left, v from below, both 0 to 1 at pixel centres (x + 0.5) / width
occlusion.V   1 where something is shown that the still does not show: what was hidden behind
confidence.V  how far the model's motion is known there, rather than filled in
matte.V       how much of what moves is seen here, as it stands in this frame
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipoke_media.exr_writing import write_exr
from ipoke_media.tags import Tags

from .drawer import Drawer, Rows
from .image import Field
from .trace import Trace

Half = NDArray[np.float16]
Planes = tuple[Field, Field, Half, Half, Half]  # vector, stmap, occlusion, confidence, matte


@dataclass(frozen=True)
class Instant:
    """A region's renderer and its keys' weights (K,): in the frame before, in this one and in the one after."""

    renderer: Drawer
    before: Rows
    now: Rows
    after: Rows


def encode_passes(instants: Sequence[Instant]) -> bytes:
    """The passes of a frame as an EXR file, given what its regions show, the later one in front."""
    width, height = instants[0].renderer.plate.size_px
    vector = np.zeros((4, height, width), np.float32)
    stmap = np.empty((2, height, width), np.float32)
    stmap[0] = (np.arange(width, dtype=np.float32) + 0.5) / width
    stmap[1] = 1 - (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    occlusion, confidence = np.zeros((height, width), np.float16), np.ones((height, width), np.float16)
    matte = np.zeros((height, width), np.float16)
    for instant in instants:
        for trace in instant.renderer.traces(instant.before, instant.now, instant.after):
            _add(trace, instant.renderer.lock, (vector, stmap, occlusion, confidence, matte))
    planes = {f"Vector.{name}": plane for name, plane in zip("XYZW", vector, strict=True)}
    planes |= {f"STMap.{name}": plane for name, plane in zip("RG", stmap, strict=True)}
    tags = instants[0].renderer.plate.tags
    placed = Tags(pixel_aspect=tags.pixel_aspect, window=tags.window)
    planes |= {"occlusion.V": occlusion, "confidence.V": confidence, "matte.V": matte}
    return write_exr(planes, placed)


def _add(trace: Trace, lock: Field | None, passes: Planes) -> None:
    vector, stmap, occlusion, confidence, seen = passes
    height, width = occlusion.shape
    band, matte, still = trace.band, trace.shown, trace.still
    place = (slice(band.y, band.y + band.h), slice(band.x, band.x + band.w))
    if lock is not None:
        matte, still = (plane * (lock[place] < 1) for plane in (matte, still))
    shown = matte >= 0.5
    columns = np.arange(band.x, band.x + band.w, dtype=np.float32)
    rows = np.arange(band.y, band.y + band.h, dtype=np.float32)[:, None]
    stmap[0][place][shown] = ((trace.source[0] + 0.5) / width)[shown]
    stmap[1][place][shown] = (1 - (trace.source[1] + 0.5) / height)[shown]
    for first, sign, there in ((0, 1, trace.before), (2, -1, trace.after)):
        vector[first][place][shown] = sign * (there[0] - columns)[shown]
        vector[first + 1][place][shown] = -sign * (there[1] - rows)[shown]
    uncovered = np.where(trace.moves, still * (1 - matte), 0)
    np.maximum(occlusion[place] * ~shown, uncovered, out=occlusion[place], casting="same_kind")
    np.copyto(confidence[place], trace.trust, where=shown, casting="same_kind")
    seen[place] += (1 - seen[place]) * matte.astype(np.float16)
