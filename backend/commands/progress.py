"""Owns the progress bar on standard error. It draws nothing when that is not a terminal."""

from __future__ import annotations

import sys

from .console import one_line

_WIDTH = 28


class ProgressBar:
    """One line that is drawn over itself."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._length = 0

    def show(self, text: str, done: int = 0, total: int = 0, eta_s: float | None = None) -> None:
        """Draw a bar of done / total, or only the text when there is no total."""
        if not self._shown:
            return
        line = text
        if total:
            full = _WIDTH * done // total
            line = f"[{'#' * full}{'.' * (_WIDTH - full)}] {100 * done // total:3d}% {text}"
        if eta_s is not None:
            line += f", {eta_s:.0f} s left"
        line = one_line(line)
        self._write("\r" + line.ljust(self._length))
        self._length = len(line)

    def clear(self) -> None:
        """Remove the line."""
        if self._shown and self._length:
            self._write("\r" + " " * self._length + "\r")
            self._length = 0

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._shown = False  # the terminal is gone, the work goes on
