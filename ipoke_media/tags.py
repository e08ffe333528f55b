"""Owns what a still's file says about its pixels beside their values, and how that goes into the files made from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from . import icc, png
from .kinds import Kind

Chromaticities = tuple[float, ...]
REC709: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_NEAR = 1e-3
_MOST_ASPECT = 64.0
_MOST_NAME = 60


@dataclass(frozen=True)
class Window:
    """Where the picture (x, y) and the frame that it belongs to lie, in px; EXR only."""

    x: int
    y: int
    full_x: int
    full_y: int
    full_width: int
    full_height: int


@dataclass(frozen=True)
class Tags:
    """What goes along with the pixels, and in words what can't.

    `png_chunks` say in a PNG what the file says of its colours; `chromaticities` (x, y of red, green, blue, white) say it in
    an EXR. `lost_in_png` and `lost_in_exr` name what such a file can't say, `profile` what the colours are; all may be empty.
    `notes` are sentences for the user about what was read.
    """

    png_chunks: tuple[bytes, ...] = ()
    chromaticities: Chromaticities | None = None
    pixel_aspect: float = 1.0
    window: Window | None = None
    profile: str = ""
    lost_in_png: str = ""
    lost_in_exr: str = ""
    notes: tuple[str, ...] = ()

    @property
    def all_png_chunks(self) -> tuple[bytes, ...]:
        """What a PNG says of colours and the shape of pixels."""
        return self.png_chunks if self.pixel_aspect == 1 else (*self.png_chunks, png.aspect_chunk(self.pixel_aspect))

    def turned(self) -> Tags:
        """The same of a picture that was turned by a quarter."""
        return replace(self, pixel_aspect=1 / self.pixel_aspect, window=None)

    def resized(self) -> Tags:
        """The same of a picture at another size."""
        return replace(self, window=None)

    def of_colour(self) -> Tags:
        """Of these, what holds for any picture in the same colours."""
        return replace(self, window=None, pixel_aspect=1.0)


NO_TAGS = Tags()


def read_tags(data: bytes, kind: Kind, spec: Any, notes: tuple[str, ...]) -> Tags:
    """What the file says, given its header (an OpenImageIO ImageSpec)."""
    if kind is Kind.EXR:
        return _of_exr(spec, notes)
    aspect = _aspect(_number(spec, "YResolution"), _number(spec, "XResolution"))
    stored = spec.getattribute("ICCProfile")
    profile = b"" if stored is None else bytes(stored)
    chunks = png.colour_chunks(data) if kind is Kind.PNG else ()
    if profile and icc.colour_space(profile) != "RGB":
        name = _text(spec, "ICCProfile:profile_description") or "one without a name"
        space = icc.colour_space(profile) or "unknown"
        notes += (f"Its colour profile ({name}) is for {space} values; frames are RGB, as Blender shows it, and carry none.",)
        profile, chunks = b"", tuple(chunk for chunk in chunks if chunk[4:8] != b"iCCP")
    elif profile and not chunks:
        chunks = (png.profile_chunk(profile),)
    name = _colours(spec, profile, chunks)
    lost = f"the plate's colours ({name})" if name else ""
    return Tags(png_chunks=chunks, pixel_aspect=aspect, profile=name, lost_in_exr=lost, notes=notes)


def _of_exr(spec: Any, notes: tuple[str, ...]) -> Tags:
    aspect = _aspect(_number(spec, "PixelAspectRatio"), 1.0)
    window: Window | None = Window(spec.x, spec.y, spec.full_x, spec.full_y, spec.full_width, spec.full_height)
    if window == Window(0, 0, 0, 0, spec.width, spec.height):
        window = None
    stored = spec.getattribute("chromaticities")
    values = tuple(float(value) for value in stored) if isinstance(stored, tuple) and len(stored) == 8 else None
    if values is None or not all(math.isfinite(value) for value in values):
        return Tags(pixel_aspect=aspect, window=window, notes=notes)
    if all(abs(value - usual) < _NEAR for value, usual in zip(values, REC709, strict=True)):
        return Tags(chromaticities=values, pixel_aspect=aspect, window=window, notes=notes)
    fits = all(0 <= value < 20_000 for value in values)
    return Tags(
        png_chunks=png.primaries_chunks(values) if fits else (),
        chromaticities=values,
        pixel_aspect=aspect,
        window=window,
        profile="other primaries than Rec.709",
        lost_in_png="" if fits else "the plate's primaries, some of which are negative",
        notes=notes,
    )


def _colours(spec: Any, profile: bytes, chunks: tuple[bytes, ...]) -> str:
    """What colours are where they are not sRGB."""
    if b"cICP" not in [chunk[4:8] for chunk in chunks] and profile:
        name = _text(spec, "ICCProfile:profile_description") or "a profile without a name"
        return "" if icc.is_srgb(profile) else name
    return "" if png.is_srgb(chunks) else "another gamma, primaries or range than sRGB"


def _aspect(upper: float, lower: float) -> float:
    """How much wider than high a pixel is; 1 where the file says nothing that can be true."""
    aspect = upper / lower if upper > 0 and lower > 0 else 1.0
    return aspect if math.isfinite(aspect) and 1 / _MOST_ASPECT <= aspect <= _MOST_ASPECT and abs(aspect - 1) > _NEAR else 1.0


def _number(spec: Any, name: str) -> float:
    return float(spec.get_float_attribute(name, 0.0))


def _text(spec: Any, name: str) -> str:
    try:
        return "".join(c for c in str(spec.get_string_attribute(name)) if c.isprintable())[:_MOST_NAME]
    except UnicodeDecodeError:
        return ""
