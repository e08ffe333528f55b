"""Owns the names of files and folders that commands choose themselves: safe on every system, and free."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

_MOST_BYTES = 200
_RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {f"{port}{n}" for port in ("COM", "LPT") for n in "123456789¹²³"}


def result_name(image: Path, ending: str) -> str:
    """Name of the folder for what is made from an image: its own name and `ending`, short enough and good on Windows too."""
    stem = image.stem
    while len(os.fsencode(stem)) > _MOST_BYTES:
        stem = stem[:-1]
    name = stem + ending
    return f"_{name}" if is_reserved(name) else name


def is_reserved(name: str) -> bool:
    """Whether Windows takes a name for a device, whatever follows its first dot."""
    return name.split(".")[0].rstrip(" ").upper() in _RESERVED


def numbered(path: Path, suffix: str = "") -> Iterator[Path]:
    """The path itself, then with -2, -3, ... before its `suffix`."""
    yield path
    stem = path.name.removesuffix(suffix)
    for number in itertools.count(2):
        yield path.with_name(f"{stem}-{number}{suffix}")
