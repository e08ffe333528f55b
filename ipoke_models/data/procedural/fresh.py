"""Clips that are rendered when they are asked for, in torch, instead of being read from a store."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import torch
from numpy.typing import NDArray

from ..batch import Batch
from ..store import ClipStore, StoreError
from .recipes import RECIPES
from .scene_source import SceneSource, add_picture_options
from .scenes import Scene
from .torch_render import RenderedBatch, render_batch

DEFAULT_COUNT = 16000
SCENES_AT_ONCE = 4


class FreshClips(ClipStore):
    """The first `count` clips of a source with the interface of a store; a clip's number is always the same clip.

    Scenes are put together by `processes` processes (here, where that is one) and rendered on the device, where the batches stay.

    Raises:
        PictureError: a folder of pictures is missing or holds nothing of use.
    """

    def __init__(self, source: SceneSource, count: int, device: torch.device, processes: int = 1) -> None:
        self.info = source.info(count)
        self.augmented, self._odds = False, None
        self._source, self._device = source, device
        self._pool = _pool(processes) if processes > 1 else None

    def __len__(self) -> int:
        return self.info.count

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """Render the clips of these numbers."""
        return self._rendered(indices).batch

    def neighbour(self, index: int) -> NDArray[np.bool_]:
        """Where x0 of a clip shows an object that stands still, (S, S); nowhere in clips without one."""
        return np.asarray(self._rendered(np.array([index])).neighbour[0].cpu().numpy(), bool)

    def _rendered(self, indices: NDArray[np.int64]) -> RenderedBatch:
        numbers = [int(index) for index in indices]
        if self._pool is None or len(numbers) == 1:
            scenes: Sequence[Scene] = [self._source.scene(number) for number in numbers]
        else:
            scenes = list(self._pool.map(self._source.scene, numbers, chunksize=SCENES_AT_ONCE))
        return render_batch(scenes, self.info.size_px, self.info.frames, self._device)


@cache
def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"))


def is_fresh(name: str) -> bool:
    """Whether a name asks for fresh clips, `RECIPE:SEED` or `RECIPE:SEED:COUNT`, rather than being a folder's."""
    return name.partition(":")[0] in RECIPES and ":" in name


def read_name(name: str) -> tuple[str, int, int]:
    """Recipe, seed and number of clips that a name of fresh clips asks for.

    Raises:
        StoreError: seed or count are no numbers.
    """
    recipe, *numbers = name.split(":")
    try:
        seed, count = (*map(int, numbers), DEFAULT_COUNT)[:2] if len(numbers) < 3 else (-1, -1)
    except ValueError:
        seed, count = -1, -1
    if seed < 0 or count < 1:
        raise StoreError(f"'{name}' names no clips: write RECIPE:SEED or RECIPE:SEED:COUNT, such as {recipe}:1:{DEFAULT_COUNT}.")
    return recipe, seed, count


def add_fresh_options(parser: argparse.ArgumentParser) -> None:
    """Options of a command that takes `RECIPE:SEED` in place of a store."""
    group = parser.add_argument_group(
        "fresh clips", "Where clips are named RECIPE:SEED[:COUNT], they are rendered by this command."
    )
    add_picture_options(group)


def open_fresh(name: str, options: argparse.Namespace, size_px: int, frames: int, *, held_out: bool = False) -> FreshClips:
    """The clips that a name of fresh clips and the options ask for, rendered on a CUDA device where training may use it.

    `held_out` ones are made of the held-out part of the pictures as they are.

    Raises:
        StoreError: the name asks for no clips.
        PictureError: a folder of pictures is missing or holds nothing of use.
    """
    recipe, seed, count = read_name(name)
    folders, copies = (options.cutouts, options.photos, options.mocap), 0 if held_out else options.restyled
    source = SceneSource(recipe, seed, size_px, frames, *folders, held_out, copies, options.animated)
    device = torch.device("cuda" if options.device != "cpu" and torch.cuda.is_available() else "cpu")
    return FreshClips(source, count, device, options.processes)
