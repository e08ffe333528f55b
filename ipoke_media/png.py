"""Owns the chunks of PNG files: whether they are whole, and those that say what pixels mean.

Portable Network Graphics, third edition, 5.3 (chunk layout) and 11.3 (ancillary chunks).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

from .errors import ImageError
from .kinds import Kind
from .library import damaged

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_CHUNKS = (b"cICP", b"mDCV", b"cLLI", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
_HEADER_END = len(SIGNATURE) + 25
_PROFILE_NAME = b"ICC profile"
_UNIT = 100_000
_ASPECT_UNIT = 1_000_000


def check_whole(data: bytes) -> None:
    """Refuse a file with a chunk that is cut off or has changed since it was written. Raises ImageError."""
    names = []
    for name, start, end in _chunks(data):
        (told,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(memoryview(data)[start - 4 : end]) != told:
            raise ImageError(damaged(Kind.PNG))
        names.append(name)
    if not names or names[-1] != b"IEND":
        raise ImageError(damaged(Kind.PNG))


def colour_chunks(data: bytes) -> tuple[bytes, ...]:
    """The chunks of a whole file that say what its colours mean, to be written into another as they are."""
    return tuple(data[start - 8 : end + 4] for name, start, end in _chunks(data) if name in COLOUR_CHUNKS)


def with_chunks(data: bytes, chunks: Sequence[bytes]) -> bytes:
    """The file with such chunks behind its header."""
    return data if not chunks else b"".join([data[:_HEADER_END], *chunks, data[_HEADER_END:]])


def profile_chunk(profile: bytes) -> bytes:
    """The chunk that carries an ICC profile."""
    return _chunk(b"iCCP", _PROFILE_NAME + b"\0\0" + zlib.compress(profile, 9))


def aspect_chunk(pixel_aspect: float) -> bytes:
    """The chunk that says how much wider than high a pixel is."""
    return _chunk(b"pHYs", struct.pack(">IIB", _ASPECT_UNIT, round(_ASPECT_UNIT * pixel_aspect), 0))


def primaries_chunks(chromaticities: Sequence[float]) -> tuple[bytes, ...]:
    """The chunks of sRGB-encoded pixels with other primaries (x, y of red, green, blue, white); none fit negative ones."""
    red, green, blue, white = ([round(_UNIT * value) for value in chromaticities[place : place + 2]] for place in (0, 2, 4, 6))
    return _chunk(b"gAMA", struct.pack(">I", 45_455)), _chunk(b"cHRM", struct.pack(">8I", *white, *red, *green, *blue))


def text_chunk(keyword: str, text: str) -> bytes:
    """The chunk that carries a text of ASCII under a keyword."""
    return _chunk(b"tEXt", keyword.encode("ascii") + b"\0" + text.encode("ascii"))


def without_text(data: bytes, keyword: str) -> tuple[bytes, str | None]:
    """A file without the first text under a keyword, and that text; the file as it is and None where there is none.

    Raises ImageError.
    """
    if not data.startswith(SIGNATURE):
        raise ImageError(damaged(Kind.PNG))
    head = keyword.encode("ascii") + b"\0"
    for name, start, end in _chunks(data):
        if name == b"tEXt" and data[start:end].startswith(head):
            return data[: start - 8] + data[end + 4 :], data[start + len(head) : end].decode("latin-1")
    return data, None


def is_srgb(chunks: Sequence[bytes]) -> bool:
    """Whether such chunks, but for a profile, say no more than that pixels are sRGB."""
    told = {chunk[4:8]: chunk[8:-4] for chunk in chunks}
    if b"cICP" in told:
        return told[b"cICP"][:2] == b"\x01\x0d"
    if b"sRGB" in told:
        return True
    gamma = told.get(b"gAMA", struct.pack(">I", 45_455))
    primaries = told.get(b"cHRM", struct.pack(">8I", 31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000))
    wanted = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
    if len(gamma) != 4 or len(primaries) != 32 or not 45_000 <= struct.unpack(">I", gamma)[0] <= 46_000:
        return False
    return all(abs(value - target) <= 500 for value, target in zip(struct.unpack(">8I", primaries), wanted, strict=True))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the body of every chunk up to the last. Raises ImageError."""
    place = len(SIGNATURE)
    while place + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            break
        yield name, place + 8, end
        if name == b"IEND":
            return
        place = end + 4
    raise ImageError(damaged(Kind.PNG))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
