"""Footage as a clip store: made once into a cache, in parallel, resumable, found again by what made it.

CACHE/NAME-KEY/sources.json       what decoding every source told
CACHE/NAME-KEY/train, held-out    the clip store of a part (`whole` where footage isn't divided)

KEY is a hash of the files' names, sizes and times, and of all options: changed footage or options make other clips.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import cv2
import numpy as np

from ..optical_flow import flow_estimator
from ..store import (
    INFO_FILE,
    ORDER_FILE,
    WEIGHTS_FILE,
    ClipStore,
    StoreInfo,
    begin_store,
    finish_store,
    remove_leftovers,
    write_shard,
)
from .clips import Scan, Square, estimation_side, footage_clip, scan, windows
from .layouts import LAYOUTS, Crop, Excerpt, Part
from .parallel import in_parallel
from .sources import FootageError, Source, claimed_frames, find_sources, read_frames, why_ended

CACHE = Path("runs") / "clips"
VERSION = 2
"""Part of the key: to be raised when clips are made in another way."""
MOST_CLIPS = {Part.TRAIN: 4000, Part.HELD_OUT: 500, Part.WHOLE: 4000}
SHARD_CLIPS = 25
MOST_SHARDS = 100
CLAIM_TOLERANCE = 3
"""Containers may count a few frames more than they hold."""


@dataclass(frozen=True)
class FootageOptions:
    """How footage becomes clips; None stands for what the layout says, or for the `stride` that makes some 4000 clips."""

    layout: str = "folder"
    frame_step: int | None = None
    stride: int | None = None
    crop: Crop | None = None
    people: bool | None = None
    held_out_share: float = 0.2
    flow: str = "dis"
    cache: Path = CACHE
    processes: int = 1


@dataclass(frozen=True)
class _Recipe:
    """All options resolved: what a clip is made with."""

    size_px: int
    frames: int
    frame_step: int
    crop: Crop
    people: bool
    flow: str

    @property
    def offsets(self) -> list[int]:
        return [number * self.frame_step for number in range(self.frames + 1)]


@dataclass(frozen=True)
class _Task:
    """Clips of one source: the raw frames they start at."""

    source: Source
    square: Square
    starts: list[int]


def footage_store(folder: Path, part: Part, options: FootageOptions, size_px: int, frames: int) -> ClipStore:
    """The clips of a part of the footage in a folder, made where they aren't there yet.

    Raises:
        FootageError: there is nothing usable; says why.
    """
    layout = LAYOUTS[options.layout]
    recipe = _Recipe(
        size_px,
        frames,
        options.frame_step or layout.frame_step,
        options.crop or layout.crop,
        layout.people if options.people is None else options.people,
        options.flow,
    )
    sources = find_sources(folder)
    if part is Part.WHOLE:
        excerpts = [Excerpt(source) for source in sources]
    else:
        excerpts = layout.divide(folder, sources, options.held_out_share)[part]
    home = options.cache / f"{folder.resolve().name}-{_key(sources, options, recipe)}"
    store = home / part.value
    if not (store / INFO_FILE).exists():
        _make(store, excerpts, recipe, options, even=layout.even, part=part)
    return ClipStore(store)


def _key(sources: list[Source], options: FootageOptions, recipe: _Recipe) -> str:
    files = [[source.name, source.fingerprint()] for source in sources]
    how = [options.layout, options.stride, options.held_out_share, astuple(recipe)]
    return hashlib.sha256(json.dumps([VERSION, files, how], default=lambda crop: crop.value).encode()).hexdigest()[:12]


def _make(store: Path, excerpts: list[Excerpt], recipe: _Recipe, options: FootageOptions, *, even: bool, part: Part) -> None:
    try:
        flow_estimator(recipe.flow)
    except ValueError as error:
        raise FootageError(str(error)) from error
    if not excerpts:
        raise FootageError(f"The {part.value} part of this footage is empty in the layout '{options.layout}'; name another.")
    scans = _scans(store.parent / "sources.json", [excerpt.source for excerpt in excerpts], recipe.crop, options.processes)
    tasks = _tasks(excerpts, scans, recipe, options.stride, MOST_CLIPS[part])
    count = sum(len(task.starts) for task in tasks)
    if not count:
        raise FootageError(
            f"None of the {len(excerpts)} sources of the {part.value} part holds {recipe.offsets[-1] + 1} frames that can be "
            "decoded, which one clip takes; give longer footage or a smaller --frame-step."
        )
    info = StoreInfo(recipe.size_px, recipe.frames, count, 0, _described(tasks, recipe, part, store.parent.name), footage=True)
    begin_store(store, info)
    np.save(store / ORDER_FILE, np.random.default_rng(0).permutation(count))
    if even:
        np.save(store / WEIGHTS_FILE, np.concatenate([np.full(len(task.starts), 1 / len(task.starts)) for task in tasks]))
    size = max(SHARD_CLIPS, -(-count // MOST_SHARDS))
    shards = [shard for shard in enumerate(_shards(tasks, size)) if not (store / f"shard_{shard[0]:04d}").is_dir()]
    jobs = [(_make_shard, (store, number, shard, recipe)) for number, shard in shards]
    for _ in in_parallel(jobs, options.processes, f"{part.value} clips: shard"):
        pass
    finish_store(store)
    remove_leftovers(store)


def _scans(file: Path, sources: list[Source], crop: Crop, processes: int) -> dict[str, Scan]:
    """Decode the sources that `file` doesn't know yet, name those that are of no use, and note all in the file."""
    known: dict[str, Scan | None] = {}
    if file.exists():
        rows = json.loads(file.read_text(encoding="utf-8"))
        known = {name: row and Scan(row["frames"], Square(**row["square"])) for name, row in rows.items()}
    missing = [source for source in sources if source.name not in known]
    for source, found in in_parallel([(_scan, (source, crop)) for source in missing], processes, "source"):
        known[source.name] = found
        _note(file, known)
    for source in sources:
        found = known[source.name]
        claimed = claimed_frames(source)
        if found is None:
            print(f"{source.name} is skipped, nothing of it can be decoded: {why_ended(source, 0)}.", file=sys.stderr)
        elif found.frames + (0 if source.pictures else CLAIM_TOLERANCE) < claimed:
            why = why_ended(source, found.frames)
            print(f"{source.name} is used up to frame {found.frames} of {claimed}: {why}.", file=sys.stderr)
    return {name: found for name, found in known.items() if found is not None}


def _note(file: Path, known: dict[str, Scan | None]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps({name: found and asdict(found) for name, found in known.items()}, indent=1), encoding="utf-8")
    partial.replace(file)


def _scan(source: Source, crop: Crop) -> tuple[Source, Scan | None]:
    cv2.setNumThreads(1)
    return source, scan(read_frames(source), crop)


def _tasks(excerpts: list[Excerpt], scans: dict[str, Scan], recipe: _Recipe, stride: int | None, most: int) -> list[_Task]:
    """What to cut out of which source; names the sources that are too short."""
    span = recipe.offsets[-1] + 1
    ranges = []
    for excerpt in excerpts:
        found = scans.get(excerpt.source.name)
        if found is None:
            continue
        first, last = round(excerpt.start * found.frames), round(excerpt.stop * found.frames) - span
        if last < first:
            print(f"{excerpt.source.name} is skipped: {last + span - first} frames, a clip takes {span}.", file=sys.stderr)
            continue
        ranges.append((excerpt.source, found.square, first, last))
    every = stride or max(1, -(-sum(last - first + 1 for *_, first, last in ranges) // most))
    return [_Task(source, square, list(range(first, last + 1, every))) for source, square, first, last in ranges]


def _shards(tasks: list[_Task], size: int) -> Iterator[list[_Task]]:
    """The same clips in the same order, up to `size` together."""
    shard: list[_Task] = []
    room = size
    for task in tasks:
        starts = task.starts
        while starts:
            taken, starts = starts[:room], starts[room:]
            shard.append(_Task(task.source, task.square, taken))
            room -= len(taken)
            if not room:
                yield shard
                shard, room = [], size
    if shard:
        yield shard


def _make_shard(store: Path, number: int, tasks: list[_Task], recipe: _Recipe) -> None:
    cv2.setNumThreads(1)
    estimate = flow_estimator(recipe.flow)
    side_px = estimation_side(recipe.size_px)
    clips = []
    for task in tasks:
        for pictures in windows(read_frames(task.source), task.starts, recipe.offsets, task.square, side_px):
            clips.append(footage_clip(pictures, recipe.size_px, estimate, recipe.people))
    if len(clips) != sum(len(task.starts) for task in tasks):
        names = ", ".join(task.source.name for task in tasks)
        raise FootageError(f"One of {names} can no longer be decoded as far as before; start anew when nobody writes to it.")
    write_shard(store, number, clips)


def _described(tasks: list[_Task], recipe: _Recipe, part: Part, key: str) -> str:
    names = ", ".join(task.source.name for task in tasks[:8]) + (", ..." if len(tasks) > 8 else "")
    people = ", pokes kept to people" if recipe.people else ""
    return (
        f"{part.value} part of footage {key}: {len(tasks)} sources ({names}), every {recipe.frame_step}. frame, "
        f"{recipe.crop.value} crop, flow by {recipe.flow}{people}"
    )
