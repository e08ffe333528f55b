"""Owns how the demo tells what it is doing and how long that took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 44


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print the step's name now and its duration when it is done."""
    began_at = time.perf_counter()
    print(f"{name} ...", flush=True)
    yield
    print(f"{name + ' ':.<{WIDTH}} {time.perf_counter() - began_at:6.1f} s", flush=True)
