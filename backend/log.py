"""Owns the log: its form, which is time, part, sentence with the job's id, and its size. Never keys, pixels or contents."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path

LOG_BYTES = 4 * 2**20


def set_up_log(file: Path | None = None) -> None:
    """Log to standard error, which is appended to `file` from now on, for this process and its children."""
    if file is not None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, sys.stderr.fileno())
        os.close(descriptor)
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)


def keep_small(file: Path, most_bytes: int = LOG_BYTES) -> None:
    """Move the log of this process aside to `file`.1 when it is too long.

    It is copied and emptied, not renamed: the workers write to the same open file.
    """
    if os.fstat(sys.stderr.fileno()).st_size > most_bytes:
        shutil.copyfile(file, file.with_name(f"{file.name}.1"))
        os.ftruncate(sys.stderr.fileno(), 0)
