"""Owns the log: its form, which is time, part, sentence with the job's id, and its size. Never keys, pixels or contents.

A log file is this user's alone and holds nothing but a backend's log, since it is moved aside and emptied when it grows long.
Whatever befalls it while the backend runs, the backend goes on.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
from pathlib import Path

from .client.private_files import PrivateFileError, open_private
from .protocol.errors import ErrorCode, IpokeError

LOG_BYTES = 4 * 2**20
_STDERR = 2
_LINE = re.compile(rb"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* ipoke\.", re.MULTILINE)
_HEAD_BYTES = 64 * 2**10
_PIECE_BYTES = 2**20
_LOG = logging.getLogger("ipoke.log")


class LogFileError(IpokeError):
    """A file that can't be the log."""

    code = ErrorCode.UNREACHABLE


def set_up_log(file: Path | None = None) -> None:
    """Log to standard error, which is appended to `file` from now on, for this process and its children.

    Raises LogFileError for a file that can't be written, is somebody else's, or holds something else.
    """
    if file is not None:
        try:
            _take_over_stderr(file)
        except OSError as error:
            why = "it is a link" if error.errno == errno.ELOOP else error.strerror
            raise LogFileError(f"{file} can't be written ({why}); choose another --log-file.") from error
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)


def keep_small(file: Path, most_bytes: int = LOG_BYTES) -> None:
    """Move the log of this process aside to `file`.1 when it is too long, and make a new one when it was taken away.

    It is copied and emptied, not renamed: the workers write to the same open file. Never raises: a log that can't be kept is
    no reason to stop working.
    """
    try:
        status = os.fstat(_STDERR)
        if _is_gone(file, status):
            _take_over_stderr(file)
            _LOG.info("the log begins anew, the one before was taken away")
        elif status.st_size > most_bytes:
            what = "was moved aside"
            try:
                _copy(file.with_name(f"{file.name}.1"), status.st_size)
            except (OSError, IpokeError):
                what = "could not be moved aside"
            os.ftruncate(_STDERR, 0)
            _LOG.info("the log %s and begins anew", what)
    except (OSError, IpokeError):
        return


def _take_over_stderr(file: Path) -> None:
    descriptor = _open_log(file)
    os.dup2(descriptor, _STDERR)
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = os.fdopen(_STDERR, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _open_log(file: Path) -> int:
    """A descriptor that reads anywhere and writes at the end; raises OSError and LogFileError."""
    try:
        descriptor = open_private(file, os.O_RDWR | os.O_APPEND)
    except PrivateFileError as error:
        raise LogFileError(error.sentence) from error
    head = _read(descriptor, _HEAD_BYTES, 0)
    if head and not _LINE.search(head):
        os.close(descriptor)
        raise LogFileError(f"{file} holds something else than a backend's log and is kept; choose another --log-file.")
    return descriptor


def _is_gone(file: Path, status: os.stat_result) -> bool:
    try:
        standing = file.lstat()
    except FileNotFoundError:
        return True
    return (standing.st_dev, standing.st_ino) != (status.st_dev, status.st_ino)


def _copy(target: Path, size_bytes: int) -> None:
    descriptor = _open_log(target)
    try:
        os.ftruncate(descriptor, 0)
        for offset in range(0, size_bytes, _PIECE_BYTES):
            piece = _read(_STDERR, min(_PIECE_BYTES, size_bytes - offset), offset)
            while piece:
                piece = piece[os.write(descriptor, piece) :]
    finally:
        os.close(descriptor)


def _read(descriptor: int, size_bytes: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size_bytes, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)  # writing goes to the end all the same
    return os.read(descriptor, size_bytes)
