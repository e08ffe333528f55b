"""Owns what the front process and its helper say to each other: one line of JSON a message, in both directions. No secrets.

A worker is named by a serial number that is never used again, so a late message about a worker that was replaced is
about nobody.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Start:
    """Front: start a worker on some node. `command` follows the node's own Python."""

    serial: int
    number: int
    endpoint: str
    server_public: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Front: this worker's key is known, it may connect."""

    serial: int


@dataclass(frozen=True, slots=True)
class Kill:
    """Front: this worker is not wanted any more."""

    serial: int


@dataclass(frozen=True, slots=True)
class Places:
    """Helper's first message: connected, with room for so many workers; `address` is this machine's on the way there."""

    count: int
    address: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """Helper's last message: why the cluster can't be used."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Placed:
    """Helper: there is a node for a worker, and its keys, of which this is the public one. It starts when it is admitted."""

    serial: int
    node: str
    public: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Helper: a worker is gone."""

    serial: int
    sentence: str


HelperMessage = Start | Admitted | Kill | Places | Unusable | Placed | Ended
_KINDS: dict[str, type[HelperMessage]] = {
    kind.__name__: kind for kind in (Start, Admitted, Kill, Places, Unusable, Placed, Ended)
}


def to_line(message: HelperMessage) -> bytes:
    """A message as a line."""
    return json.dumps([type(message).__name__, asdict(message)]).encode() + b"\n"


def from_line(line: bytes) -> HelperMessage:
    """The message of a line that `to_line` made."""
    name, fields = json.loads(line)
    if name == Start.__name__:
        fields["command"] = tuple(fields["command"])
    return _KINDS[name](**fields)
