"""Owns doing work over all cores while keeping its order, with a bound on what is under way."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered(work: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None) -> Generator[Result, None, None]:
    """Results of `work`, in the order of the items; at most one more than there are threads is held at a time.

    Threads are enough: OpenCV, zlib and large numpy operations let others run meanwhile. Where making the next item fails, what
    is under way is handed out before that is raised.
    """
    threads = threads or os.cpu_count() or 1
    under_way: deque[Future[Result]] = deque()
    source = iter(items)
    failure: Exception | None = None
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                try:
                    item = next(source)
                except StopIteration:
                    break
                except Exception as error:  # raised below, when what is under way has been handed out
                    failure = error
                    break
                under_way.append(pool.submit(work, item))
                if len(under_way) > threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
            if failure is not None:
                raise failure
        finally:
            failure = None  # its traceback holds this frame, and with it all that `work` stands on
            for future in under_way:
                future.cancel()
