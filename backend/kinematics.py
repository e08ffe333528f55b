"""Owns the kinematics file: the residual of a clip's motion with what is needed to replay it. No torch.

The file is a safetensors file with one tensor, `residual` (C, 8, 8) float32, and one metadata entry, `ipoke_kinematics`,
which holds `KinematicsInfo` as JSON. It is written and read here byte by byte: the front process and the command line
must not load the models' libraries, and nothing but exactly this layout is accepted.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .job import Field, ModelFrame, VariantModel
from .protocol import limits
from .protocol.errors import ErrorCode, IpokeError, ProtocolError
from .protocol.fields import Length, from_plain, to_plain
from .protocol.messages import Digest, FrameNumber, ModelEntry, Name, Pixels, Poke, Version

SUFFIX = ".kin.safetensors"
_KEY = "ipoke_kinematics"
_FORMAT = 1
_SIDE = 8
_WRONG = "make it again with `ipoke invert`"


class KinematicsError(IpokeError):
    """A kinematics file that can't be used."""

    code = ErrorCode.BAD_KINEMATICS


@dataclass(frozen=True, slots=True)
class ModelId:
    """The model whose residual it is; no other can replay it."""

    name: Name
    sha256: Digest


@dataclass(frozen=True, slots=True)
class KinematicsInfo:
    """What stands beside the residual. Pokes are fractions of the clip's frames, as the residual was made under them."""

    format: int
    model: ModelId
    frames: FrameNumber
    pokes: Annotated[tuple[Poke, ...], Length(1, limits.POKES)]
    region_px: tuple[Pixels, Pixels, Pixels, Pixels]
    clip_size_px: tuple[Pixels, Pixels]
    source: Name
    frame_sha256s: Annotated[tuple[Digest, ...], Length(2, limits.FRAMES + 1)]
    residual_sha256: Digest
    versions: Annotated[tuple[Version, ...], Length(0, 32)]


@dataclass(frozen=True, slots=True)
class Kinematics:
    """A residual (C, 8, 8) float32 and where it comes from."""

    residual: NDArray[np.float32]
    info: KinematicsInfo


def residual_sha256(residual: NDArray[np.float32]) -> str:
    """Hash of a residual's values."""
    return hashlib.sha256(_bytes_of(residual)).hexdigest()


def write_kinematics(kinematics: Kinematics) -> bytes:
    """The bytes of a kinematics file; the same kinematics give the same bytes."""
    data = _bytes_of(kinematics.residual)
    header = {
        "__metadata__": {_KEY: json.dumps(to_plain(kinematics.info), separators=(",", ":"))},
        "residual": {"dtype": "F32", "shape": list(kinematics.residual.shape), "data_offsets": [0, len(data)]},
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def read_kinematics(data: bytes) -> Kinematics:
    """Read a kinematics file; raises KinematicsError for anything that `write_kinematics` would not have written."""
    header, values = _split(data)
    info = _info(header)
    shape = header["residual"]["shape"]
    residual = np.frombuffer(values, "<f4").reshape(shape).astype(np.float32)
    if not np.isfinite(residual).all():
        raise KinematicsError(f"The kinematics hold values that are not finite; {_WRONG}.")
    if residual_sha256(residual) != info.residual_sha256:
        raise KinematicsError(f"The kinematics' values don't match their hash, the file is damaged; {_WRONG}.")
    return Kinematics(residual, info)


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    if not 8 < len(data) <= limits.KINEMATICS_BYTES:
        most = limits.KINEMATICS_BYTES // limits.MIB
        raise KinematicsError(f"The kinematics file is empty or larger than {most} MiB; {_WRONG}.")
    (length,) = struct.unpack_from("<Q", data)
    try:
        header = json.loads(data[8 : 8 + length]) if length <= len(data) - 8 else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or set(header) != {"__metadata__", "residual"}:
        raise KinematicsError(f"This is no kinematics file; {_WRONG}.")
    values = data[8 + length :]
    tensor = header["residual"]
    shape = tensor.get("shape") if isinstance(tensor, dict) else None
    channels = shape[0] if isinstance(shape, list) and shape else None
    expected = {"dtype": "F32", "shape": [channels, _SIDE, _SIDE], "data_offsets": [0, len(values)]}
    if type(channels) is not int or channels < 1 or tensor != expected:
        raise KinematicsError(f"The kinematics file has no residual of {_SIDE} x {_SIDE} places; {_WRONG}.")
    if len(values) != 4 * channels * _SIDE * _SIDE:
        raise KinematicsError(f"The kinematics file is cut off; {_WRONG}.")
    return header, values


def _info(header: dict[str, Any]) -> KinematicsInfo:
    metadata = header["__metadata__"]
    try:
        plain = json.loads(metadata[_KEY]) if isinstance(metadata, dict) and set(metadata) == {_KEY} else None
        info: KinematicsInfo = from_plain(KinematicsInfo, plain, "kinematics")
    except ProtocolError as error:
        raise KinematicsError(f"The kinematics file is damaged ({error.sentence.rstrip('.')}); {_WRONG}.") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise KinematicsError(f"The kinematics file's metadata can't be read; {_WRONG}.") from error
    if info.format != _FORMAT:
        raise KinematicsError(f"The kinematics file has format {info.format}, this version reads {_FORMAT}; {_WRONG}.")
    return info


def _bytes_of(residual: NDArray[np.float32]) -> bytes:
    return np.ascontiguousarray(residual, "<f4").tobytes()


class KinematicsModel(VariantModel, Protocol):
    """What inversion and replay need of a model."""

    def invert(self, clip: Field, pokes: NDArray[np.float64]) -> NDArray[np.float32]:
        """Residual (C, 8, 8) of a clip (T+1, 3, S, S) in [-1, 1]."""

    def replay(
        self, residual: NDArray[np.float32], x0: Field, pokes: NDArray[np.float64], cancelled: Callable[[], bool]
    ) -> Iterator[ModelFrame]:
        """Frames 1..T of a residual on a still, as variant 0."""


class ReplayedModel:
    """A model whose only variant is the motion of a kinematics file: a job samples it as it samples any other."""

    def __init__(self, model: KinematicsModel, kinematics: Kinematics) -> None:
        """Raises KinematicsError when the kinematics are another model's."""
        made_by = kinematics.info.model
        if made_by.sha256 != model.entry.sha256:
            raise KinematicsError(
                f"The kinematics were made by the model {made_by.name}, not by this {model.entry.name}; use --model "
                f"{made_by.name}, or make them again with `ipoke invert --model {model.entry.name}`."
            )
        self.entry: ModelEntry = model.entry
        self.versions: tuple[Version, ...] = model.versions
        self._model = model
        self._residual = kinematics.residual

    def frames(
        self, x0: Field, pokes: NDArray[np.float64], seed: int, variants: range, cancelled: Callable[[], bool]
    ) -> Iterator[ModelFrame]:
        """Frames 1..T of the replayed motion; seed and variants have no meaning here."""
        return self._model.replay(self._residual, x0, pokes, cancelled)
