"""Owns what a model makes of one region of a plate: each variant's motion, laid out in time. No torch, no sockets.

A loop may be picked from several residuals: the variant's own, and those of the same variant under seeds derived from its
own. The one whose seam is the smallest share of its median step is taken.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .plate.motion import Motion, join, motion_of_flows, motion_of_pictures, places_of
from .plate.scene import Part
from .plate.stage import Stage
from .plate.timing import Timeline, timeline
from .protocol.messages import Like, Loop, Playback, Region

if TYPE_CHECKING:
    from .job import Field, ModelFrame, VariantModel


@dataclass(frozen=True)
class View:
    """A region as the model sees it: x0 (3, S, S), pokes (N, 4) in fractions of it; `stage` None at the model's own size."""

    region: Region
    x0: Field
    pokes: NDArray[np.float64]
    seed: int
    like: tuple[Like, ...]
    stage: Stage | None


class Takes:
    """The clips of some variants of a view, made when they are first asked for."""

    def __init__(
        self, view: View, model: VariantModel, playback: Playback, variants: range, cancelled: Callable[[], bool]
    ) -> None:
        """`variants` must begin where a job's group does: it may be asked for one of them alone, and gives the same."""
        self._view, self._model, self._playback = view, model, playback
        self._variants, self._cancelled = variants, cancelled
        self._drawn: list[dict[int, list[ModelFrame]]] = []

    def frames(self, variant: int) -> list[ModelFrame]:
        """The model's own frames of a variant."""
        return self._clips(variant, 0)[0]

    def part(self, variant: int) -> Part:
        """A variant of the view at its place in the plate's frames."""
        assert self._view.stage is not None
        motion, plan = self._best(variant)
        return Part(self._view.stage.renderer(motion), plan)

    def _best(self, variant: int) -> tuple[Motion, Timeline]:
        best: tuple[Motion, Timeline] | None = None
        for draw in range(self._playback.draws if self._playback.loop is Loop.CLOSED else 1):
            motion = join([self._motion(clip) for clip in self._clips(variant, draw)])
            plan = timeline(self._playback, self._playback.chain, self._model.entry.frames, places_of(motion))
            if plan.seam is not None:
                plan = dataclasses.replace(plan, seam=dataclasses.replace(plan.seam, draw=draw))
            if best is None or _loops_better(plan, best[1]):
                best = motion, plan
        assert best is not None
        return best

    def _clips(self, variant: int, draw: int) -> list[list[ModelFrame]]:
        """The model's frames of a variant: one clip, or as many as are chained to it."""
        chain = self._playback.chain
        while len(self._drawn) <= draw:
            own = range(self._variants.start * chain, self._variants.stop * chain)
            clips: dict[int, list[ModelFrame]] = {index: [] for index in own}
            seed = derived_seed(self._view.seed, "draw", len(self._drawn))
            for made in self._model.frames(self._view.x0, self._view.pokes, seed, own, self._cancelled, self._view.like):
                clips[made.variant].append(made)
            self._drawn.append(clips)
        return [self._drawn[draw][variant * chain + part] for part in range(chain)]

    def _motion(self, clip: list[ModelFrame]) -> Motion:
        flows = [made.flow for made in clip if made.flow is not None]
        if len(flows) < len(clip):
            return motion_of_pictures(self._view.x0, [made.frame for made in clip])
        return motion_of_flows(flows, [made.visibility for made in clip])


def derived_seed(seed: int, what: str, number: int) -> int:
    """A seed of its own for each of several things of a kind; number 0 keeps the seed itself."""
    if number == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {what} {number}".encode()).digest()[:8], "big") >> 1


def _loops_better(plan: Timeline, other: Timeline) -> bool:
    if plan.seam is None or other.seam is None:
        return False
    return (plan.seam.loop is Loop.PING_PONG, plan.seam.share) < (other.seam.loop is Loop.PING_PONG, other.seam.share)
