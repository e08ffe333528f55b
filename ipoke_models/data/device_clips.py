"""Clips in the memory of the device that trains: a graphics card is done with a batch before the next one has been read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..records import map_tensors
from .batch import Batch, join_batches
from .store import ClipStore, StoreInfo

READ_AT_ONCE = 256
_READERS = 3
"""Threads that read ahead: scenes are put together by other processes while this one renders."""


class KeptClips(ClipStore):
    """All clips of a store, read once and kept on a device as small as stores are: 0.4 MB a clip of 64 px, 1.6 MB of 128 px."""

    @staticmethod
    def fit(store: ClipStore, device: torch.device) -> bool:
        """Whether half of what is free on a CUDA device holds the clips; on a processor nothing is to be gained."""
        if device.type != "cuda":
            return False
        bytes_a_pixel = 3 * (store.info.frames + 1) + 6 * store.info.frames + 6
        return len(store) * store.info.size_px**2 * bytes_a_pixel < torch.cuda.mem_get_info(device)[0] / 2

    def __init__(self, store: ClipStore, device: torch.device) -> None:
        self.info, self.augmented, self._odds, self._store = store.info, store.augmented, store._odds, store
        with ThreadPoolExecutor(_READERS) as readers:
            self._clips = join_batches(
                list(readers.map(lambda part: _packed(store.batch(part), device), store.parts(READ_AT_ONCE)))
            )

    @property
    def infos(self) -> list[StoreInfo]:
        """Provenance of each store in it."""
        return self._store.infos

    def __len__(self) -> int:
        return len(self._store)

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """The clips of these numbers, on the device."""
        chosen = torch.from_numpy(indices).to(self._clips.frames.device)
        return _unpacked(map_tensors(self._clips, lambda tensor: tensor[chosen]))

    def neighbour(self, index: int) -> NDArray[np.bool_]:
        """Where x0 of a clip shows an object that stands still, (S, S); nowhere in clips without one."""
        return self._store.neighbour(index)


def _packed(batch: Batch, device: torch.device) -> Batch:
    """The batch on the device: pictures in bytes, masks in booleans, flow in half precision."""
    on_device = map_tensors(batch, lambda tensor: tensor.to(device))
    return replace(
        map_tensors(on_device, Tensor.half),
        frames=((on_device.frames + 1) * 127.5).round().byte(),
        visible=on_device.visible.bool(),
        foreground=None if on_device.foreground is None else on_device.foreground.bool(),
        thing=None if on_device.thing is None else on_device.thing.bool(),
    )


def _unpacked(packed: Batch) -> Batch:
    batch = map_tensors(packed, Tensor.float)
    return replace(batch, frames=batch.frames / 127.5 - 1)
