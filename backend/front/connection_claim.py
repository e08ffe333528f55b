"""Owns the connection file of a running backend: taken only where it takes nothing from another, kept, given back. No sockets."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..client.connection_file import ConnectionFile, is_running
from ..client.private_files import PrivateFileError, is_open_to_all, make_private_folder, write_private
from ..protocol.errors import ErrorCode, IpokeError

_LOG = logging.getLogger("ipoke.connection_claim")
_LOOK_S = 2.0
_LOCK_LIMIT_S = 2.0
_LOCK_POLL_S = 0.01
_MOST_BYTES = 4096


class ConnectionFileTakenError(IpokeError):
    """The place of the connection file belongs to something else."""

    code = ErrorCode.UNREACHABLE


class ConnectionClaim:
    """One connection file and its text. What is not this backend's own text is neither replaced nor removed."""

    def __init__(self, file: Path) -> None:
        self._file = Path(os.path.abspath(file))
        self._text = ""
        self._looked_s = 0.0
        self._is_lost = False

    def take(self, content: ConnectionFile) -> None:
        """Write the file; one of a backend that has ended is replaced.

        Raises ConnectionFileTakenError where a backend runs with this file or it is none of a backend's; PrivateFileError.
        """
        try:
            self._take(content.to_json())
        except OSError as error:
            sentence = f"{self._file} can't be used ({error.strerror}); choose another --connection-file."
            raise ConnectionFileTakenError(sentence) from error

    def keep(self, now_s: float) -> None:
        """Look every two seconds whether the file is there, and write it again when it was taken away; never raises."""
        if not self._text or now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        try:
            self._write_again()
        except (IpokeError, OSError) as error:
            if not self._is_lost:
                _LOG.warning("the connection file is gone: %s", error)
            self._is_lost = True

    def give_back(self) -> None:
        """Remove the file if it is still this backend's."""
        if not self._text:
            return
        with contextlib.suppress(IpokeError, OSError), _locked(self._file.parent):
            if _read(self._file) == self._text:
                self._file.unlink()
        self._text = ""

    def _take(self, text: str) -> None:
        if not self._file.parent.exists():
            make_private_folder(self._file.parent)
        if is_open_to_all(self._file.parent):
            sentence = f"Everybody may replace files in {self._file.parent}; choose another place with --connection-file."
            raise ConnectionFileTakenError(sentence)
        with _locked(self._file.parent):
            standing = _read(self._file)
            if standing:
                self._require_over(standing)
            write_private(self._file, text, replace=standing is not None)
            self._text = text

    def _write_again(self) -> None:
        if _read(self._file) == self._text:
            self._is_lost = False
            return
        if not self._file.parent.exists():
            make_private_folder(self._file.parent)
        with _locked(self._file.parent):
            if _read(self._file) is None:
                write_private(self._file, self._text)
                _LOG.warning("the connection file was taken away and is written again")
            elif not self._is_lost:
                _LOG.warning("the connection file was replaced; this backend can't be found by it any more")
                self._is_lost = True

    def _require_over(self, standing: str) -> None:
        try:
            plain = json.loads(standing)
        except (ValueError, RecursionError):
            plain = None
        pid, address, port = (plain.get(name) for name in ("pid", "address", "port")) if isinstance(plain, dict) else (None,) * 3
        if type(pid) is not int or type(port) is not int or type(address) is not str:
            sentence = f"{self._file} is no connection file and is kept; choose another --connection-file."
            raise ConnectionFileTakenError(sentence)
        if pid <= 0:
            sentence = f"{self._file} opens a backend on another machine and is kept; choose another --connection-file."
            raise ConnectionFileTakenError(sentence)
        if is_running(pid, address, port):
            sentence = f"A backend runs already with {self._file} (pid {pid}); stop it, or choose another --connection-file."
            raise ConnectionFileTakenError(sentence)


def _read(file: Path) -> str | None:
    """What stands in the file, None without one; raises ConnectionFileTakenError for what can't be a connection file."""
    try:
        if file.is_symlink() or not file.is_file():
            if not os.path.lexists(file):
                return None
            raise ConnectionFileTakenError(f"{file} is no regular file; choose another --connection-file.")
        with file.open("rb") as open_file:
            return open_file.read(_MOST_BYTES).decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        sentence = f"{file} can't be read ({error.strerror}); choose another --connection-file."
        raise ConnectionFileTakenError(sentence) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other backends from the files of a folder, for a moment; where a system has no such lock, go on without it."""
    if os.name != "posix":
        yield
        return
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise PrivateFileError(f"The folder {folder} can't be used ({error.strerror}); choose another place.") from error
    try:
        until_s = time.monotonic() + _LOCK_LIMIT_S
        while time.monotonic() < until_s:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOCK_POLL_S)
                continue
            except OSError:
                pass
            break
        yield
    finally:
        os.close(descriptor)
