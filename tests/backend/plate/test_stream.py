"""Work goes over several threads, comes back in order, and no more than a few results wait."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from backend.plate.stream import ordered


def test_results_come_in_order_though_later_ones_are_ready_first():
    assert list(ordered(lambda n: time.sleep(0.02 / (n + 1)) or n, range(20), threads=4)) == list(range(20))


def test_only_a_few_results_wait_for_a_slow_reader():
    begun = []
    results = ordered(lambda n: begun.append(n) or n, range(100), threads=3)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 5
    results.close()
    assert threading.active_count() < 5


def test_an_error_reaches_the_reader():
    with pytest.raises(ZeroDivisionError):
        list(ordered(lambda n: 1 / (n - 3), range(6), threads=2))


def test_what_is_under_way_is_not_lost_where_the_next_item_fails():
    def items():
        yield from (1, 2, 3)
        raise ValueError("no fourth")

    results = ordered(str, items(), threads=2)
    assert [next(results) for _ in range(3)] == ["1", "2", "3"]
    with pytest.raises(ValueError, match="no fourth"):
        next(results)


class Layers:
    """Something large that work stands on."""

    def at(self, number: int) -> int:
        return number


@pytest.mark.parametrize("fails", [False, True])
def test_what_work_stands_on_is_let_go_at_the_end(fails):
    def items() -> Iterator[int]:
        yield 1
        if fails:
            raise ValueError("no second")

    layers = Layers()
    known = weakref.ref(layers)
    gc.disable()
    try:
        results = ordered(layers.at, items(), threads=2)
        assert next(results) == 1
        with pytest.raises(ValueError if fails else StopIteration):
            next(results)
        del results, layers
        assert known() is None
    finally:
        gc.enable()
