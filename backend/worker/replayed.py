"""A model that draws nothing: it replays the motion of a kinematics file. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ipoke_values import Sampling

from ..kinematics_file import Kinematics, KinematicsError, pose_difference
from ..protocol.messages import ModelEntry, Version
from .model_port import Field, KinematicsModel, ModelFrame, SeenThing


class ReplayedModel:
    """A model whose only variant is the motion of a kinematics file: a job samples it as it samples any other."""

    def __init__(self, model: KinematicsModel, kinematics: Kinematics, *, mirror: bool = False) -> None:
        """With `mirror` the motion is replayed with left and right swapped.

        Raises KinematicsError when the kinematics are another model's.
        """
        made_by = kinematics.info.model
        if made_by.sha256 != model.entry.sha256:
            raise KinematicsError(
                f"The kinematics were made by the model {made_by.name}, not by this {model.entry.name}; use --model "
                f"{made_by.name}, or make them again with `ipoke invert --model {model.entry.name}`."
            )
        self.entry: ModelEntry = model.entry
        self.versions: tuple[Version, ...] = model.versions
        self.group = 1
        self._model = model
        self._kinematics = kinematics
        self._mirror = mirror

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
        """Frames 1..T of the replayed motion; sampling, variants and a body have no meaning here."""
        if not self._mirror:
            return self._model.replay(self._kinematics.residual, x0, pokes, cancelled, thing)
        turned = pokes * (-1, 1, -1, 1) + (1, 0, 0, 0)
        seen = None if thing is None else SeenThing(_flipped(thing.mask), thing.pins * (-1, 1) + (1, 0))
        return map(_mirrored, self._model.replay(self._kinematics.residual, _flipped(x0), turned, cancelled, seen))

    def pose_difference(self, x0: Field) -> float:
        """Distance of the still from that of the kinematics."""
        features = self._model.features(_flipped(x0) if self._mirror else x0)
        if features.shape != self._kinematics.still_features.shape:
            raise KinematicsError(
                f"The kinematics tell a pose that the model {self.entry.name} doesn't see; make it again with `ipoke invert`."
            )
        return pose_difference(features, self._kinematics.still_features)


def _flipped(field: Field) -> Field:
    return np.ascontiguousarray(field[..., ::-1])


def _mirrored(made: ModelFrame) -> ModelFrame:
    """A frame with left and right swapped, and so the direction of its flow along x."""
    flow, shift = (
        None if field is None else _flipped(field) * np.array([-1, 1], np.float32)[:, None, None]
        for field in (made.flow, made.shift)
    )
    visibility, residual, error_px = (
        None if field is None else _flipped(field) for field in (made.visibility, made.residual, made.error_px)
    )
    return ModelFrame(made.variant, made.t, _flipped(made.frame), flow, visibility, residual, shift, error_px)
