"""Owns the folder that a command writes: it appears whole at the end, and nothing is left when the work fails."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from ..client.results import JOB_FILE
from .errors import UsageError


class OutputFolder:
    """A hidden working folder near `target`, which takes the target's place at the end."""

    def __init__(self, target: Path) -> None:
        self._target = target.absolute()
        self._refuse_strange_content()
        self._work = self._nearest_folder() / f".ipoke-{secrets.token_hex(6)}"
        try:
            self._work.mkdir()
        except OSError as error:
            raise UsageError(f"{target} can't be written ({error.strerror}); choose another folder with -o.") from error

    @property
    def work(self) -> Path:
        """Where to write."""
        return self._work

    def keep(self) -> Path:
        """Move what was written to the target, in place of an earlier result; returns the target."""
        self._target.parent.mkdir(parents=True, exist_ok=True)
        old = self._work.with_name(self._work.name + "-old")
        if self._target.exists():
            self._target.rename(old)
        self._work.rename(self._target)
        shutil.rmtree(old, ignore_errors=True)
        return self._target

    def discard(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._work, ignore_errors=True)

    def _nearest_folder(self) -> Path:
        return next(parent for parent in self._target.parents if parent.is_dir())

    def _refuse_strange_content(self) -> None:
        if self._target.exists() and not self._target.is_dir():
            raise UsageError(f"{self._target} is a file; choose a folder with -o.")
        if self._target.is_dir() and any(self._target.iterdir()) and not (self._target / JOB_FILE).is_file():
            raise UsageError(f"{self._target} holds other files; choose a new or empty folder with -o.")
