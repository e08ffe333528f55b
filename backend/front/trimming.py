"""Owns giving freed memory back to the system. No sockets."""

from __future__ import annotations

import ctypes
import sys


class Trimmer:
    """Gives what was freed back, where the C library keeps it: glibc's arenas do, and a flood would stay visible for ever."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._trimmed_s = 0.0
        library = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._trim = getattr(library, "malloc_trim", None)

    def trim(self, now_s: float) -> None:
        """Give back what is free, at most once in a while."""
        if self._trim is not None and now_s - self._trimmed_s > self._every_s:
            self._trimmed_s = now_s
            self._trim(0)
