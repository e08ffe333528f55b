"""Owns files and folders that are this user's alone: made so under any umask, refused where somebody else has a hand in them.

Windows keeps a user's folders from other users by itself; owners and modes are looked at elsewhere only.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from ..protocol.errors import ErrorCode, IpokeError

FOLDER_MODE, FILE_MODE = 0o700, 0o600
_POSIX = os.name == "posix"
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)
_OTHERS = 0o077


class PrivateFileError(IpokeError):
    """A file or folder that can't be this user's alone."""

    code = ErrorCode.UNREACHABLE


def make_private_folder(folder: Path) -> None:
    """Make a folder, and what is missing above it, that only this user may enter; one that is there must be this user's.

    A folder of this user's that others may enter is closed to them. Raises PrivateFileError.
    """
    folder = Path(os.path.abspath(folder))
    try:
        for missing in reversed([level for level in (folder, *folder.parents) if not os.path.lexists(level)]):
            _make(missing)
        _close_to_others(folder)
    except OSError as error:
        raise PrivateFileError(f"The folder {folder} can't be used ({error.strerror}); choose another place.") from error


def check_private_folder(folder: Path) -> None:
    """Raise PrivateFileError for a folder that is there and is a link, somebody else's, or open to others; change nothing."""
    try:
        status = folder.lstat()
    except OSError:
        return
    _check_owner(folder, status)
    if _POSIX and status.st_mode & _OTHERS:
        raise PrivateFileError(f"The folder {folder} can be entered by others; run `chmod 700 {folder}`.")


def keeps_others_out(folder: Path) -> bool:
    """True for a folder of this user's, or a shared one such as /tmp, in which nobody else can move or replace what is ours."""
    try:
        status = folder.stat()
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode) or not os.access(folder, os.W_OK):
        return False
    if not _POSIX:
        return True
    is_shared_safely = bool(status.st_mode & stat.S_ISVTX) or not status.st_mode & 0o022
    return status.st_uid in (0, os.geteuid()) and is_shared_safely


def is_open_to_all(folder: Path) -> bool:
    """True for a folder in which every user of this machine may move and replace files of others."""
    mode = folder.stat().st_mode
    return _POSIX and bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def open_private(file: Path, flags: int) -> int:
    """Open a regular file of this user's, made where it is missing, with mode 0600; returns a descriptor.

    No link is followed and no pipe waited for. Raises PrivateFileError, and OSError as `os.open` does.
    """
    descriptor = os.open(file, flags | os.O_CREAT | _NO_LINK | _NO_WAIT | _BINARY, FILE_MODE)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise PrivateFileError(f"{file} is no regular file; choose another.")
        if _POSIX and status.st_uid != os.geteuid():
            raise PrivateFileError(f"{file} belongs to another user; choose another file.")
        if _POSIX and stat.S_IMODE(status.st_mode) != FILE_MODE:
            os.fchmod(descriptor, FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_private(file: Path, text: str, *, replace: bool = False) -> None:
    """Write a file that only its owner may read, whole or not at all, in a folder that is made where it is missing.

    With `replace`, it takes the place of a file that is there; the caller knows that this one is its own. Raises
    PrivateFileError.
    """
    half = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        if not file.parent.exists():
            make_private_folder(file.parent)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
        half.chmod(FILE_MODE)  # whatever the umask took away
        if replace:
            os.replace(half, file)
        else:
            _put(half, file)
    except FileExistsError as error:
        _remove(half)
        raise PrivateFileError(f"{file} exists and is not overwritten; choose another file.") from error
    except OSError as error:
        _remove(half)
        raise PrivateFileError(f"{file} can't be written ({error.strerror}); choose another file.") from error


def _put(half: Path, file: Path) -> None:
    """Give a file its name, unless that is taken; raises FileExistsError."""
    if os.path.lexists(file):
        raise FileExistsError(file)
    try:
        os.link(half, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.rename(half, file)
    else:
        half.unlink()


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink()


def _make(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):  # somebody was faster; it is looked at if it counts
        folder.mkdir(FOLDER_MODE)
        folder.chmod(FOLDER_MODE)  # whatever the umask took away


def _close_to_others(folder: Path) -> None:
    _check_owner(folder, folder.lstat())
    if not _POSIX:
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK)
    try:
        _check_owner(folder, os.fstat(descriptor))
        if os.fstat(descriptor).st_mode & _OTHERS:
            os.fchmod(descriptor, FOLDER_MODE)
        if os.fstat(descriptor).st_mode & _OTHERS:
            raise PrivateFileError(f"The folder {folder} can't be closed to other users; choose a place on another disk.")
    finally:
        os.close(descriptor)


def _check_owner(folder: Path, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise PrivateFileError(f"{folder} is a link; remove it, so that a folder of this user's own takes its place.")
    if not stat.S_ISDIR(status.st_mode):
        raise PrivateFileError(f"{folder} is no folder; move it away, so that a folder of this user's own takes its place.")
    if _POSIX and status.st_uid != os.geteuid():
        raise PrivateFileError(f"The folder {folder} belongs to another user, who could read and replace what lies in it.")
