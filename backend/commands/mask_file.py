"""Mask files that carry a hash of themselves, so that one which somebody has painted on is told from one as we wrote it."""

from __future__ import annotations

import hashlib

from ipoke_media.png import text_chunk, with_chunks, without_text

from .errors import CommandError

SUFFIX = ".png"
_KEYWORD = "ipoke-mask"


def signed(mask: bytes) -> bytes:
    """The PNG file with its own hash in it."""
    return with_chunks(mask, [text_chunk(_KEYWORD, hashlib.sha256(mask).hexdigest())])


def check_signed(data: bytes) -> None:
    """Refuse what is not, to the byte, a file that `signed` has made. Raises CommandError and ImageError."""
    mask, told = without_text(data, _KEYWORD)
    if told != hashlib.sha256(mask).hexdigest():
        raise CommandError("This is no mask as ipoke wrote it.")
