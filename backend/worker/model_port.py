"""What jobs need of a model, what they answer through, and why they may end early. No torch, no sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ipoke_values import Sampling

from ..protocol.errors import ErrorCode, IpokeError
from ..protocol.messages import ModelEntry, Variant, Version

Field = NDArray[np.float32]
Tell = Callable[..., None]
Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class ModelFrame:
    """Frame `t` of a variant: RGB (3, S, S) in [-1, 1], backward flow (2, S, S) and visibility (S, S) or None.

    `residual` (C, 8, 8) are the kinematics of its clip where it was drawn for a body, or replayed. Of models that see the thing
    `shift` (2, s, s) says in px of S where its places go, and `error_px` (s, s) how far off that is to be expected.
    """

    variant: int
    t: int
    frame: Field
    flow: Field | None
    visibility: Field | None
    residual: Field | None = None
    shift: Field | None = None
    error_px: Field | None = None


@dataclass(frozen=True, slots=True)
class SeenThing:
    """The thing as models that see it are shown it: its mask (S, S) in [0, 1], and pins (P, 2) in fractions, where it holds."""

    mask: Field
    pins: NDArray[np.float64]


class VariantModel(Protocol):
    """What a job needs of a model."""

    entry: ModelEntry
    versions: tuple[Version, ...]
    group: int
    """How many variants are drawn together; asked for in such groups, none is computed twice."""

    def frames(
        self,
        x0: Field,
        pokes: NDArray[np.float64],
        sampling: Sampling,
        variants: range,
        cancelled: Callable[[], bool],
        *,
        as_body: bool = False,
        thing: SeenThing | None = None,
    ) -> Iterator[ModelFrame]:
        """Frames 1..T of some variants, each variant's in order of t.

        Args:
            x0: the region, (3, S, S), in [-1, 1].
            pokes: (N, 4), x, y, dx, dy in fractions of it.
            sampling: how the variants are drawn.
            variants: their indices.
            cancelled: asked often; once it is true, JobCancelledError is raised.
            as_body: a body will meet the pokes and hold together what is drawn: the model need not, and without a variation
                draws as its flow does.
            thing: what the pokes stand on; models that don't see it leave it.
        """

    def pose_difference(self, x0: Field) -> float | None:
        """How far the still's pose is from that of the kinematics that are replayed; None for a model that draws."""


class KinematicsModel(VariantModel, Protocol):
    """What inversion and replay need of a model."""

    def invert(self, clip: Field, pokes: NDArray[np.float64], thing: SeenThing | None = None) -> NDArray[np.float32]:
        """Residual (C, 8, 8) of a clip (T+1, 3, S, S) in [-1, 1]."""

    def replay(
        self,
        residual: NDArray[np.float32],
        x0: Field,
        pokes: NDArray[np.float64],
        cancelled: Callable[[], bool],
        thing: SeenThing | None = None,
    ) -> Iterator[ModelFrame]:
        """Frames 1..T of a residual on a still, as variant 0."""

    def variant_residual(
        self,
        x0: Field,
        pokes: NDArray[np.float64],
        variant: Variant,
        *,
        as_body: bool = False,
        thing: SeenThing | None = None,
    ) -> NDArray[np.float32]:
        """Residual (C, 8, 8) of a variant, as it is shown; `as_body` as it was drawn."""

    def features(self, x0: Field) -> NDArray[np.float32]:
        """What the model sees of a still's pose, (F,)."""


class PokesError(IpokeError):
    """The model can't take these pokes."""

    code = ErrorCode.BAD_POKES


class JobCancelledError(IpokeError):
    """The job was stopped on request."""

    def __init__(self) -> None:
        super().__init__("The job was cancelled.")
