"""Small videos of every kind, made with PyAV itself."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
CLOCK = 1000
"""Ticks a second of `times_ms`."""


def marked(width: int = 96, height: int = 64, seed: int = 0) -> Picture:
    """(height, width, 3): four quarters, from the top left in reading order red, green, blue and grey by `seed`."""
    picture = np.empty((height, width, 3), np.uint8)
    y, x = height // 2, width // 2
    picture[:y, :x], picture[:y, x:], picture[y:, :x], picture[y:, x:] = (
        (200, 30, 30),
        (30, 180, 30),
        (30, 30, 200),
        10 * seed + 40,
    )
    return picture


def counting(count: int, width: int = 96, height: int = 64) -> list[Picture]:
    """Frames whose last quarter tells their number."""
    return [marked(width, height, number) for number in range(count)]


def told(frame: Picture) -> int:
    """The number that a frame of `counting` tells."""
    height, width = frame.shape[:2]
    return round((float(frame[3 * height // 4, 3 * width // 4].mean()) - 40) / 10)


def write(
    path: Path,
    frames: Sequence[Picture],
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    *,
    times_ms: Sequence[int] | None = None,
    rotation: int | None = None,
    flip: bool = False,
    pixel_aspect: Fraction | None = None,
    colour: tuple[int, int] | None = None,
    transfer: int | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write frames (RGB, or RGBA as (H, W, 4)) at 25 a second or at `times_ms`; `colour` is matrix and range, as tagged."""
    with av.open(f"file:{path.absolute()}", "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options or {"crf": "4"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if times_ms is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, CLOCK)
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=flip)
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if colour is not None:
            stream.codec_context.colorspace, stream.codec_context.color_range = colour
        if transfer is not None:
            stream.codec_context.color_trc, stream.codec_context.color_primaries = transfer, 9 if transfer > 1 else 1
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgba" if picture.shape[2] == 4 else "rgb24")
            if pix_fmt not in ("rgba", "argb"):
                matrix = Colorspace.ITU709 if colour is not None and colour[0] == 1 else Colorspace.ITU601
                full = ColorRange.JPEG if colour is not None and colour[1] == 2 else ColorRange.MPEG
                frame = frame.reformat(format=pix_fmt, dst_colorspace=matrix, dst_color_range=full)
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[number], Fraction(1, CLOCK)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path, cover: Picture | None = None) -> Path:
    """A second of silence; with a cover as an attached picture."""
    with av.open(f"file:{path.absolute()}", "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        picture = None
        if cover is not None:
            picture = container.add_stream("png", rate=25)
            picture.height, picture.width, picture.pix_fmt = *cover.shape[:2], "rgb24"
            picture.disposition = av.stream.Disposition.attached_pic
            container.mux(picture.encode(av.VideoFrame.from_ndarray(cover, format="rgb24")))
        for _ in range(43):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 44100
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
