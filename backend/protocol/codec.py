"""Owns the bytes of a message: part 0 is the head in msgpack, parts 1.. are raw bytes, never copied into the head.

The head is a map with `v` (protocol version), `type` (message name) and the message's fields. Decoding arbitrary bytes
raises ProtocolError and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from . import limits
from .errors import ErrorCode, ProtocolError
from .fields import from_plain, to_plain
from .messages import FROM_BACKEND, FROM_CLIENT, Message
from .version import PROTOCOL_VERSION

_TYPES = {kind.__name__: kind for kind in (*FROM_CLIENT, *FROM_BACKEND)}
_UNPACK_ERRORS = (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A decoded message and the raw parts that came with it."""

    message: Message
    raw: tuple[bytes, ...]


def encode(message: Message, *raw: bytes) -> list[bytes]:
    """Parts to send for a message; raises ProtocolError for one that the other side would refuse."""
    plain = to_plain(message)
    from_plain(type(message), plain)
    _check_raw(message, raw)
    head = msgpack.packb({"v": PROTOCOL_VERSION, "type": type(message).__name__, **plain})
    if len(head) > limits.HEAD_BYTES:
        raise ProtocolError(f"The message's head has {len(head)} bytes, at most {limits.HEAD_BYTES} may be sent.")
    return [head, *raw]


def decode(parts: Sequence[bytes], allowed: Sequence[type[Message]]) -> Envelope:
    """Message of received parts; raises ProtocolError unless its type is one of `allowed` and every field is right."""
    if not 1 <= len(parts) <= 1 + limits.RAW_PARTS:
        raise ProtocolError(f"A message has 1 to {1 + limits.RAW_PARTS} parts, this one has {len(parts)}.")
    if len(parts[0]) > limits.HEAD_BYTES:
        raise ProtocolError(f"The message's head has more than {limits.HEAD_BYTES} bytes.")
    plain = _unpack(parts[0])
    version = plain.pop("v", None)
    if type(version) is not int or version != PROTOCOL_VERSION:
        other = version if type(version) is int else "an unknown protocol"
        raise ProtocolError(
            f"The other side speaks protocol {other}, this side {PROTOCOL_VERSION}; install the same version on both.",
            "v",
            ErrorCode.VERSION,
        )
    name = plain.pop("type", None)
    kind = _TYPES.get(name) if isinstance(name, str) else None
    if kind is None or kind not in allowed:
        raise ProtocolError("type is not a message that is expected here.", "type")
    message = from_plain(kind, plain)
    raw = tuple(bytes(part) for part in parts[1:])
    _check_raw(message, raw)
    return Envelope(message, raw)


def _unpack(head: bytes) -> dict[Any, Any]:
    try:
        plain = msgpack.unpackb(
            head,
            raw=False,
            object_pairs_hook=_unique,
            max_str_len=4 * limits.TEXT_CHARACTERS,
            max_bin_len=limits.TEXT_CHARACTERS,
            max_ext_len=limits.TEXT_CHARACTERS,
            max_array_len=256,
            max_map_len=64,
        )
    except _UNPACK_ERRORS as error:
        raise ProtocolError(f"The message's head is not valid msgpack ({type(error).__name__}).") from error
    if not isinstance(plain, dict):
        raise ProtocolError("The message's head is not a map.")
    return plain


def _unique(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        raise ValueError("a field stands twice in the message")
    return plain


def _check_raw(message: Message, raw: Sequence[bytes]) -> None:
    if len(raw) != message.raw_parts:
        raise ProtocolError(f"{type(message).__name__} carries {message.raw_parts} raw parts, not {len(raw)}.", "raw")
    if sum(len(part) for part in raw) > limits.RAW_BYTES:
        raise ProtocolError(f"A message carries at most {limits.RAW_BYTES} raw bytes.", "raw")
