"""Owns the kinematics file: the residual of a clip's motion with what is needed to replay it. No torch.

The file is a safetensors file with two tensors, `residual` (C, 8, 8) and `still_features` (F,), both float32, and one
metadata entry, `ipoke_kinematics`, which holds `KinematicsInfo` as JSON. It is written and read here byte by byte: the front
process and the command line must not load the models' libraries, and nothing but exactly this layout is accepted.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ipoke_values import Length

from .protocol import limits
from .protocol.errors import ErrorCode, IpokeError, ProtocolError
from .protocol.fields import from_plain, to_plain
from .protocol.messages import Digest, FrameNumber, Name, Pixels, Poke, Variant, Version

_KEY = "ipoke_kinematics"
FORMAT = 3
_WITHOUT_VARIATION = 2
_SIDE = 8
_HEADER_BYTES = 512 * limits.KIB  # names whose every letter is escaped twice included
_RESIDUAL, _FEATURES = "residual", "still_features"
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
    """What stands beside the residual. Pokes are fractions of the clip's frames, as the residual was made under them.

    `frame_sha256s` are those of the clip's frames, or of the plate alone where a `variant` was taken.
    """

    format: int
    model: ModelId
    frames: FrameNumber
    pokes: Annotated[tuple[Poke, ...], Length(1, limits.POKES)]
    region_px: tuple[Pixels, Pixels, Pixels, Pixels]
    clip_size_px: tuple[Pixels, Pixels]
    source: Name
    frame_sha256s: Annotated[tuple[Digest, ...], Length(1, limits.FRAMES + 1)]
    values_sha256: Digest
    versions: Annotated[tuple[Version, ...], Length(0, 32)]
    variant: Variant | None = None


@dataclass(frozen=True, slots=True)
class Kinematics:
    """A residual (C, 8, 8), what the model sees of its still's pose (F,), both float32, and where they come from."""

    residual: NDArray[np.float32]
    still_features: NDArray[np.float32]
    info: KinematicsInfo


def values_sha256(residual: NDArray[np.float32], still_features: NDArray[np.float32]) -> str:
    """Hash of the values of a kinematics file."""
    return hashlib.sha256(_bytes_of(residual) + _bytes_of(still_features)).hexdigest()


def pose_difference(features: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Cosine distance of two stills' features, 0 (alike) to 2; 1 where the model sees nothing in one of them."""
    a, b = features.astype(np.float64), others.astype(np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return min(2.0, max(0.0, 1 - float(a @ b) / lengths)) if lengths else 1.0


def write_kinematics(kinematics: Kinematics) -> bytes:
    """The bytes of a kinematics file; the same kinematics give the same bytes."""
    tensors = ((_RESIDUAL, kinematics.residual), (_FEATURES, kinematics.still_features))
    header: dict[str, Any] = {"__metadata__": {_KEY: json.dumps(to_plain(kinematics.info), separators=(",", ":"))}}
    data = b""
    for name, values in tensors:
        header[name] = _entry(list(values.shape), len(data))
        data += _bytes_of(values)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def read_kinematics(data: bytes) -> Kinematics:
    """Read a kinematics file; raises KinematicsError for anything that `write_kinematics` would not have written."""
    metadata, channels, values = _split(data)
    info = _info(metadata)
    floats = np.frombuffer(values, "<f4").astype(np.float32)
    if not np.isfinite(floats).all():
        raise KinematicsError(f"The kinematics hold values that are not finite; {_WRONG}.")
    if hashlib.sha256(values).hexdigest() != info.values_sha256:
        raise KinematicsError(f"The kinematics' values don't match their hash, the file is damaged; {_WRONG}.")
    residual, features = np.split(floats, [channels * _SIDE**2])
    return Kinematics(residual.reshape(channels, _SIDE, _SIDE), features, info)


def _split(data: bytes) -> tuple[object, int, bytes]:
    """The metadata, how many channels the residual has, and the values of both tensors."""
    if not 8 < len(data) <= limits.KINEMATICS_BYTES:
        most = limits.KINEMATICS_BYTES // limits.MIB
        raise KinematicsError(f"The kinematics file is empty or larger than {most} MiB; {_WRONG}.")
    (length,) = struct.unpack_from("<Q", data)
    try:
        header = json.loads(data[8 : 8 + length]) if length <= min(len(data) - 8, _HEADER_BYTES) else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or set(header) != {"__metadata__", _RESIDUAL, _FEATURES}:
        raise KinematicsError(f"This is no kinematics file; {_WRONG}.")
    values = data[8 + length :]
    channels, features = _first_size(header[_RESIDUAL]), _first_size(header[_FEATURES])
    of_residual = _entry([channels, _SIDE, _SIDE], 0)
    if header[_RESIDUAL] != of_residual or header[_FEATURES] != _entry([features], of_residual["data_offsets"][1]):
        raise KinematicsError(f"The kinematics file has no residual of {_SIDE} x {_SIDE} places; {_WRONG}.")
    if len(values) != header[_FEATURES]["data_offsets"][1]:
        raise KinematicsError(f"The kinematics file is cut off; {_WRONG}.")
    return header["__metadata__"], channels, values


def _entry(shape: list[int], start: int) -> dict[str, Any]:
    """How the header describes a tensor."""
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, start + 4 * math.prod(shape)]}


def _first_size(entry: object) -> int:
    """The first dimension of a tensor in the header; 1 where there is none, which no header that is right says."""
    shape = entry.get("shape") if isinstance(entry, dict) else None
    size = shape[0] if isinstance(shape, list) and shape else None
    return size if type(size) is int and size > 0 else 1


def _info(metadata: object) -> KinematicsInfo:
    try:
        plain = json.loads(metadata[_KEY]) if isinstance(metadata, dict) and set(metadata) == {_KEY} else None
        info: KinematicsInfo = from_plain(KinematicsInfo, _up_to_date(plain), "kinematics")
    except ProtocolError as error:
        raise KinematicsError(f"The kinematics file is damaged ({error.sentence.rstrip('.')}); {_WRONG}.") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise KinematicsError(f"The kinematics file's metadata can't be read; {_WRONG}.") from error
    if info.format != FORMAT:
        raise KinematicsError(f"The kinematics file has format {info.format}, this version reads {FORMAT}; {_WRONG}.")
    return info


def _up_to_date(plain: Any) -> Any:
    """Metadata of format 2 as this version writes it: a variant always had the model's own variation."""
    if not isinstance(plain, dict) or plain.get("format") != _WITHOUT_VARIATION:
        return plain
    variant = plain.get("variant")
    return {**plain, "format": FORMAT, "variant": {**variant, "variation": None} if isinstance(variant, dict) else variant}


def _bytes_of(residual: NDArray[np.float32]) -> bytes:
    return np.ascontiguousarray(residual, "<f4").tobytes()
