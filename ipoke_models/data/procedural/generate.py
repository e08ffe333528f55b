"""`ipoke generate`: fill a clip store with procedural clips, in parallel and resumable."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from ..pictures import PictureError
from ..store import SHARD_CLIPS, StoreError, begin_store, finish_store, write_shard
from .clips import render
from .recipes import GARDEN, RECIPES
from .scene_source import SceneSource, add_picture_options

FRAMES = 10


def _source(options: argparse.Namespace) -> SceneSource:
    folders = (options.cutouts, options.photos, options.mocap)
    of_recipe = options.recipe, options.seed, options.size, FRAMES
    return SceneSource(*of_recipe, *folders, options.held_out, options.restyled, options.animated)


def _make_shard(source: SceneSource, store: Path, number: int, count: int) -> None:
    indices = range(number * SHARD_CLIPS, min(count, (number + 1) * SHARD_CLIPS))
    write_shard(store, number, [render(source.scene(index), source.size_px, source.frames) for index in indices])


def generate(options: argparse.Namespace) -> None:
    """Make the shards that are missing, then mark the store complete."""
    source = _source(options)
    begin_store(options.output, source.info(options.count))
    numbers = [n for n in range(-(-options.count // SHARD_CLIPS)) if not (options.output / f"shard_{n:04d}").is_dir()]
    started = time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        jobs = [pool.submit(_make_shard, source, options.output, number, options.count) for number in numbers]
        for done, job in enumerate(as_completed(jobs), start=1):
            job.result()
            left_s = (time.monotonic() - started) / done * (len(jobs) - done)
            print(f"shard {done} of {len(jobs)}, about {left_s:.0f} s left", file=sys.stderr)
    finish_store(options.output)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ipoke generate", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the clip store")
    parser.add_argument("--count", type=int, default=6000, help="number of clips")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=64, help="working resolution in px")
    parser.add_argument("--recipe", choices=sorted(RECIPES), default=GARDEN, help="kind of scenes (default: %(default)s)")
    add_picture_options(parser)
    parser.add_argument("--held-out", action="store_true", help="use the held-out fifth of the pictures")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    try:
        generate(options)
    except (PictureError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
