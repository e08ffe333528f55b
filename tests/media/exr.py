"""OpenEXR files, made byte by byte where no library makes them, and other files as OpenImageIO writes them."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO
from numpy.typing import NDArray

from tests.media.files import HEIGHT, WIDTH, light

ACESCG = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
_EXR_TYPES = {"uint32": 0, "float16": 1, "float32": 2}


def exr(
    channels: Mapping[str, NDArray[Any]],
    *,
    data_window: tuple[int, int, int, int] | None = None,
    sampling: Mapping[str, int] | None = None,
    more: Mapping[str, tuple[str, bytes]] | None = None,
) -> bytes:
    """An uncompressed OpenEXR file of planes (H, W); `data_window` lies about their place and size, `sampling` halves some."""
    names, sampling = sorted(channels), sampling or {}
    height, width = max(plane.shape for plane in channels.values())
    window = (0, 0, width - 1, height - 1)
    listed = b"".join(
        name.encode() + b"\0" + struct.pack("<iB3xii", _EXR_TYPES[channels[name].dtype.name], 0, *[sampling.get(name, 1)] * 2)
        for name in names
    )
    attributes = {
        "channels": ("chlist", listed + b"\0"),
        "compression": ("compression", b"\0"),
        "dataWindow": ("box2i", struct.pack("<4i", *(data_window or window))),
        "displayWindow": ("box2i", struct.pack("<4i", *window)),
        "lineOrder": ("lineOrder", b"\0"),
        "pixelAspectRatio": ("float", struct.pack("<f", 1)),
        "screenWindowCenter": ("v2f", bytes(8)),
        "screenWindowWidth": ("float", struct.pack("<f", 1)),
        **(more or {}),
    }
    head = b"v/1\x01\x02\0\0\0" + b"".join(
        name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(body)) + body
        for name, (kind, body) in attributes.items()
    )
    lines = []
    for y in range(height):
        rows = [channels[name][y // sampling.get(name, 1)] for name in names if y % sampling.get(name, 1) == 0]
        line = b"".join(row.tobytes() for row in rows)
        lines.append(struct.pack("<ii", y, len(line)) + line)
    places = np.cumsum([len(head) + 1 + 8 * height, *map(len, lines[:-1])])
    return head + b"\0" + struct.pack(f"<{height}Q", *places.tolist()) + b"".join(lines)


def planes(names: Sequence[str], dtype: type = np.float32) -> dict[str, NDArray[Any]]:
    """Planes of those names, each with values of its own."""
    return {name: light(1, dtype, seed)[..., 0] for seed, name in enumerate(names, start=1)}


def luminance_chroma() -> bytes:
    half = {name: plane[::2, ::2] for name, plane in planes(["RY", "BY"], np.float16).items()}
    return exr({"Y": light(1, np.float16)[..., 0], **half}, sampling={"RY": 2, "BY": 2})


def deep_exr() -> bytes:
    spec = OpenImageIO.ImageSpec(WIDTH, HEIGHT, 5, "float")
    spec.channelnames, spec.deep = ("R", "G", "B", "A", "Z"), True
    samples = OpenImageIO.DeepData()
    samples.init(WIDTH * HEIGHT, 5, (OpenImageIO.TypeDesc("float"),) * 5, spec.channelnames)
    for pixel in range(WIDTH * HEIGHT):
        samples.set_samples(pixel, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/deep.exr"
        output: Any = OpenImageIO.ImageOutput.create(path)
        assert output.open(path, spec)
        assert output.write_deep_image(samples)
        output.close()
        return Path(path).read_bytes()


def written(pixels: NDArray[Any], suffix: str, **attributes: Any) -> bytes:
    """A file as OpenImageIO writes it; `names`, `window` and `tile` are of its header, the rest its attributes."""
    spec = _spec(pixels, attributes)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/image{suffix}"
        output: Any = OpenImageIO.ImageOutput.create(path)
        assert output.open(path, spec), output.geterror()
        assert output.write_image(np.ascontiguousarray(pixels)), output.geterror()
        output.close()
        return Path(path).read_bytes()


def parts(named: Mapping[str, NDArray[Any]]) -> bytes:
    """A multi-part OpenEXR file."""
    height, width, _ = next(iter(named.values())).shape
    header = {"window": (0, 0, 0, 0, width, height)}  # all parts have to have one display window
    specs = [_spec(pixels, {**header, "oiio:subimagename": name, "name": name}) for name, pixels in named.items()]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/parts.exr"
        output: Any = OpenImageIO.ImageOutput.create(path)
        assert output.open(path, tuple(specs))
        for index, pixels in enumerate(named.values()):
            assert index == 0 or output.open(path, specs[index], "AppendSubimage")
            assert output.write_image(np.ascontiguousarray(pixels))
        output.close()
        return Path(path).read_bytes()


def mip_mapped() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/mip.exr"
        assert OpenImageIO.ImageBufAlgo.make_texture(OpenImageIO.MakeTxTexture, OpenImageIO.ImageBuf(light(4)), path)
        return Path(path).read_bytes()


def _spec(pixels: NDArray[Any], attributes: dict[str, Any]) -> Any:
    types = {"float16": "half", "float32": "float"}
    height, width, channels = pixels.shape
    spec = OpenImageIO.ImageSpec(width, height, channels, types.get(pixels.dtype.name, pixels.dtype.name))
    for name, value in attributes.items():
        if name == "names":
            spec.channelnames = value
        elif name == "window":
            spec.x, spec.y, spec.full_x, spec.full_y, spec.full_width, spec.full_height = value
        elif name == "tile":
            spec.tile_width = spec.tile_height = value
        elif isinstance(value, tuple):
            spec.attribute(name, *value)
        else:
            spec.attribute(name, value)
    return spec
