"""Owns how much memory a worker may take of this machine, and what it looks like when there is no more. No torch."""

from __future__ import annotations

import os
import sys
from pathlib import Path

LIMIT_VARIABLE = "IPOKE_WORKER_MEMORY_MB"
"""Environment variable with the most memory that a worker may take for its work on the processor; 0 or unset is no limit."""
LEAST_LIMIT_MB = 4096
"""What the largest plates need: 3.7 GB at 8192 x 8192 px (docs/backend.md)."""
_SHARE = 0.75
_MIB = 2**20
_CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
# What PyTorch, oneDNN, OpenCV, the C++ library and Python say when the processor's memory is out.
_WORDS = (
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "insufficient memory",
    "could not create a primitive",
    "can't start new thread",
    "bad_alloc",
)


def machine_memory_mb() -> int:
    """Memory of this machine, or of the container that this process is in; 0 where the system does not say."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return 0
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([memory_bytes, *_container_limits_bytes()]) // _MIB


def default_limit_mb(workers: int) -> int:
    """Limit for each of so many workers: three quarters of the machine together, but enough for the largest plates."""
    return max(int(machine_memory_mb() * _SHARE) // workers, LEAST_LIMIT_MB)


def limit_memory(limit_mb: int) -> None:
    """Let this process take no more memory than that for its data; 0 is no limit. Linux only, nothing elsewhere.

    What goes beyond fails where it is asked for, so that one job ends, instead of the system's choice of processes.
    """
    if limit_mb <= 0 or sys.platform != "linux":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = limit_mb * _MIB
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it was raised from, says that the processor's memory is out."""
    while error is not None:
        if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _WORDS):
            return True
        error = error.__cause__
    return False


def _container_limits_bytes() -> list[int]:
    found = []
    for name in _CONTAINER_LIMITS:
        try:
            text = Path(name).read_text().strip()
        except OSError:
            continue
        found += [int(text)] if text.isdecimal() and int(text) > 0 else []
    return found
