"""Owns writing OpenEXR files: named planes, and what goes along with them. The same planes give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kinds import Kind
from .library import encoded, new_spec
from .tags import NO_TAGS, Tags

Plane = NDArray[Any]

_TYPES = {"float16": "half", "float32": "float"}


def write_exr(planes: Mapping[str, Plane], tags: Tags = NO_TAGS) -> bytes:
    """EXR file of named planes (H, W), each float16 or float32, losslessly packed by rows. Raises ImageError."""
    dtypes = tuple(_TYPES[plane.dtype.name] for plane in planes.values())
    height, width = next(iter(planes.values())).shape
    spec = new_spec(width, height, tuple(planes), dtypes)
    spec.attribute("compression", "zips:1")
    spec.attribute("DateTime", "")  # the library would write the time of day
    spec.attribute("PixelAspectRatio", tags.pixel_aspect)
    if tags.chromaticities is not None:
        spec.attribute("chromaticities", "float[8]", tags.chromaticities)
    if tags.window is not None:
        spec.x, spec.y = tags.window.x, tags.window.y
        spec.full_x, spec.full_y = tags.window.full_x, tags.window.full_y
        spec.full_width, spec.full_height = tags.window.full_width, tags.window.full_height
    return encoded(np.dstack(list(planes.values())), spec, Kind.EXR)
