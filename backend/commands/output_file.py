"""Owns the one file that a command writes: whole or not at all, and never in the place of somebody's work."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ..client.owned import read_regular
from ..client.results import write_atomically, write_new
from ..protocol.errors import IpokeError
from .errors import CommandError, UsageError
from .names import is_reserved, numbered


class OutputFile:
    """A file that is to be written at `target`, whose name ends in `suffix`.

    `check` raises IpokeError for bytes that are no file of this kind: these stay, with `replace` too.
    """

    def __init__(self, target: Path, suffix: str, *, replace: bool, check: Callable[[bytes], object], most_bytes: int) -> None:
        """Raises UsageError for a place that can't be written, or that is taken."""
        self._shown = target
        self._suffix = suffix
        self._check = check
        self._most_bytes = most_bytes
        if not target.name.endswith(suffix):
            raise UsageError(f"-o {target} must end in {suffix}.")
        if os.name == "nt" and is_reserved(target.name):
            raise UsageError(f"{target} is a device on Windows; choose another file with -o.")
        try:
            self._target = target.resolve()
            self._replaces = os.path.lexists(self._target)
            if not self._target.parent.is_dir() or self._target.is_dir():
                raise UsageError(f"{target} can't be written; choose a file in a folder that exists with -o.")
            write_atomically(probe := self._target.with_name(f".ipoke-{secrets.token_hex(6)}"), b"probe")
            probe.unlink()
        except (OSError, RuntimeError) as error:  # resolve() raises RuntimeError for a link to itself
            reason = getattr(error, "strerror", None) or "its link leads round in a circle"
            raise UsageError(f"{target} can't be written ({reason}); choose another with -o.") from error
        if self._replaces and not replace:
            raise UsageError(f"{target} is there already; replace it with --replace, or choose another file with -o.")
        if self._replaces and not self._is_ours():
            raise UsageError(f"{target} is not as ipoke wrote it, and stays; choose another file with -o.")

    def write(self, data: bytes) -> Path:
        """Write the file and return its path, the next free name if somebody took it meanwhile; raises CommandError."""
        try:
            if self._replaces and self._is_ours():
                write_atomically(self._target, data)
                return self._shown
            written = next(path for path in numbered(self._target, self._suffix) if _takes(path, data))
        except OSError as error:
            raise CommandError(f"{self._shown} can't be written ({error.strerror}); choose another.") from error
        return self._shown if written == self._target else written

    def _is_ours(self) -> bool:
        try:
            self._check(read_regular(self._target, self._most_bytes))
        except (IpokeError, OSError, ValueError):
            return False
        return True


def _takes(path: Path, data: bytes) -> bool:
    """Write a file whole; False when something has its name."""
    try:
        write_new(path, data)
    except FileExistsError:
        return False
    return True
