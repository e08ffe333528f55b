"""Owns OpenImageIO: its limits, and opening, reading and writing a file of one kind from and to bytes.

The reader is chosen by the kind that the first bytes say, and no other is tried. The library's own binding reads files
only, so that bytes pass through a private folder that is gone afterwards.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .kinds import Kind

MOST_CHANNELS = 1024
MOST_DECODED_BYTES = 16 << 30
"""Of all channels of one part of a file: they are unpacked piece by piece, and kept only where they are asked for."""


class Decoder:
    """An opened file; every method that fails raises ImageError."""

    def __init__(self, source: Any, kind: Kind) -> None:
        self._source = source
        self._kind = kind

    def part(self, index: int = 0) -> Any | None:
        """The header of a part, an OpenImageIO ImageSpec; None past the last one."""
        spec = self._source.spec(index)
        _told(self._source)  # about a part that is not there
        return spec if spec.width > 0 else None

    def read(self, part: int, first: int, end: int, dtype: str) -> NDArray[Any]:
        """Channels `first` to `end` - 1 of a part as (H, W, C)."""
        pixels = self._source.read_image(part, 0, first, end, dtype)
        # What a reader can't decode it fills up: a picture that comes with an error is none.
        told = _told(self._source)
        if told or pixels is None:
            raise ImageError(_why_not(told, self._kind))
        return np.asarray(pixels)


def damaged(kind: Kind) -> str:
    """The sentence about a file that begins like one of a kind and goes on otherwise."""
    return f"The image is damaged or cut off: it begins as {kind.label} but can't be read to its end; save or copy it again."


@contextmanager
def opened(data: bytes, kind: Kind) -> Iterator[Decoder]:
    """The bytes of a file of that kind, opened. Reads the header only; raises ImageError."""
    library = _library()
    wishes = library.ImageSpec()
    wishes.attribute("oiio:UnassociatedAlpha", 1)  # as stored: it would multiply by alpha otherwise
    with _private_path(kind) as path:
        path.write_bytes(data)
        source = library.ImageInput.open(str(path), wishes)
        if source is None:
            raise ImageError(_why_not(_told(library), kind))
        try:
            _take_name_away(path)
            if source.format_name() != kind:
                raise ImageError(damaged(kind))
            yield Decoder(source, kind)
        except UnicodeDecodeError:  # a name in the header that is no text
            raise ImageError(damaged(kind)) from None
        finally:
            source.close()


def encoded(pixels: NDArray[Any], spec: Any, kind: Kind) -> bytes:
    """A file of that kind with the pixels (H, W, C), as a spec of `new_spec` says. Raises ImageError."""
    target = _library().ImageOutput.create(kind.suffix[1:])
    with _private_path(kind) as path:
        if target.open(str(path), spec):
            with path.open("rb") as file:
                _take_name_away(path)
                written = target.write_image(pixels)
                if target.close() and written:
                    return file.read()
        raise ImageError(f"The image can't be written as {kind.label} ({_told(target)}); check the free disk space.")


def new_spec(width: int, height: int, names: tuple[str, ...], dtypes: tuple[str, ...]) -> Any:
    """An OpenImageIO ImageSpec of named channels, each of its own type ("half", "float")."""
    widest = "float" if "float" in dtypes else dtypes[0]
    spec = _library().ImageSpec(width, height, len(names), widest)
    spec.channelnames = names
    spec.channelformats = dtypes
    return spec


@cache
def _library() -> Any:
    import OpenImageIO  # 20 MB of library: who reads no image doesn't pay for it

    OpenImageIO.attribute("try_all_readers", 0)
    OpenImageIO.attribute("plugin_searchpath", "")
    # Farther than what is taken, so that a file beyond that is called too large, not damaged.
    OpenImageIO.attribute("limits:channels", 8 * MOST_CHANNELS)
    OpenImageIO.attribute("limits:imagesize_MB", 8 * MOST_DECODED_BYTES >> 20)
    return OpenImageIO


@contextmanager
def _private_path(kind: Kind) -> Iterator[Path]:
    try:
        with tempfile.TemporaryDirectory(prefix="ipoke-", ignore_cleanup_errors=True) as folder:
            yield Path(folder, "image" + kind.suffix)
    except OSError as error:
        place = tempfile.gettempdir()
        raise ImageError(f"The image can't pass through {place} ({error.strerror}); make room there, or set TMPDIR.") from error


def _take_name_away(path: Path) -> None:
    """Let an opened file vanish with its last user, however that ends. Windows keeps what is open."""
    if os.name == "posix":
        path.unlink()
        path.parent.rmdir()


def _told(where: Any) -> str:
    """What went wrong there since the last time it was asked."""
    try:
        return str(where.geterror())
    except UnicodeDecodeError:  # it quotes the file's own bytes
        return "the file holds names that are no text"


def _why_not(told: str, kind: Kind) -> str:
    if "ubsampled" in told:
        return (
            "The image is a luminance-chroma EXR, whose colour is stored at half its size; "
            "Blender doesn't show that either: save it as RGB."
        )
    if "not configured" in told:
        return f"The image is a {kind.label} file that is packed in a way that can't be read here; save it with ZIP or LZW."
    return damaged(kind)
