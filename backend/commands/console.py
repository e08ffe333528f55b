"""Owns the standard streams of the command line: what is said never fails the work that it tells of."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import sys

from .errors import CommandError

CLOSED_PIPE_CODE = 128 + getattr(signal, "SIGPIPE", 13)
"""Exit code when nobody reads standard output any more, as of a program that the signal ended."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def prepare() -> None:
    """Make the standard streams take every character, and be there even where they were closed."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:  # else the next file that is opened takes its number, and what is printed goes into it
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Print to standard output; raises BrokenPipeError when nobody reads it, CommandError when it can't be written."""
    try:
        print("\n".join(map(one_line, text.split("\n"))), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"Standard output can't be written ({error.strerror}); the work itself is done.") from error


def remark(text: str) -> None:
    """Print a line to standard error, if that can be written."""
    with contextlib.suppress(OSError):
        print(one_line(text), file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """The text with control characters, which a file's name may have, as escapes."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def finish() -> bool:
    """Write out what waits in the standard streams; False when one of them can't be written, which is silent from then on."""
    good = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            good = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return good
