"""Owns looking into ICC profiles, as far as it takes to know whether pixels are sRGB. Never raises.

ICC.1:2022, 7.2 (header), 7.3 (tag table), 10.6 (curveType), 10.18 (parametricCurveType), 10.31 (XYZType).
"""

from __future__ import annotations

import struct

_SRGB_COLORANTS = {b"rXYZ": (0.4360, 0.2225, 0.0139), b"gXYZ": (0.3851, 0.7169, 0.0971), b"bXYZ": (0.1431, 0.0606, 0.7141)}
_SRGB_CURVE = {0.1: 0.0100, 0.5: 0.2140, 0.8: 0.6038}
_TOLERANCE = 0.004
_MOST_TAGS = 200
_FIXED = 65536.0
_PARAMETERS = (1, 3, 4, 5, 7)


def colour_space(profile: bytes) -> str:
    """What the profile's values are: "RGB", "GRAY", "CMYK"; empty where it doesn't say."""
    return profile[16:20].decode("ascii", "replace").strip() if len(profile) >= 128 else ""


def is_srgb(profile: bytes) -> bool:
    """Whether a profile says no more than that pixels are sRGB: its primaries, and its curve at three places."""
    try:
        tags = _tags(profile)
        colorants = {name: struct.unpack_from(">3i", tags[name], 8) for name in _SRGB_COLORANTS}
        near = all(
            abs(value / _FIXED - wanted) < _TOLERANCE
            for name, triple in colorants.items()
            for value, wanted in zip(triple, _SRGB_COLORANTS[name], strict=True)
        )
        curves = (tags[b"rTRC"], tags[b"gTRC"], tags[b"bTRC"])
        return near and all(abs(_curve(c, at) - light) < _TOLERANCE for c in curves for at, light in _SRGB_CURVE.items())
    except (struct.error, KeyError, ValueError, IndexError, ArithmeticError, TypeError):
        return False


def _tags(profile: bytes) -> dict[bytes, memoryview]:
    whole = memoryview(profile)  # tags of a stranger may overlap: nothing is copied
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(min(count, _MOST_TAGS))]
    return {name: whole[start : start + length] for name, start, length in entries}


def _curve(tag: memoryview, at: float) -> float:
    """The light of a value in [0, 1]."""
    if bytes(tag[:4]) == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count < 2:
            return at if count == 0 else at ** (struct.unpack_from(">H", tag, 12)[0] / 256.0)
        place = at * (count - 1)
        low = min(int(place), count - 2)
        left, right = struct.unpack_from(">2H", tag, 12 + 2 * low)
        return (left + (right - left) * (place - low)) / 65535.0
    (kind,) = struct.unpack_from(">H", tag, 8)
    stored = struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)
    g, a, b, c, d, e, f = (stored[place] / _FIXED if place < len(stored) else 0.0 for place in range(7))
    if kind == 0:
        return at**g
    if kind in (1, 2):
        return (a * at + b) ** g + (c if kind == 2 else 0) if at >= -b / a else c * (kind == 2)
    return (a * at + b) ** g + (e if kind == 4 else 0) if at >= d else c * at + (f if kind == 4 else 0)
