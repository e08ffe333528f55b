"""How much longer than on a quiet machine all takes here: limits of tests follow it, and tell hanging from waiting."""

from __future__ import annotations

import os
import time

FACTOR = "IPOKE_TEST_FACTOR"
RUN = "IPOKE_TEST_RUN"
"""In the environment of every process that a run of the tests starts, with the run's own value."""

_QUIET_S = 0.03
_LARGEST = 20.0


def factor() -> float:
    """How many times longer work takes than on two quiet cores, 1 to 20; measured once a run, children know it."""
    if FACTOR not in os.environ:
        os.environ[FACTOR] = f"{min(max(max(_work_s() for _ in range(5)) / _QUIET_S, 1.0), _LARGEST):.2f}"
    return float(os.environ[FACTOR])


def allowed(seconds: float) -> float:
    """Return a limit that is meant for a quiet machine as it is on this one."""
    return seconds * factor()


def _work_s() -> float:
    """Seconds of a fixed piece of work and of a switch between processes."""
    began_s = time.perf_counter()
    sum(range(1_500_000))
    time.sleep(0.001)
    return time.perf_counter() - began_s
