from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from backend.plate.once import once

SOON_S = 10.0


class Slow:
    def __init__(self) -> None:
        self.begun, self.goes_on, self.computed = Event(), Event(), 0

    @once
    def value(self) -> object:
        """What takes long."""
        self.computed += 1
        self.begun.set()
        assert self.goes_on.wait(SOON_S)
        return object()

    @once
    def refused(self) -> object:
        self.computed += 1
        raise ValueError(f"attempt {self.computed}")


def test_whoever_asks_while_it_is_computed_waits_for_the_same_value():
    slow = Slow()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: slow.value)
        assert slow.begun.wait(SOON_S)
        second = pool.submit(lambda: slow.value)
        slow.goes_on.set()
        assert first.result(SOON_S) is second.result(SOON_S) is slow.value
    assert slow.computed == 1


def test_what_fails_fails_again_for_whoever_asks_next():
    slow = Slow()
    for attempt in (1, 2):
        with pytest.raises(ValueError, match=f"attempt {attempt}"):
            _ = slow.refused
