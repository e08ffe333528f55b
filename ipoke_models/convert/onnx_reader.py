"""The convolutions of an ONNX file, in the order in which it computes them; nothing of it is run.

Only what is asked for is read of the format (Protocol Buffers, `onnx.proto3`): a graph's nodes, its weights in single precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import CheckpointError
from ..strangers import read_small, shown

MOST_BYTES = 256 << 20
_GRAPH = 7
_NODE, _INITIALIZER = 1, 5
_NODE_INPUT, _NODE_OPERATOR = 1, 4
_TENSOR_DIMENSIONS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9
"""Numbers of the fields."""
_FLOAT = 1
_MOST_NUMBER_BYTES = 10


def read_convolutions(path: Path) -> list[tuple[Tensor, Tensor]]:
    """Kernel and bias of every convolution.

    Raises:
        CheckpointError: the file can't be read, is no ONNX, or has a convolution without a bias or in another precision.
    """
    try:
        data = memoryview(read_small(path, MOST_BYTES))
    except OSError as error:
        raise CheckpointError(f"{shown(path)} can't be read ({error.strerror}).") from error
    try:
        graph = next(value for number, value in _fields(data) if number == _GRAPH)
        tensors = dict(filter(None, (_tensor(value) for number, value in _fields(graph) if number == _INITIALIZER)))
        nodes = [_fields(value) for number, value in _fields(graph) if number == _NODE]
        inputs = [names for operator, names in map(_node, nodes) if operator == "Conv"]
        return [(tensors[kernel], tensors[bias]) for _, kernel, bias in inputs]
    except (IndexError, KeyError, StopIteration, ValueError) as error:
        raise CheckpointError(f"{shown(path)} is no ONNX file of convolutions with biases in single precision.") from error


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a message that hold bytes, and numbers as the bytes in which they are written."""
    at = 0
    while at < len(data):
        key, at = _number(data, at)
        match key & 7:
            case 0:  # a number
                start, (_, at) = at, _number(data, at)
            case 2:  # so many bytes
                length, start = _number(data, at)
                at = start + length
            case 5:
                start, at = at, at + 4
            case 1:
                start, at = at, at + 8
            case _:
                raise ValueError("no field is written so")
        if at > len(data):
            raise IndexError("a field is cut off")
        yield key >> 3, data[start:at]


def _number(data: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = 0
    for place in range(_MOST_NUMBER_BYTES):
        byte = data[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise ValueError("a number does not end")


def _node(fields: Iterator[tuple[int, memoryview]]) -> tuple[str, list[str]]:
    """A node's operator and the names of what it takes."""
    operator, inputs = "", []
    for number, value in fields:
        if number == _NODE_OPERATOR:
            operator = bytes(value).decode()
        elif number == _NODE_INPUT:
            inputs.append(bytes(value).decode())
    return operator, inputs


def _tensor(data: memoryview) -> tuple[str, Tensor] | None:
    """A weight and its name; None in another precision."""
    shape: list[int] = []
    name, kind, raw = "", 0, memoryview(b"")
    for number, value in _fields(data):
        if number == _TENSOR_DIMENSIONS:
            shape += _numbers(value)
        elif number == _TENSOR_TYPE:
            kind = _number(value, 0)[0]
        elif number == _TENSOR_NAME:
            name = bytes(value).decode()
        elif number == _TENSOR_RAW:
            raw = value
    if kind != _FLOAT:
        return None
    return name, torch.from_numpy(np.frombuffer(raw, "<f4").reshape(shape).copy())


def _numbers(data: memoryview) -> list[int]:
    """One number, or several packed one after the other."""
    found, at = [], 0
    while at < len(data):
        value, at = _number(data, at)
        found.append(value)
    return found
