"""The encoders of still and pokes, trained by their decoders: the still reconstructs itself, pokes predict dense flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.batch import Batch
from ..data.batches import draw
from ..data.pokes import simulate_pokes
from ..data.store import ClipStore
from ..networks.conditioning import Conditioner
from ..networks.dense_flow import DenseFlow
from . import processes
from .losses import VALIDATION_SEED, flow_figures, flow_loss, mean_figures
from .processes import beside

POKE_WEIGHT = 0.5
VALIDATION_CLIPS = 192


@dataclass(frozen=True)
class _Poked:
    """Stills (B, 3, S, S), poke maps (B, 2, S, S) px and the dense flow that follows, (B, 2, S, S) px; S as the encoders read."""

    x0: Tensor
    maps: Tensor
    truth: Tensor


class PokedStills:
    """A store's stills, poked anew each time, beside the module that they train; pokes are (max_pokes, poke_size_px)."""

    def __init__(self, store: ClipStore, module: Conditioner, pokes: tuple[int, int]) -> None:
        self._store, self._module, self._pokes = store, module, pokes

    def random_share(self, rng: np.random.Generator, count: int) -> _Poked:
        """This process's share of random clips."""
        part = processes.part()
        return self._poke(draw(self._store, rng, count, part), rng.spawn(count)[part])

    def in_order(self) -> Iterator[_Poked]:
        """The first clips as they are."""
        for part in self._store.parts(64, VALIDATION_CLIPS):
            yield self._poke(self._store.batch(part), np.random.default_rng([VALIDATION_SEED, int(part[0])]).spawn(len(part)))

    def _poke(self, batch: Batch, rngs: Sequence[np.random.Generator]) -> _Poked:
        simulated = simulate_pokes(batch.poke_flow, rngs, *self._pokes, foreground=batch.foreground)
        truth = torch.where(simulated.still.view(-1, 1, 1, 1), torch.zeros_like(batch.poke_flow), batch.poke_flow)
        x0, maps = self._module.shrunk(batch.frames[:, 0]), self._module.shrunk_pokes(simulated.maps)
        shrunk = self._module.shrunk(truth) * (x0.shape[-1] / truth.shape[-1])
        return beside(self._module, _Poked(x0, maps, shrunk))


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
        flow = self._poke(poked.maps, poked.x0)
        return {"image": self._image_error(poked), "poke": POKE_WEIGHT * flow_loss(flow, poked.truth)}

    def _image_error(self, poked: _Poked) -> Tensor:
        error: Tensor = (self._image(poked.x0) - poked.x0).abs().mean()
        return error

    def validate(self) -> dict[str, float]:
        """Flow error on moving pixels beside that of standing still."""
        return mean_figures(
            flow_figures(self._poke(poked.maps, poked.x0), poked.truth) | {"image_error": float(self._image_error(poked))}
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
        return {"dense": flow_loss(self._predict(poked), poked.truth)}

    def _predict(self, poked: _Poked) -> Tensor:
        flow = self.module(poked.maps, poked.x0)
        return F.interpolate(flow, size=poked.truth.shape[-2:], mode="bilinear", align_corners=False)

    def validate(self) -> dict[str, float]:
        """Flow error on moving pixels beside that of standing still."""
        return mean_figures(flow_figures(self._predict(poked), poked.truth) for poked in self._held_out.in_order())
