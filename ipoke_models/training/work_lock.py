"""One training a work folder: two that write the same checkpoints would undo each other's work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import ModelError

LOCK_FILE = ".lock"


@contextmanager
def claim(work: Path) -> Iterator[None]:
    """Hold the folder while entered; whatever ends this process lets go of it.

    Raises:
        ModelError: another training holds it.
    """
    try:
        held = FileLock(work / LOCK_FILE).acquire(timeout=0)
    except Timeout as error:
        raise ModelError(f"Another training works in {work}; wait for its end, or name another folder with --work.") from error
    with held:
        yield
