"""One line on standard error that says how far a long run is, and about how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

_EVERY_S = 20.0
"""Between two lines where standard error is no terminal."""
Item = TypeVar("Item")


def tracked(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """The same items; each is counted once it is worked off."""
    terminal, started = sys.stderr.isatty(), time.monotonic()
    shown = started
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if terminal or now - shown > _EVERY_S:
            left_s = (now - started) / done * (total - done)
            line = f"{what} {done} of {total}, about {left_s:.0f} s left"
            print(line, end="\r" if terminal else "\n", file=sys.stderr, flush=True)
            shown = now
    if terminal:
        print("\033[K", end="", file=sys.stderr, flush=True)
