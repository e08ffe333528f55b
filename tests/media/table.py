"""The table of stills whose size, pixels and alpha are held to Blender's own reading, and those that both refuse."""

from __future__ import annotations

from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.media import files, png
from tests.media.exr import ACESCG, deep_exr, exr, luminance_chroma, mip_mapped, parts, planes, written
from tests.media.files import Make, blocks, encoded, light, noise
from tests.media.tiff import tiff

_WEBP_LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 101)
_COMPRESSIONS = ("none", "rle", "zip", "zips", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab")
_RGBA, _RGB = ("R", "G", "B", "A"), ("R", "G", "B")


def _times_alpha(pixels: NDArray[Any]) -> NDArray[Any]:
    peak = float(np.iinfo(pixels.dtype).max)
    colour = np.rint(pixels[..., :3] * (pixels[..., 3:] / peak))
    return np.dstack([colour, pixels[..., 3]]).astype(pixels.dtype)


def _layered(*layers: str) -> Make:
    return lambda: exr(planes([f"{layer}.{letter}" for layer in layers for letter in "RGB"]))


PNG: dict[str, Make] = {
    **{
        f"PNG, {name}, {bits} bits{', interlaced' * interlaced}": partial(png.plain_png, channels, bits, interlaced=interlaced)
        for channels, name in ((1, "grey"), (2, "grey and alpha"), (3, "RGB"), (4, "RGBA"))
        for bits in (8, 16)
        for interlaced in (False, True)
    },
    **{f"PNG, grey, {bits} bits": partial(png.small_grey_png, bits) for bits in (1, 2, 4)},
    **{f"PNG, palette, {bits} bits": partial(png.palette_png, bits, False) for bits in (1, 2, 4, 8)},
    **{f"PNG, palette with tRNS, {bits} bits": partial(png.palette_png, bits, True) for bits in (1, 2, 4, 8)},
    **{f"PNG, grey with tRNS, {bits} bits": partial(png.small_grey_png, bits, png.GREY_KEY) for bits in (1, 2, 4)},
    "PNG, grey with tRNS, 8 bits": partial(png.keyed_png, 1, 8),
    "PNG, RGB with tRNS, 8 bits": partial(png.keyed_png, 3, 8),
    "PNG, RGB with tRNS, 16 bits": partial(png.keyed_png, 3, 16),
    "PNG, RGB with a gamma of 1": lambda: png.plain_png(3, 8, png.chunk(b"gAMA", (100_000).to_bytes(4, "big"))),
    "PNG, RGB in BT.2100 PQ (cICP)": lambda: png.plain_png(3, 16, png.chunk(b"cICP", bytes([9, 16, 0, 1]))),
    **{f"PNG, EXIF orientation {turn}": partial(png.turned_png, turn) for turn in range(1, 9)},
}
JPEG: dict[str, Make] = {
    "JPEG, RGB": lambda: encoded(blocks(3), ".jpg"),
    "JPEG, RGB, progressive": lambda: encoded(blocks(3), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "JPEG, grey": lambda: encoded(blocks(1), ".jpg"),
    "JPEG, CMYK": files.CMYK_JPEG.read_bytes,
    "JPEG, Display P3": files.wide_gamut_jpeg,
    **{f"JPEG, EXIF orientation {turn}": partial(files.turned_jpeg, turn) for turn in range(1, 9)},
}
TIFF: dict[str, Make] = {
    **{
        f"TIFF, {name}, {bits} bits": partial(make, np.dtype(f"u{bits // 8}").type)
        for bits in (8, 16)
        for name, make in {
            "grey": lambda dtype: tiff(noise(1, dtype), 1),
            "white is zero": lambda dtype: tiff(noise(1, dtype), 0),
            "RGB": lambda dtype: tiff(noise(3, dtype), 2),
            "RGB, deflated, big endian": lambda dtype: tiff(noise(3, dtype), 2, order=">", packed=True),
            "straight alpha": lambda dtype: tiff(noise(4, dtype), 2, extra=2),
            "associated alpha": lambda dtype: tiff(_times_alpha(noise(4, dtype)), 2, extra=1),
            "grey and alpha": lambda dtype: tiff(noise(2, dtype), 1, extra=2),
            "CMYK": lambda dtype: tiff(noise(4, dtype), 5),
        }.items()
    },
    "TIFF, RGB, LZW": lambda: written(noise(3), ".tif", compression="lzw"),
    "TIFF, RGB, tiled": lambda: written(noise(3), ".tif", tile=16),
    "TIFF, RGB, planes apart": lambda: written(noise(3), ".tif", planarconfig="separate"),
    **{f"TIFF, orientation {turn}": partial(tiff, noise(3), 2, orientation=turn) for turn in range(1, 9)},
}
OTHERS: dict[str, Make] = {
    "PNG, 8192 px wide": lambda: encoded(np.tile(noise(3), (1, 205, 1))[:, :8192], ".png"),
    "TIFF, 8192 px high, 16 bits": lambda: tiff(np.tile(noise(4, np.uint16), (293, 1, 1))[:8192], 2, extra=2, packed=True),
    "EXR, 8192 px wide": lambda: written(np.tile(light(3, np.float16), (1, 205, 1))[:, :8192], ".exr"),
    "WebP, lossless": lambda: encoded(noise(3), ".webp", *_WEBP_LOSSLESS),
    "WebP, lossless with alpha": lambda: encoded(noise(4), ".webp", *_WEBP_LOSSLESS),
    "WebP": lambda: encoded(blocks(3), ".webp"),
    "WebP with alpha": lambda: encoded(blocks(4), ".webp"),
    "BMP": lambda: encoded(noise(3), ".bmp"),
    "BMP with alpha": lambda: encoded(noise(4), ".bmp"),
    "Radiance HDR": lambda: encoded(light(3) * 9, ".hdr"),
}
EXR: dict[str, Make] = {
    **{f"EXR, half, {name}": partial(written, light(4, np.float16), ".exr", compression=name) for name in _COMPRESSIONS},
    "EXR, float": lambda: exr(planes(_RGBA)),
    "EXR, half and float": lambda: exr({**planes("RG", np.float16), **planes("BA")}),
    "EXR, whole numbers": lambda: exr({name: noise(1, np.uint32, seed)[..., 0] for seed, name in enumerate("RGB")}),
    "EXR, grey": lambda: exr(planes("Y")),
    "EXR, grey and alpha": lambda: exr(planes("YA")),
    "EXR with depth": lambda: exr({**planes(_RGBA, np.float16), **planes("Z")}),
    "EXR, tiled": lambda: written(light(4), ".exr", tile=16),
    "EXR, mip-mapped": mip_mapped,
    "EXR, data window inside": lambda: written(light(4), ".exr", window=(10, 5, 0, 0, 60, 40)),
    "EXR, data window outside": lambda: written(light(4), ".exr", window=(-5, -3, 0, 0, 30, 20)),
    "EXR, data window partly outside": lambda: written(light(4), ".exr", window=(-10, 5, 0, 0, 40, 28)),
    "EXR, data window beside": lambda: written(light(4), ".exr", window=(100, 90, 0, 0, 30, 20)),
    "EXR, ACEScg": lambda: written(light(3), ".exr", chromaticities=("float[8]", ACESCG)),
    "EXR, pixels twice as wide": lambda: written(light(3), ".exr", PixelAspectRatio=2.0),
}
LAYERED: dict[str, Make] = {
    "EXR, one named layer": _layered("diffuse"),
    "EXR, layers in another order": _layered("b", "a"),
    "EXR, layers beside the picture": lambda: exr(planes([*_RGBA, "AO.R", "AO.G", "AO.B"])),
    "EXR, two layers of two passes": _layered("ZLayer.Combined", "ZLayer.AO", "ALayer.Combined", "ALayer.Beauty"),
    "EXR, multi-part": lambda: parts({"beauty": light(4, seed=1), "diffuse": light(4, seed=2)}),
}
TAKEN = PNG | JPEG | TIFF | OTHERS | EXR | LAYERED
REFUSED: dict[str, tuple[Make, str]] = {
    "EXR, luminance and chroma": (luminance_chroma, "luminance-chroma"),
    "EXR, deep": (deep_exr, "deep EXR"),
    "TIFF, float": (lambda: tiff(light(3), 2), "float values"),
    "EXR, depth alone": (lambda: exr(planes("Z")), "without R, G and B"),
}
