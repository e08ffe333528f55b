"""The encoders of still and pokes, trained by their decoders: the still reconstructs itself, pokes predict dense flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.batch import Batch
from ..data.batches import draw
from ..data.poke_simulation import simulate_for
from ..data.store import ClipStore
from ..data.things import shown_thing
from ..networks.conditioning import Conditioner
from ..networks.dense_flow import DenseFlow
from . import processes
from .losses import VALIDATION_CLIPS, VALIDATION_SEED, flow_figures, flow_loss, mean_figures
from .processes import beside

POKE_WEIGHT = 0.5


@dataclass(frozen=True)
class _Poked:
    """Stills (B, 3, S, S), poke maps (B, 2, S, S) px and the dense flow that follows, (B, 2, S, S) px; S as the encoders read."""

    x0: Tensor
    maps: Tensor
    truth: Tensor
    thing: Tensor | None = None
    """Mask and pins, (B, 2, S, S), where the module sees them."""

    @property
    def mask(self) -> Tensor | None:
        """Where the truth counts; None for everywhere."""
        return None if self.thing is None else self.thing[:, :1]


class PokedStills:
    """A store's stills, poked anew each time, beside the module that they train; pokes are (max_pokes, poke_size_px)."""

    def __init__(self, store: ClipStore, module: Conditioner, pokes: tuple[int, int]) -> None:
        self._store, self._module, self._pokes = store, module, pokes

    def random_share(self, rng: np.random.Generator, count: int) -> _Poked:
        """This process's share of random clips."""
        part = processes.part()
        return self._poke(draw(self._store, rng, count, part), rng, count, part)

    def in_order(self) -> Iterator[_Poked]:
        """The first clips as they are."""
        for part in self._store.parts(64, VALIDATION_CLIPS):
            yield self._poke(self._store.batch(part), np.random.default_rng([VALIDATION_SEED, int(part[0])]), len(part))

    def _poke(self, batch: Batch, rng: np.random.Generator, count: int, part: slice = slice(None)) -> _Poked:
        """The clips of a part of `count`, poked."""
        sees_thing = self._module.sees_thing
        simulated = simulate_for(batch, rng.spawn(count)[part], self._pokes, sees_thing=sees_thing)
        truth = torch.where(simulated.still.view(-1, 1, 1, 1), torch.zeros_like(batch.poke_flow), batch.poke_flow)
        x0, maps = self._module.shrunk(batch.frames[:, 0]), self._module.shrunk_pokes(simulated.maps)
        shrunk = self._module.shrunk(truth) * (x0.shape[-1] / truth.shape[-1])
        thing = self._module.shrunk(shown_thing(batch, rng, count, part, self._pokes[1])) if sees_thing else None
        return beside(self._module, _Poked(x0, maps, shrunk, thing))


class ConditionerStage:
    """Trains image and poke encoder side by side; they share nothing but the batch."""

    name = "conditioner"
    exact = False

    def __init__(self, module: Conditioner, train: PokedStills, held_out: PokedStills, batch: int, seed: int) -> None:
        self._image, self._poke = module.image, module.poke
        self.module = nn.ModuleDict({"image": module.image, "poke": module.poke})
        self._train, self._held_out, self._batch, self._seed = train, held_out, batch, seed

    def losses(self, step: int) -> dict[str, Tensor]:
        """Terms of the loss on fresh clips."""
        poked = self._train.random_share(np.random.default_rng([self._seed, 2, step]), self._batch)
        flow = self._poke(poked.maps, poked.x0, poked.thing)
        return {"image": self._image_error(poked), "poke": POKE_WEIGHT * flow_loss(flow, poked.truth, poked.mask)}

    def _image_error(self, poked: _Poked) -> Tensor:
        error: Tensor = (self._image(poked.x0, poked.thing) - poked.x0).abs().mean()
        return error

    def validate(self) -> dict[str, float]:
        """Flow error on moving pixels beside that of standing still."""
        return mean_figures(
            flow_figures(self._poke(poked.maps, poked.x0, poked.thing), poked.truth, poked.mask)
            | {"image_error": float(self._image_error(poked))}
            for poked in self._held_out.in_order()
        )


class DenseStage:
    """Trains the dense flow that h holds."""

    name = "dense"
    exact = False

    def __init__(self, module: Conditioner, train: PokedStills, held_out: PokedStills, batch: int, seed: int) -> None:
        assert module.dense is not None
        self.module: DenseFlow = module.dense
        self._train, self._held_out, self._batch, self._seed = train, held_out, batch, seed

    def losses(self, step: int) -> dict[str, Tensor]:
        """The one term of the loss, on fresh clips."""
        poked = self._train.random_share(np.random.default_rng([self._seed, 10, step]), self._batch)
        return {"dense": flow_loss(self._predict(poked), poked.truth, poked.mask)}

    def _predict(self, poked: _Poked) -> Tensor:
        flow = self.module(poked.maps, poked.x0, poked.thing)
        return F.interpolate(flow, size=poked.truth.shape[-2:], mode="bilinear", align_corners=False)

    def validate(self) -> dict[str, float]:
        """Flow error on moving pixels beside that of standing still."""
        return mean_figures(flow_figures(self._predict(poked), poked.truth, poked.mask) for poked in self._held_out.in_order())
