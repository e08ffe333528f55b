"""Owns what a decoder of JPEG doesn't look at: whether the picture has its end. ITU-T T.81, B.1.1."""

from __future__ import annotations

import struct

from .errors import ImageError
from .kinds import Kind
from .library import damaged

_START_OF_SCAN, _FILL = 0xDA, 0xFF
_END_OF_IMAGE = b"\xff\xd9"


def check_whole(data: bytes) -> None:
    """Refuse a file without an end behind its picture: one whose rest is zeros decodes to grey. Raises ImageError.

    Only the picture's own counts: the thumbnail before it has one too, and phones put a movie behind it.
    """
    place = 2
    while place + 4 <= len(data) and data[place] == _FILL:
        marker, length = struct.unpack_from(">BH", data, place + 1)
        if marker == _START_OF_SCAN:
            if data.find(_END_OF_IMAGE, place) < 0:
                raise ImageError(damaged(Kind.JPEG))
            return
        place += 1 if marker == _FILL else 2 + length
