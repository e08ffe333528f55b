"""Who is compared on stills whose things are known: models on the body, a model's whole region, and the puppet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.plate.region import model_input, pokes_in_region
from backend.plate.stage import Stage
from backend.protocol.messages import Playback, Poke
from backend.worker.asked_thing import seen_thing
from backend.worker.loaded_models import LoadedModel, Models
from backend.worker.takes import Takes, View
from ipoke_values import Sampling

PUPPET = "puppet"
STEPS = 10
"""Frames of a puppet's clip, as many as the models make."""


@dataclass(frozen=True)
class Contestant:
    """A model that moves the thing as a body, or the region as a whole; or the puppet, which has no model."""

    name: str
    model: LoadedModel | None
    as_body: bool


def contestants_of(names: Sequence[str | None], *, region: bool = False) -> list[Contestant]:
    """Installed models by name (None for the default one) on the body, with `region` the first one's region, and the puppet."""
    models = [Models().get(name) for name in names]
    found = [Contestant(f"{model.entry.name} as a body", model, True) for model in models]
    if region:
        found.append(Contestant(f"{models[0].entry.name} as a region", models[0], False))
    return [*found, Contestant(PUPPET, None, True)]


def takes_of(model: LoadedModel, stage: Stage, poke: Poke, seed: int, variants: int) -> Takes:
    """What a model makes of one arrow on a stage at default settings."""
    inside = pokes_in_region([poke], stage.region, stage.plate.size_px)
    seen = model_input(stage.plate, stage.region, model.entry.size_px)
    pins = np.empty((0, 2)) if stage.pins is None else stage.pins
    thing = None if stage.thing is None else seen_thing(stage.thing, pins, stage.region, model.entry.size_px)
    view = View(stage.region, seen, inside, Sampling(seed), thing, stage)
    return Takes(view, model, Playback(), range(variants), lambda: False)


def eased_puppet(stage: Stage, poke: Poke) -> NDArray[np.float64]:
    """Poses (T, V, 2) of a stage's body without a model, in fractions of the plate: its tail is eased along the arrow while its
    ground is held exactly."""
    body, holds = stage.body, stage.holds
    places = np.concatenate([[(poke.x, poke.y)], holds.border, holds.ground])
    time = np.arange(1, STEPS + 1) / STEPS
    shifts = np.zeros((STEPS, 1, len(places), 2))
    shifts[:, 0, 0] = (time * time * (3 - 2 * time))[:, None] * (poke.dx, poke.dy)
    return body.held(places).poses(shifts)[:, 0]
