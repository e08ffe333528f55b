"""Owns the passes of a frame for compositing: one EXR file with motion vectors, STMap, occlusion and confidence.

Vector.X .Y   from here to where this stood in the frame before, px, y up; Vector.Z .W from where it goes to here,
              negated motion: Blender's convention of its own Vector pass (measured with Cycles, 4.5)
STMap.R .G    where the still shows this: u from the left, v from below, both 0 to 1 at pixel centres (x + 0.5) / width
occlusion.V   1 where something is shown that the still does not show: what was hidden behind
confidence.V  how far the model's motion is known there, rather than filled in
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ipoke_media.exr import write_exr
from ipoke_media.tags import Tags

from ..protocol.messages import Region
from .image import Field
from .region import bands, enlarged
from .render import Renderer, Rows

Half = NDArray[np.float16]
Planes = tuple[Field, Field, Half, Half]  # vector, stmap, occlusion, confidence

_ROUNDS = 6


@dataclass(frozen=True)
class Instant:
    """A region's renderer and its keys' weights (K,): in the frame before, in this one and in the one after."""

    renderer: Renderer
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
    for instant in instants:
        _add(instant, (vector, stmap, occlusion, confidence))
    planes = {f"Vector.{name}": plane for name, plane in zip("XYZW", vector, strict=True)}
    planes |= {f"STMap.{name}": plane for name, plane in zip("RG", stmap, strict=True)}
    tags = instants[0].renderer.plate.tags
    placed = Tags(pixel_aspect=tags.pixel_aspect, window=tags.window)
    return write_exr({**planes, "occlusion.V": occlusion, "confidence.V": confidence}, placed)


def _add(instant: Instant, passes: Planes) -> None:
    renderer, now = instant.renderer, instant.now
    if renderer.layers.box is None:
        return
    flows = [renderer.flow(weights) for weights in (instant.before, now, instant.after)]
    trust = np.tensordot(np.abs(now) / max(float(np.abs(now).sum()), 1e-9), renderer.motion.trust, 1).astype(np.float32)
    for band in bands(renderer.layers.box):
        _fill(renderer, band, flows, trust, passes)


def _fill(renderer: Renderer, band: Region, flows: list[Field], trust: Field, passes: Planes) -> None:
    vector, stmap, occlusion, confidence = passes
    width, height = renderer.plate.size_px
    place = (slice(band.y, band.y + band.h), slice(band.x, band.x + band.w))
    x, y = renderer.flow_in(band, flows[1])
    matte = renderer.matte_in(band, x, y)
    still = renderer.layers.matte[renderer.layers.at(band)]
    if renderer.lock is not None:
        matte, still = (plane * (renderer.lock[place] < 1) for plane in (matte, still))
    shown = matte >= 0.5
    columns = np.arange(band.x, band.x + band.w, dtype=np.float32)
    rows = np.arange(band.y, band.y + band.h, dtype=np.float32)[:, None]
    source = (columns + x, rows + y)
    stmap[0][place][shown] = ((source[0] + 0.5) / width)[shown]
    stmap[1][place][shown] = (1 - (source[1] + 0.5) / height)[shown]
    for first, sign, flow in ((0, 1, flows[0]), (2, -1, flows[2])):
        there = _place_in(renderer.region, flow, source, (columns + 0 * x, rows + 0 * y))
        vector[first][place][shown] = sign * (there[0] - columns)[shown]
        vector[first + 1][place][shown] = -sign * (there[1] - rows)[shown]
    moves = np.hypot(x, y) > 0.5
    np.maximum(occlusion[place] * ~shown, np.where(moves, still * (1 - matte), 0), out=occlusion[place], casting="same_kind")
    np.copyto(confidence[place], enlarged(trust, renderer.region, band), where=shown, casting="same_kind")


def _place_in(region: Region, flow: Field, source: tuple[Field, Field], guess: tuple[Field, Field]) -> tuple[Field, Field]:
    """Where the still's places `source` are in a frame with a backward flow: p = source - flow(p)."""
    x, y = guess
    across, down = flow.shape[2] / region.w, flow.shape[1] / region.h
    for _ in range(_ROUNDS):
        at_x = ((x + 0.5 - region.x) * across - 0.5).astype(np.float32)
        at_y = ((y + 0.5 - region.y) * down - 0.5).astype(np.float32)
        x, y = (
            origin - cv2.remap(plane, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for origin, plane in zip(source, flow, strict=True)
        )
    return x, y
