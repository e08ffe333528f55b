"""Work spread over processes, with a line of progress for each piece that is done."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any


def in_parallel(jobs: list[tuple[Callable[..., Any], tuple[Any, ...]]], processes: int, what: str) -> Iterator[Any]:
    """Results as they come, with a line of progress each; in this process where one is enough."""
    started = time.monotonic()
    for done, result in enumerate(_results(jobs, min(processes, len(jobs))), start=1):
        left_s = (time.monotonic() - started) / done * (len(jobs) - done)
        print(f"{what} {done} of {len(jobs)}, about {left_s:.0f} s left", file=sys.stderr, flush=True)
        yield result


def _results(jobs: list[tuple[Callable[..., Any], tuple[Any, ...]]], processes: int) -> Iterable[Any]:
    if processes <= 1:
        yield from (make(*arguments) for make, arguments in jobs)
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
    try:
        yield from (job.result() for job in as_completed([pool.submit(make, *arguments) for make, arguments in jobs]))
    finally:
        pool.shutdown(cancel_futures=True)
