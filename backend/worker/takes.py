"""Owns what a model makes of one region of a plate: each variant's motion, laid out in time. No torch, no sockets.

A loop may be picked from several residuals: the variant's own and some near it, so that the artist still gets the variant.
The one whose seam is the smallest share of its median step is taken.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipoke_values import Sampling

from ..plate.manner import Manner
from ..plate.motion import Motion, motion_of_flows, motion_of_pictures, motion_of_shifts
from ..plate.scene import Part
from ..plate.stage import Course, Stage
from ..plate.timing import Timeline, timeline
from ..protocol.messages import Loop, Playback, Region
from .model_port import Field, ModelFrame, SeenThing, VariantModel

Clips = list[list[ModelFrame]]
"""The model's frames of a variant: of one clip, or of as many as are chained to it."""

NEAR = 0.5
"""How far from a variant its loop may be: residuals that correlate with its own by sqrt(1 - 0.25) = 0.87."""


@dataclass(frozen=True)
class View:
    """A region as the model sees it: x0 (3, S, S), pokes (N, 4) in fractions of it, the thing where one moves as a body.

    `stage` is None at the model's own size.
    """

    region: Region
    x0: Field
    pokes: NDArray[np.float64]
    sampling: Sampling
    thing: SeenThing | None
    stage: Stage | None


@dataclass(frozen=True)
class Plan:
    """What a variant does to a view, and when."""

    course: Course
    timeline: Timeline

    def part(self) -> Part:
        """The variant at its place in the plate's frames."""
        return Part(self.course.renderer(), self.timeline)

    def poses(self) -> NDArray[np.float64]:
        """Poses (T + 1, V, 2) of the body, in fractions of the plate: at rest, and as frames 1 to T show it."""
        assert self.course.poses is not None
        keys = self.course.poses
        return np.concatenate([keys[:1], np.tensordot(self.timeline.rows, keys, 1)])


class Takes:
    """The clips of some variants of a view, made when they are first asked for."""

    def __init__(
        self, view: View, model: VariantModel, playback: Playback, variants: range, cancelled: Callable[[], bool]
    ) -> None:
        """`variants` must begin where a job's group does: it may be asked for one of them alone, and gives the same."""
        self._view, self._model, self._playback = view, model, playback
        self._variants, self._cancelled = variants, cancelled
        self._own: dict[int, list[ModelFrame]] | None = None

    def frames(self, variant: int) -> list[ModelFrame]:
        """The model's own frames of a variant."""
        return self._clips(variant, 0)[0]

    def drawn(self, variant: int) -> list[Clips]:
        """What the model makes of a variant: its own clips, and for a closed loop some near them. May raise JobCancelledError."""
        draws = self._playback.draws if self._playback.loop is Loop.CLOSED else 1
        return [self._clips(variant, draw) for draw in range(draws)]

    def plan(self, drawn: list[Clips]) -> Plan:
        """What a variant does to the view, and when, given what is `drawn` of it. Asks no model: any thread may do it."""
        assert self._view.stage is not None
        best: Plan | None = None
        for draw, clips in enumerate(drawn):
            plan = self._planned(self._view.stage, clips, draw)
            if best is None or _loops_better(plan.timeline, best.timeline):
                best = plan
        assert best is not None
        return best

    def _planned(self, stage: Stage, clips: Clips, draw: int) -> Plan:
        manners = [Manner.of(clip[0].residual) for clip in clips]
        course = stage.course([self._motion(clip) for clip in clips], manners)
        times = timeline(self._playback, self._playback.chain, self._model.entry.frames, course.keys)
        if times.seam is not None:
            times = dataclasses.replace(times, seam=dataclasses.replace(times.seam, draw=draw))
        return Plan(course, times)

    def _clips(self, variant: int, draw: int) -> Clips:
        """The model's frames of a variant: one clip, or as many as are chained to it."""
        own = range(variant * self._playback.chain, (variant + 1) * self._playback.chain)
        if draw:
            return [self._near(index, draw) for index in own]
        if self._own is None:
            chain = self._playback.chain
            together = range(self._variants.start * chain, self._variants.stop * chain)
            self._own = {index: [] for index in together}
            for made in self._drawn(self._view.sampling, together):
                self._own[made.variant].append(made)
        return [self._own[index] for index in own]

    def _near(self, index: int, draw: int) -> list[ModelFrame]:
        """A clip like the model's variant `index`."""
        own = self._view.sampling
        near = dataclasses.replace(own, seed=derived_seed(own.seed, "draw", draw), like=own.like_variant(index, NEAR))
        return list(self._drawn(near, range(index, index + 1)))

    def _drawn(self, sampling: Sampling, variants: range) -> Iterator[ModelFrame]:
        view = self._view
        return self._model.frames(
            view.x0, view.pokes, sampling, variants, self._cancelled, as_body=view.thing is not None, thing=view.thing
        )

    def _motion(self, clip: list[ModelFrame]) -> Motion:
        shifts = [made.shift for made in clip if made.shift is not None]
        errors_px = [made.error_px for made in clip if made.error_px is not None]
        if len(shifts) == len(errors_px) == len(clip):
            mask = None if self._view.thing is None else self._view.thing.mask
            return motion_of_shifts(shifts, errors_px, mask, self._model.entry.size_px)
        flows = [made.flow for made in clip if made.flow is not None]
        if len(flows) < len(clip):
            return motion_of_pictures(self._view.x0, [made.frame for made in clip])
        return motion_of_flows(flows, [made.visibility for made in clip])


def sampling_of_region(sampling: Sampling, number: int) -> Sampling:
    """How the variants of one of several regions are drawn: each has seeds of its own."""
    like = tuple(dataclasses.replace(one, seed=derived_seed(one.seed, "region", number)) for one in sampling.like)
    return dataclasses.replace(sampling, seed=derived_seed(sampling.seed, "region", number), like=like)


def derived_seed(seed: int, what: str, number: int) -> int:
    """A seed of its own for each of several things of a kind; number 0 keeps the seed itself."""
    if number == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {what} {number}".encode()).digest()[:8], "big") >> 1


def _loops_better(plan: Timeline, other: Timeline) -> bool:
    if plan.seam is None or other.seam is None:
        return False
    return (plan.seam.loop is Loop.PING_PONG, plan.seam.share) < (other.seam.loop is Loop.PING_PONG, other.seam.share)
