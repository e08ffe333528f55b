"""What everybody is measured on: true clips with pokes read from their motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.batch import Batch
from ..data.poke_simulation import candidates
from ..data.store import ClipStore, StoreError
from ..sampling.pokes import pixels_to_pokes
from ..sampling.things import Thing

SHORTEST_ARROW_PX = 2.0
MARGIN_PX = 5
STILL_PX, STILL_ESTIMATED_PX = 0.05, 0.25
"""Motion below which a place stands still: where the flow is exact, and where DIS read it from footage."""
BACKGROUND_MARGIN_PX = 4


@dataclass(frozen=True)
class Example:
    """A true clip (T+1, 3, S, S) with pokes: places (N, 2) as (row, column) and shifts (N, 2) px as (x, y).

    `batch` is the clip's own; `background` and `neighbour`, (S, S), are what stands still in it, and the objects among that.
    """

    clip: Tensor
    places: NDArray[np.int64]
    shifts: NDArray[np.float32]
    background: NDArray[np.bool_]
    neighbour: NDArray[np.bool_]
    batch: Batch

    @property
    def x0(self) -> Tensor:
        """The still, (3, S, S)."""
        return self.clip[0]

    @property
    def pokes(self) -> NDArray[np.float64]:
        """The pokes (N, 4) in fractions of the still; a tip beyond the border is pulled onto it."""
        return pixels_to_pokes(self.places, self.shifts, self.clip.shape[-1])

    @property
    def thing(self) -> Thing | None:
        """What the pokes stand on, where that is known."""
        return None if self.batch.thing is None else Thing(self.batch.thing[0, 0])

    def first(self, count: int) -> Example:
        """The same clip with only the first `count` pokes."""
        return replace(self, places=self.places[:count], shifts=self.shifts[:count])


def examples(store: ClipStore, count: int, seed: int, pokes: int = 1) -> Iterator[Example]:
    """The first `count` clips whose first poke, drawn by the paper's rule, is at least 2 px long.

    Raises:
        StoreError: there is no such clip.
    """
    found = 0
    for index in range(len(store)):
        batch = store.batch(np.array([index]))
        flow = batch.poke_flow[0]
        rng = np.random.default_rng([seed, index])
        all_places = torch.nonzero(candidates(_pokeable(batch)[None], MARGIN_PX, torch.tensor([False]))[0]).numpy()
        places = all_places[rng.integers(len(all_places), size=pokes)]
        shifts = flow[:, places[:, 0], places[:, 1]].T.numpy()
        if float(np.linalg.norm(shifts[0])) < SHORTEST_ARROW_PX:
            continue
        yield example_of(store, index, batch, places, shifts)
        found += 1
        if found == count:
            return
    if not found:
        raise StoreError(f"In no clip anything moves by {SHORTEST_ARROW_PX:g} px, so nothing can be poked; take other clips.")


def example_of(store: ClipStore, index: int, batch: Batch, places: NDArray[np.int64], shifts: NDArray[np.float32]) -> Example:
    """The clip at `index`, whose batch is given, with these pokes."""
    background = background_of(batch.poke_flow[0], STILL_ESTIMATED_PX if store.info.footage else STILL_PX)
    return Example(batch.frames[0], places, shifts, background, background & store.neighbour(index), batch)


def _pokeable(batch: Batch) -> Tensor:
    """How far each place (S, S) of the one clip moves, in px; not at all outside the foreground, where one is known."""
    amplitude = batch.poke_flow[0].norm(dim=0)
    return amplitude if batch.foreground is None else amplitude * batch.foreground[0, 0]


def background_of(poke_flow: Tensor, still_px: float) -> NDArray[np.bool_]:
    """Pixels (S, S) of x0 that stand still in the true clip, a few pixels away from all that moves."""
    moving = (poke_flow.norm(dim=0) > still_px).numpy().astype(np.uint8)
    kernel = np.ones((2 * BACKGROUND_MARGIN_PX + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(moving, kernel) == 0)
