"""Reads safetensors files: the header first, which is held against the file's size, tensors only once they are asked for.

A file is opened once, hashed while it is read, and copied to memory of its own: a change meanwhile is noticed, and a file
that is cut off under a memory map would end the process.
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from .errors import CheckpointError
from .strangers import brief, open_regular, parse_json, shown

MOST_HEADER_BYTES = 8 << 20
"""The released models, with 5847 tensors, take under 1 MiB."""
_MOST_DIMENSIONS = 8
_LENGTH_BYTES = 8
_CHUNK_BYTES = 1 << 22
_METADATA = "__metadata__"
_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


@dataclass(frozen=True)
class Entry:
    """A tensor as the header tells it; `start` and `stop` are bytes after the header."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


class WeightsFile:
    """An open safetensors file whose header is right; `entries` are in the order of their bytes."""

    def __init__(
        self, path: Path, file: BinaryIO, entries: Mapping[str, Entry], metadata: Mapping[str, str], head: bytes
    ) -> None:
        self.path, self.entries, self.metadata = path, entries, metadata
        self._file, self._digest = file, hashlib.sha256(head)

    def read(self) -> tuple[dict[str, Tensor], str]:
        """All tensors, on the processor, and the file's SHA-256. Once.

        Raises:
            CheckpointError: the file has become shorter meanwhile.
        """
        return {name: self._tensor(entry) for name, entry in self.entries.items()}, self._digest.hexdigest()

    def _tensor(self, entry: Entry) -> Tensor:
        values = torch.empty(entry.stop - entry.start, dtype=torch.uint8)
        rest = memoryview(values.numpy().data)
        while rest:
            count = self._file.readinto(rest[:_CHUNK_BYTES])  # type: ignore[attr-defined]  # typeshed's BinaryIO lacks it
            if not count:
                raise CheckpointError(f"{shown(self.path)} was changed while it was read; try again.")
            self._digest.update(rest[:count])
            rest = rest[count:]
        return values.view(entry.dtype).reshape(entry.shape)


@contextmanager
def open_weights(path: Path) -> Iterator[WeightsFile]:
    """Open a safetensors file and read its header.

    Raises:
        CheckpointError: it can't be opened, or is not exactly the tensors that its header tells.
    """
    try:
        opened = open_regular(path)
    except OSError as error:
        raise CheckpointError(f"{shown(path)} can't be read ({error.strerror}); get it again.") from error
    with opened as file:
        try:
            head, header = _header(file)
            metadata = _metadata(header.pop(_METADATA, {}))
            entries = _entries(header, os.fstat(file.fileno()).st_size - len(head))
        except ValueError as error:
            raise CheckpointError(f"{shown(path)} is not a whole safetensors file ({error}); get it again.") from error
        yield WeightsFile(path, file, entries, metadata, head)


def read_weights(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file; raises CheckpointError as `open_weights` does."""
    with open_weights(path) as file:
        return file.read()[0]


def _header(file: BinaryIO) -> tuple[bytes, dict[str, Any]]:
    start = file.read(_LENGTH_BYTES)
    if len(start) < _LENGTH_BYTES:
        raise ValueError("it ends before its header")
    (length,) = struct.unpack("<Q", start)
    if length > MOST_HEADER_BYTES:
        raise ValueError(f"its header would have more than {MOST_HEADER_BYTES >> 20} MiB")
    text = file.read(length)
    if len(text) < length:
        raise ValueError("it ends inside its header")
    try:
        header = parse_json(text)
    except ValueError as error:
        raise ValueError("its header is not JSON") from error
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    return start + text, header


def _metadata(told: object) -> dict[str, str]:
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise ValueError("its metadata are no texts")
    return told


def _entries(header: Mapping[str, object], data_bytes: int) -> dict[str, Entry]:
    """Entries by name, in the order of their bytes, which they cover without gap or overlap."""
    entries = sorted(
        ((name, _entry(name, told)) for name, told in header.items()), key=lambda pair: (pair[1].start, pair[1].stop)
    )
    end = 0
    for name, entry in entries:
        if entry.start != end:
            raise ValueError(f"{brief(name)} does not begin where the tensor before it ends")
        end = entry.stop
    if end != data_bytes:
        raise ValueError(f"its tensors take {brief(end)} bytes, it has {data_bytes}")
    return dict(entries)


def _entry(name: str, told: object) -> Entry:
    if not isinstance(told, dict) or set(told) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{brief(name)} has no type, shape and offsets")
    dtype = _TYPES.get(told["dtype"]) if isinstance(told["dtype"], str) else None
    if dtype is None:
        raise ValueError(f"{brief(name)} is of the type {brief(told['dtype'])}, which no model has")
    shape, offsets = _sizes(name, told["shape"], _MOST_DIMENSIONS), _sizes(name, told["data_offsets"], 2)
    if len(offsets) != 2 or offsets[1] - offsets[0] != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{brief(name)} has other offsets than its shape and type ask for")
    return Entry(dtype, shape, *offsets)


def _sizes(name: str, told: object, most: int) -> tuple[int, ...]:
    if not isinstance(told, list) or len(told) > most or not all(type(size) is int and 0 <= size < 2**48 for size in told):
        raise ValueError(f"{brief(name)} has sizes that can't be: {brief(told)}")
    return tuple(told)
