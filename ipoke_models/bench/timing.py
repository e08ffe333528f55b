"""What time and memory are read with: medians, shares of parts, peaks, and what the machine could do at best."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

_LEAST_RUNS, _MOST_RUNS, _ENOUGH_S = 3, 9, 2.0
_CLEAR_PEAK, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_MATRIX = {"cpu": 1024, "cuda": 8192}
_COPIED_BYTES = {"cpu": 1 << 26, "cuda": 1 << 30}


def seconds(work: Callable[[], object], device: str) -> float:
    """Median of 3 to 9 runs after one to warm up; from the third on they end when 2 s are spent."""
    clocked(work, device)
    times: list[float] = []
    while len(times) < _LEAST_RUNS or (len(times) < _MOST_RUNS and sum(times) < _ENOUGH_S):
        times.append(clocked(work, device))
    return statistics.median(times)


def clocked(work: Callable[[], object], device: str) -> float:
    """One run, to the end of what it started on the device."""
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def seconds_by_kind(
    owners: Sequence[tuple[object, str]], method: str, work: Callable[[], object], device: str
) -> dict[str, float]:
    """Time that `work` spends in a method of each kind of object; the median of three runs, each kind for itself."""
    runs: list[dict[str, float]] = []
    spent: dict[str, float] = defaultdict(float)

    def timed(call: Callable[..., Tensor], kind: str) -> Callable[..., Tensor]:
        def timed_call(*arguments: object) -> Tensor:
            _wait(device)
            start = time.perf_counter()
            result = call(*arguments)
            _wait(device)
            spent[kind] += time.perf_counter() - start
            return result

        return timed_call

    for owner, kind in owners:
        setattr(owner, method, timed(getattr(owner, method), kind))
    for _ in range(_LEAST_RUNS):
        spent.clear()
        work()
        runs.append(dict(spent))
    for owner, _ in owners:
        delattr(owner, method)
    return {kind: statistics.median(run[kind] for run in runs) for kind in runs[0]}


def forget_peak(device: str) -> None:
    """Starts the count of `peak_mb` anew, where the system can."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):
        _CLEAR_PEAK.write_text("5")


def peak_mb(device: str) -> float | None:
    """Largest memory since `forget_peak`: of the device's tensors, or resident memory of the process, torch itself included."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    with contextlib.suppress(OSError):
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    return None


def roofline_s(operations: float, moved_bytes: float, device: str) -> float:
    """Time that the work takes at the speed of one large matrix product and of one large copy, whichever is longer."""
    side = _MATRIX[device]
    matrix = torch.randn(side, side, device=device)
    product = torch.empty_like(matrix)
    source = torch.zeros(_COPIED_BYTES[device] // 4, device=device)
    target = torch.empty_like(source)
    product_s = seconds(lambda: torch.mm(matrix, matrix, out=product), device)
    copy_s = seconds(lambda: target.copy_(source), device)
    return max(operations * product_s / (2 * side**3), moved_bytes * copy_s / (2 * _COPIED_BYTES[device]))


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
