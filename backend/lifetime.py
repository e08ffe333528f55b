"""Owns how a process ends: with its parent, whose end of the standard-input pipe closes then, or on a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import BinaryIO

_GRACE_S = 5.0
_SAME_REQUEST_S = 1.0


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


@contextlib.contextmanager
def noted_signals() -> Iterator[Callable[[], None]]:
    """Within the block, a signal that asks this process to end is noted: what is given raises KeyboardInterrupt then.

    So work is interrupted between its steps only. A second signal ends the process at once; one that comes right after
    the first is the same request, since `timeout` and shutdowns send two. Signals that were ignored stay so (`nohup`).
    """
    first_s: list[float] = []

    def note(number: int, _frame: FrameType | None) -> None:
        first_s.append(time.monotonic())
        if first_s[-1] - first_s[0] > _SAME_REQUEST_S:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    def check() -> None:
        if first_s:
            raise KeyboardInterrupt

    named = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in named if signal.getsignal(number) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, note)
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(stdin: BinaryIO, ended: Callable[[], None]) -> None:
    def read_to_end() -> None:
        # Not through the buffered reader: a thread that waits inside it is fatal when the interpreter ends.
        while os.read(stdin.fileno(), 4096):
            pass
        ended()

    threading.Thread(target=read_to_end, name="parent-watch", daemon=True).start()
