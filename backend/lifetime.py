"""Owns how a process ends: with its parent, whose end of the standard-input pipe closes then, or on a signal."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import BinaryIO

_GRACE_S = 5.0


def exit_with_parent(stdin: BinaryIO) -> None:
    """End this process at once when its parent is gone."""
    _watch(stdin, lambda: os._exit(0))


def stop_with_parent(stdin: BinaryIO, stop: threading.Event) -> None:
    """Set `stop` when the parent is gone, and end this process if it has not ended five seconds later."""

    def end() -> None:
        stop.set()
        timer = threading.Timer(_GRACE_S, os._exit, (1,))
        timer.daemon = True
        timer.start()

    _watch(stdin, end)


def stop_on_signals(stop: threading.Event) -> None:
    """Set `stop` on an interrupt or a request to terminate."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, handle)


def _watch(stdin: BinaryIO, ended: Callable[[], None]) -> None:
    def read_to_end() -> None:
        # Not through the buffered reader: a thread that waits inside it is fatal when the interpreter ends.
        while os.read(stdin.fileno(), 4096):
            pass
        ended()

    threading.Thread(target=read_to_end, name="parent-watch", daemon=True).start()
