"""Owns reading a still from the bytes of its file, as Blender reads it: size, stored values, alpha, and what goes with them.

The kind is told by the first bytes, the size by the header, before memory is taken; nothing is read but the picture that is
asked for. A file that is cut off, or that a decoder complains about, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import jpeg, png
from .errors import ImageError
from .kinds import Kind, kind_of
from .layers import Layer, Part, layers_of, listed, shown_layer
from .library import MOST_CHANNELS, MOST_DECODED_BYTES, Decoder, damaged, opened
from .tags import Tags, read_tags

Pixels = NDArray[Any]  # uint8, uint16, float16 or float32

SIDE_PX = 8192
PHOTOGRAPH_SIDE_PX = 32768
"""Of pictures that a user has chosen to learn from or to look at, which no stranger sends."""
MOST_PARTS = 256
UPRIGHT = 1


@dataclass(frozen=True)
class Picture:
    """A still: `rgb` (H, W, 3) and `alpha` (H, W) or None, of one type, with its values as stored and as it lies in the file.

    uint8 and uint16 are encoded for display; float16 and float32 are linear light without bounds. `premultiplied` says that
    Blender takes the colour as multiplied by alpha: that of every EXR, and of TIFF with four channels of 16 bits.
    `orientation` (1..8, EXIF) is how a camera was held, which Blender does not look at. `layer` is empty where there is one.
    """

    rgb: Pixels
    alpha: Pixels | None
    premultiplied: bool
    orientation: int
    layer: str
    tags: Tags

    def upright(self) -> Picture:
        """The picture turned and mirrored as its orientation says."""
        if self.orientation == UPRIGHT:
            return self
        alpha = None if self.alpha is None else _turned(self.alpha, self.orientation)
        tags = self.tags.turned() if self.orientation > 4 else self.tags
        return replace(self, rgb=_turned(self.rgb, self.orientation), alpha=alpha, orientation=UPRIGHT, tags=tags)


def read_image(data: bytes, *, layer: str | None = None, side_px: int = SIDE_PX) -> Picture:
    """Read a still of at most `side_px` a side; of an EXR the layer of that name, or else the one that Blender shows.

    Raises:
        ImageError: the file is of a kind that is not taken, too large, damaged, or has no such layer.
    """
    kind = kind_of(data)
    with opened(data, kind) as decoder:
        if kind is Kind.EXR:
            return _read_exr(decoder, data, layer, side_px)
        if layer is not None:
            raise ImageError(f"The image is a {kind.label} file, which has no layers; leave out the layer {layer}.")
        return _read_flat(decoder, data, kind, side_px)


def load_rgba8(path: Path, *, side_px: int = PHOTOGRAPH_SIDE_PX) -> NDArray[np.uint8]:
    """The still of a file as (H, W, 3) or, where it has alpha, (H, W, 4) uint8 RGB(A), upright; 16 bits are rounded.

    Raises:
        ImageError: `read_image` refuses it, it can't be opened, or it stores linear light.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"The image can't be opened ({error.strerror}); check its path.") from error
    picture = read_image(data, side_px=side_px).upright()
    if picture.rgb.dtype.kind == "f":
        raise ImageError("The image stores linear light; save it as an 8-bit PNG or JPEG.")
    pixels = picture.rgb if picture.alpha is None else np.dstack([picture.rgb, picture.alpha])
    rounded = pixels if pixels.dtype == np.uint8 else (pixels.astype(np.uint32) + 128) // 257
    return np.ascontiguousarray(rounded, np.uint8)


def _read_flat(decoder: Decoder, data: bytes, kind: Kind, side_px: int) -> Picture:
    spec = _header(decoder, 0, kind)
    _check_size(spec, kind, side_px)
    _check_whole(data, kind)
    if str(spec.format) not in (("float",) if kind is Kind.HDR else ("uint8", "uint16")):
        raise ImageError(f"The image has {spec.format} values; save it with 8 or 16 bits a channel, or light as EXR.")
    if not 1 <= spec.nchannels <= 4:
        raise ImageError(f"The image has {spec.nchannels} channels; save it as grey, RGB or RGBA.")
    tags = read_tags(data, kind, spec, ())
    pixels = decoder.read(0, 0, spec.nchannels, str(spec.format))
    rgb, alpha = _split(pixels)
    premultiplied = kind is Kind.TIFF and pixels.dtype == np.uint16 and pixels.shape[2] == 4
    orientation = int(spec.get_int_attribute("Orientation", UPRIGHT))
    return Picture(rgb, alpha, premultiplied, orientation if 1 <= orientation <= 8 else UPRIGHT, "", tags)


def _read_exr(decoder: Decoder, data: bytes, wanted: str | None, side_px: int) -> Picture:
    specs = _parts(decoder)
    for spec in specs:
        _check_size(spec, Kind.EXR, side_px)
    layers = layers_of([Part(_part_name(spec) if len(specs) > 1 else "", tuple(spec.channelnames)) for spec in specs])
    layer = shown_layer(layers, wanted)
    spec = specs[layer.part]
    if spec.deep:
        raise ImageError("The image is a deep EXR, with many samples a pixel; flatten it (Nuke: DeepToImage) and save it again.")
    notes = (f"It has {len(layers)} layers, of which {layer.name} is used: {listed(layers)}.",) if len(layers) > 1 else ()
    tags = read_tags(data, Kind.EXR, spec, notes)
    planes = _planes(decoder, layer, [_type_of(spec, place) for place in layer.places])
    rgb, alpha = _split(planes)
    return Picture(rgb, alpha, True, UPRIGHT, layer.name if len(layers) > 1 else "", tags)


def _parts(decoder: Decoder) -> list[Any]:
    specs: list[Any] = [_header(decoder, 0, Kind.EXR)]
    count = int(specs[0].get_int_attribute("oiio:subimages", 1))
    if count > MOST_PARTS:
        raise ImageError(f"The image is an EXR of {count} parts; save it with at most {MOST_PARTS}.")
    return specs + [_header(decoder, index, Kind.EXR) for index in range(1, count)]


def _planes(decoder: Decoder, layer: Layer, types: list[str]) -> Pixels:
    """The layer's channels, colour first, as (H, W, C) of the least type that holds them."""
    places, first = layer.places, layer.places[0]
    if len(set(types)) == 1 and places == tuple(range(first, first + len(places))):
        pixels = decoder.read(layer.part, first, first + len(places), types[0])
    else:
        planes = [decoder.read(layer.part, place, place + 1, dtype) for place, dtype in zip(places, types, strict=True)]
        pixels = np.concatenate(planes, axis=2)
    return pixels if pixels.dtype == np.float16 else pixels.astype(np.float32, copy=False)


def _header(decoder: Decoder, index: int, kind: Kind) -> Any:
    spec = decoder.part(index)
    if spec is None:
        raise ImageError(damaged(kind))
    return spec


def _check_size(spec: Any, kind: Kind, side_px: int) -> None:
    if max(spec.width, spec.height) > side_px:
        raise ImageError(f"The image has {spec.width} x {spec.height} px; scale it to at most {side_px} px a side.")
    if spec.depth > 1:
        raise ImageError("The image is a volume, not a picture; save one slice of it.")
    if spec.nchannels > MOST_CHANNELS or spec.image_bytes(native=True) > MOST_DECODED_BYTES:
        raise ImageError(
            f"The image has {spec.nchannels} channels of {spec.width} x {spec.height} px; save its picture without the others."
        )


def _check_whole(data: bytes, kind: Kind) -> None:
    if kind is Kind.PNG:
        png.check_whole(data)
    elif kind is Kind.JPEG:
        jpeg.check_whole(data)


def _split(pixels: Pixels) -> tuple[Pixels, Pixels | None]:
    channels = pixels.shape[2]
    rgb = np.repeat(pixels[..., :1], 3, axis=2) if channels < 3 else pixels[..., :3]
    return rgb, pixels[..., -1] if channels in (2, 4) else None


def _type_of(spec: Any, place: int) -> str:
    formats = spec.channelformats
    return str(formats[place] if formats else spec.format)


def _part_name(spec: Any) -> str:
    return str(spec.get_string_attribute("oiio:subimagename") or spec.get_string_attribute("name"))


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels (H, W) or (H, W, C) as EXIF orientation 2..8 says: mirrored, then turned."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
