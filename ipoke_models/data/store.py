"""Clip stores: folders of memory-mapped shards that training and evaluation read without decoding anything.

STORE/clips.json            what the clips are and how they were made; clips.json.part until all of them are there
STORE/shard_0003/*.npy      one array a field, 500 clips each (fewer of footage); a shard appears whole or not at all
STORE/order.npy             of footage: the order in which its clips are read, so that the first few show all sources
STORE/weights.npy           where some clips are to be drawn more often than others: how often, one number a clip
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..records import map_tensors
from .batch import FLOW_STRIDE, Batch, join_batches
from .procedural.clips import Clip
from .procedural.recipes import GARDEN

INFO_FILE, PLAN_FILE = "clips.json", "clips.json.part"
ORDER_FILE, WEIGHTS_FILE = "order.npy", "weights.npy"
SHARD_CLIPS = 500
_TEMPORARY = re.compile(r"\.shard_\d{4,}\.\d+")


class StoreError(ValueError):
    """A clip store that can't be read: the sentence says why and what to do."""


@dataclass(frozen=True)
class StoreInfo:
    """Provenance: `seed`, `pictures`, `recipe` and `restyled` say how procedural clips were made, of footage `pictures` alone."""

    size_px: int
    frames: int
    count: int
    seed: int
    pictures: str
    recipe: str = GARDEN
    footage: bool = False
    restyled: int = 0


_ARRAYS = ("frames", "motion", "backward", "visible", "poke_flow", "neighbour")
_MASKS = ("foreground", "thing")
"""What only some stores have."""


def shard_arrays(clips: list[Clip]) -> dict[str, NDArray[np.generic]]:
    """Stack clips into the arrays of one shard."""
    grounds = [clip.foreground for clip in clips if clip.foreground is not None]
    things = [clip.thing for clip in clips if clip.thing is not None]
    assert {len(grounds), len(things)} <= {0, len(clips)}, "masks go with all clips of a shard, or with none"
    return {
        "frames": np.stack([clip.frames for clip in clips]).transpose(0, 1, 4, 2, 3),
        "motion": np.stack([_halved(clip.forward) for clip in clips]).transpose(0, 1, 4, 2, 3).astype(np.float16),
        "backward": np.stack([clip.backward for clip in clips]).transpose(0, 1, 4, 2, 3).astype(np.float16),
        "visible": np.stack([clip.visible for clip in clips])[:, :, None],
        "poke_flow": np.stack([clip.forward[-1] for clip in clips]).transpose(0, 3, 1, 2).astype(np.float16),
        "neighbour": np.stack([clip.neighbour for clip in clips]),
        **({"foreground": np.stack(grounds)} if grounds else {}),
        **({"thing": np.stack(things)} if things else {}),
    }


def write_shard(store: Path, number: int, clips: list[Clip]) -> None:
    """Write one shard into a temporary folder and rename it into place, unless another process has made the same one."""
    final = store / f"shard_{number:04d}"
    temporary = store / f".shard_{number:04d}.{os.getpid()}"
    temporary.mkdir(parents=True)
    try:
        for name, array in shard_arrays(clips).items():
            np.save(temporary / f"{name}.npy", np.ascontiguousarray(array))
        temporary.rename(final)
    except OSError:
        if not final.is_dir():
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(store: Path) -> None:
    """Remove what `write_shard` left of shards whose process was killed."""
    for leftover in store.iterdir():
        if _TEMPORARY.fullmatch(leftover.name) and leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)


def begin_store(store: Path, info: StoreInfo) -> None:
    """Note in the folder what it is going to hold; goes on with a store of the same clips.

    Raises:
        StoreError: the folder holds other clips, finished or not.
    """
    store.mkdir(parents=True, exist_ok=True)
    for note in (store / INFO_FILE, store / PLAN_FILE):
        if note.exists() and _read_info(note) != info:
            raise StoreError(
                f"{store} holds clips of other settings (see {note.name}); name another folder, or give the same recipe, count, "
                "seed, size and pictures to go on."
            )
    (store / PLAN_FILE).write_text(json.dumps(asdict(info), indent=1) + "\n", encoding="utf-8")


def _read_info(note: Path) -> StoreInfo | None:
    try:
        return StoreInfo(**json.loads(note.read_text(encoding="utf-8")))
    except (TypeError, ValueError, RecursionError):
        return None


def finish_store(store: Path) -> None:
    """Mark the store as complete, unless another process has done so."""
    try:
        (store / PLAN_FILE).replace(store / INFO_FILE)
    except FileNotFoundError:
        if not (store / INFO_FILE).exists():
            raise


class ClipStore:
    """Random access to a store's clips, memory-mapped; `augmented` asks those who train on them to vary them.

    Raises:
        StoreError: there is no complete store in the folder.
    """

    def __init__(self, folder: Path, *, augmented: bool = False) -> None:
        self.augmented = augmented
        try:
            self.info = StoreInfo(**json.loads((folder / INFO_FILE).read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError, RecursionError) as error:
            raise StoreError(
                f"{folder} is no clip store (clips.json is missing or damaged); make one with 'ipoke generate -o {folder}'."
            ) from error
        shards = sorted(folder.glob("shard_*"))
        fields = (*_ARRAYS, *(name for name in _MASKS if (folder / "shard_0000" / f"{name}.npy").exists()))
        try:
            self._arrays = {name: [np.load(shard / f"{name}.npy", mmap_mode="r") for shard in shards] for name in fields}
            self._order, weights = (_load_if_there(folder / name) for name in (ORDER_FILE, WEIGHTS_FILE))
        except (OSError, ValueError) as error:
            raise StoreError(f"{folder} is damaged or of another version ({error}); generate it anew elsewhere.") from error
        self._starts = np.cumsum([0] + [len(array) for array in self._arrays["frames"]])
        self._odds = None if weights is None else (weights / weights.sum())[self._order]

    def __len__(self) -> int:
        return min(self.info.count, int(self._starts[-1]))

    @property
    def infos(self) -> list[StoreInfo]:
        """Provenance of each store in it."""
        return [self.info]

    def choose(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Numbers of random clips, with replacement."""
        if self._odds is None:
            return rng.integers(len(self), size=count)
        return rng.choice(len(self), size=count, p=self._odds)

    def parts(self, size: int, most: int | None = None) -> Iterator[NDArray[np.int64]]:
        """Numbers of the clips (or of the first `most`) in order, up to `size` at a time."""
        count = min(len(self), most or len(self))
        for start in range(0, count, size):
            yield np.arange(start, min(count, start + size))

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """Read the clips of these numbers as float32 tensors."""
        frames = self._take("frames", indices).float() / 127.5 - 1
        return Batch(
            frames,
            self._take("motion", indices).float(),
            self._take("backward", indices).float(),
            self._take("visible", indices).float(),
            self._take("poke_flow", indices).float(),
            torch.full((len(indices),), float(self.info.footage)),
            *(self._take(name, indices).float()[:, None] if name in self._arrays else None for name in _MASKS),
        )

    def neighbour(self, index: int) -> NDArray[np.bool_]:
        """Where x0 of a clip shows an object that stands still, (S, S); nowhere in clips without one."""
        return np.array(self._row("neighbour", index), bool)

    def _take(self, name: str, indices: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(np.stack([self._row(name, index) for index in indices]))

    def _row(self, name: str, index: int) -> NDArray[np.generic]:
        index = index if self._order is None else int(self._order[index])
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        row: NDArray[np.generic] = self._arrays[name][shard][index - self._starts[shard]]
        return row


class JoinedClips(ClipStore):
    """The clips of several complete stores of one size, one store after the other, read as they are in each.

    `shares` says which part of random clips comes from each store; stores with None, and all without `shares`, are drawn from
    as they are large.

    Raises:
        StoreError: the shares leave too much or too little.
    """

    def __init__(self, stores: Sequence[ClipStore], shares: Sequence[float | None] = ()) -> None:
        infos = [store.info for store in stores]
        self.info = replace(
            infos[0],
            count=sum(len(store) for store in stores),
            pictures=" + ".join(info.pictures for info in infos),
            recipe=" + ".join(info.recipe for info in infos),
            footage=any(info.footage for info in infos),
        )
        self.augmented, self._stores = False, stores
        self._odds = _joint_odds(stores, shares or [None] * len(stores))
        self._firsts = np.cumsum([0] + [len(store) for store in stores])

    @property
    def infos(self) -> list[StoreInfo]:
        """Provenance of each store in it."""
        return [info for store in self._stores for info in store.infos]

    def __len__(self) -> int:
        return self.info.count

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """Read the clips of these numbers, each from its store."""
        numbers = np.searchsorted(self._firsts, indices, side="right") - 1
        order = np.argsort(numbers, kind="stable")
        parts = [self._stores[n].batch((indices - self._firsts[n])[numbers == n]) for n in np.unique(numbers)]
        back = torch.from_numpy(np.argsort(order))
        return map_tensors(join_batches(parts), lambda tensor: tensor[back.to(tensor.device)])

    def neighbour(self, index: int) -> NDArray[np.bool_]:
        """Where x0 of a clip shows an object that stands still, (S, S); nowhere in clips without one."""
        number = int(np.searchsorted(self._firsts, index, side="right")) - 1
        return self._stores[number].neighbour(index - int(self._firsts[number]))


def _joint_odds(stores: Sequence[ClipStore], shares: Sequence[float | None]) -> NDArray[np.float64] | None:
    """How likely each clip of all stores is to be drawn; None where all are alike."""
    given = math.fsum(share for share in shares if share is not None)
    others = sum(len(store) for store, share in zip(stores, shares, strict=True) if share is None)
    if given > 1 or (given < 1) != bool(others):
        raise StoreError(
            f"Shares add up to {given:g}: leave something to the folders that have none, or give each its own, 1 in all."
        )
    if not given and all(store._odds is None for store in stores):
        return None
    parts = []
    for store, share in zip(stores, shares, strict=True):
        mass = (1 - given) * len(store) / others if share is None else share
        parts.append(mass * (np.full(len(store), 1 / len(store)) if store._odds is None else store._odds))
    return np.concatenate(parts)


def _load_if_there(file: Path) -> NDArray[np.generic] | None:
    return np.load(file) if file.exists() else None


def _halved(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    t, rows, columns, _ = flow.shape
    return flow.reshape(t, rows // FLOW_STRIDE, FLOW_STRIDE, columns // FLOW_STRIDE, FLOW_STRIDE, 2).mean(axis=(2, 4))
