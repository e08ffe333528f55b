"""Owns what a session tells its user. Where an event is the backend's message itself, it is that message's class."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocol.messages import (
    Cancelled,
    Failed,
    Finished,
    Prepared,
    Progress,
    Queued,
    Restarted,
    ServerInfo,
    Started,
    Status,
    ThingFound,
    VariantDone,
)
from .mesh import RestMesh

__all__ = [
    "Cancelled",
    "Connected",
    "Event",
    "Failed",
    "Finished",
    "FrameArrived",
    "KinematicsArrived",
    "Lost",
    "MeshArrived",
    "PassesArrived",
    "PosesArrived",
    "Prepared",
    "Progress",
    "Queued",
    "Restarted",
    "Started",
    "Status",
    "ThingArrived",
    "VariantDone",
]


@dataclass(frozen=True, slots=True)
class Connected:
    """A backend answers and its worker is up."""

    info: ServerInfo


@dataclass(frozen=True, slots=True)
class Lost:
    """The backend does not answer, or can't work; jobs stay and are submitted again when it is back.

    `final` says that nothing is tried any more: the backend refuses this client, or can't be kept running.
    """

    sentence: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class FrameArrived:
    """Frame `t` (1..T) of a variant (its index, `first` included) as the bytes of a PNG file, or EXR for 32 bits."""

    job_id: str
    variant: int
    t: int
    image: bytes


@dataclass(frozen=True, slots=True)
class PassesArrived:
    """The passes of frame `t` of a variant as the bytes of an EXR file."""

    job_id: str
    variant: int
    t: int
    passes: bytes


@dataclass(frozen=True, slots=True)
class MeshArrived:
    """The body of a job's thing at rest, and the bytes of two files: its own picture, and the plate without it."""

    job_id: str
    mesh: RestMesh
    size_px: tuple[int, int]
    thing: bytes
    background: bytes


@dataclass(frozen=True, slots=True)
class PosesArrived:
    """How a variant's body moves: poses (T + 1, V, 2) as float32, in fractions of the plate, at rest and in frames 1..T."""

    job_id: str
    variant: int
    poses: bytes


@dataclass(frozen=True, slots=True)
class KinematicsArrived:
    """What an inversion brought, as the bytes of a kinematics file."""

    job_id: str
    kinematics: bytes


@dataclass(frozen=True, slots=True)
class ThingArrived:
    """What a question for a thing brought, and the job's end: what was found, and its masks as the bytes of grey PNG files."""

    job_id: str
    found: ThingFound
    masks: tuple[bytes, ...]

    @property
    def mask(self) -> bytes | None:
        """The mask that was asked for, None where nothing was found."""
        return self.masks[self.found.chosen] if self.masks else None


Event = (
    Connected
    | Lost
    | Queued
    | Started
    | Prepared
    | Progress
    | FrameArrived
    | KinematicsArrived
    | PassesArrived
    | MeshArrived
    | PosesArrived
    | VariantDone
    | Finished
    | Failed
    | Cancelled
    | Restarted
    | Status
    | ThingArrived
)
