"""Reads files that may be a stranger's: regular ones only, sizes bounded before memory is taken, JSON that means one thing."""

from __future__ import annotations

import json
import os
import reprlib
import stat
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from .errors import CheckpointError

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read; never waits for one that is no file, such as a pipe.

    Raises:
        OSError: it can't be opened.
        CheckpointError: it is no regular file.
    """
    opened = os.fdopen(os.open(path, _OPEN_FLAGS), "rb")
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise CheckpointError(f"{shown(path)} is no regular file; get the file again.")
    return opened


def read_small(path: Path, most_bytes: int) -> bytes:
    """What a file holds, of which at most `most_bytes` are ever read.

    Raises:
        OSError: it can't be read.
        CheckpointError: it is no regular file, or a larger one.
    """
    with open_regular(path) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise CheckpointError(f"{shown(path)} has more than {most_bytes // 1024} KiB, which none of its kind has; get it again.")
    return data


def parse_json(data: bytes) -> Any:
    """JSON in UTF-8 without NaN, infinities and keys that come twice; raises ValueError."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def brief(value: object) -> str:
    """A stranger's value for a sentence: short, and without characters that would change how the rest is read."""
    return _BRIEF.repr(value)


def shown(path: str | Path) -> str:
    """A path or a name for a sentence: characters that can't be printed are replaced."""
    return "".join(letter if letter.isprintable() else "�" for letter in str(path))


def printable(text: str) -> str:
    """A stranger's text of several lines as it may go to a terminal."""
    return "\n".join(map(shown, text.expandtabs().split("\n")))


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxlong = self.maxother = 60
        self.maxlevel = 3

    def repr_int(self, x: int, level: int) -> str:
        """Numbers of thousands of digits are told by their length: Python refuses to print them."""
        return super().repr_int(x, level) if x.bit_length() < 4096 else f"a number of {x.bit_length()} bits"


_BRIEF = _Brief()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found
