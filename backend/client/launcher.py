"""Owns starting a backend as a child process and watching it until it can be connected to. No threads, never blocks.

The child holds the read end of a pipe from this process and ends when that closes, so it dies with its parent always.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import IO, NoReturn

from .environment import without_python_settings
from .errors import LaunchError
from .private_files import PrivateFileError, make_private_folder, open_private

START_LIMIT_S = 60.0
_STOP_LIMIT_S = 3.0
_LOG_TAIL_BYTES = 4096
_LOGS_KEPT = 8
_FIRST_WORDS = "ipoke.launcher INFO a backend is started"


class LaunchPhase(Enum):
    """Where a launched backend stands."""

    STOPPED = auto()
    STARTING = auto()
    READY = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class LauncherState:
    """Phase of a launched backend; `sentence` explains it, `connection_file` is there when READY."""

    phase: LaunchPhase
    sentence: str = ""
    connection_file: Path | None = None


class Launcher:
    """Starts `command serve` as a child of this process. `runtime_dir` gets the connection file and the log.

    `environment` is added to this process's own, of which Python's settings are left out.
    """

    def __init__(self, command: list[str], runtime_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._environment = dict(environment or {})
        self._runtime_dir = runtime_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._state = LauncherState(LaunchPhase.STOPPED, "The backend is not running.")
        self._started_at = 0.0
        self._stop_at = 0.0
        self._file: Path | None = None
        self._log_file = runtime_dir / "backend.log"

    @property
    def log_file(self) -> Path:
        """Where the backend writes what it has to say."""
        return self._log_file

    @property
    def pid(self) -> int | None:
        """Process id of the backend while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start a backend unless one runs; raises LaunchError when its program can't be run."""
        if self._process is not None and self._process.poll() is None:
            return
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._file = self._runtime_dir / f"connection-{name}.json"
        self._log_file = self._runtime_dir / f"backend-{name}.log"
        try:
            make_private_folder(self._runtime_dir)
            self._remove_old_logs()
            with os.fdopen(open_private(self._log_file, os.O_WRONLY | os.O_APPEND), "ab") as log:
                log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {_FIRST_WORDS}\n".encode())
                log.flush()
                self._process = self._spawn(log)
        except PrivateFileError as error:
            self._refuse(f"The backend can't be started: {error.sentence}", error)
        except OSError as error:
            self._refuse(f"The backend can't be started: {error}.", error)
        self._started_at = time.monotonic()
        self._state = LauncherState(LaunchPhase.STARTING, "The backend is starting.")

    def poll(self) -> LauncherState:
        """Look after the child; returns where it stands."""
        if self._process is None or self._state.phase not in (LaunchPhase.STARTING, LaunchPhase.READY):
            return self._state
        code = self._process.poll()
        if code is not None:
            self._fail(f"The backend ended with code {code}: {self._last_words()}")
        elif self._state.phase is LaunchPhase.STARTING and self._file is not None and self._file.is_file():
            self._state = LauncherState(LaunchPhase.READY, "The backend runs.", self._file)
        elif self._state.phase is LaunchPhase.STARTING and time.monotonic() - self._started_at > START_LIMIT_S:
            self._end_process(0.0)
            self._fail(f"The backend did not start within {START_LIMIT_S:.0f} s; see {self._log_file}.")
        return self._state

    def stop(self, limit_s: float = _STOP_LIMIT_S) -> None:
        """End the child; it is killed when it does not end by itself within `limit_s`."""
        self._end_process(limit_s)
        self._note_stop()

    def begin_stop(self) -> None:
        """Ask the child to end; does not wait. `has_stopped` looks after the rest."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._stop_at = time.monotonic() + _STOP_LIMIT_S

    def has_stopped(self) -> bool:
        """Whether the child has ended after `begin_stop`; it is killed when it takes too long. Never blocks."""
        if self._process is not None and self._process.poll() is None:
            if time.monotonic() > self._stop_at:
                self._process.kill()
            return False
        self._process = None
        self._note_stop()
        return True

    def _refuse(self, sentence: str, error: Exception) -> NoReturn:
        self._state = LauncherState(LaunchPhase.FAILED, sentence)
        raise LaunchError(sentence) from error

    def _note_stop(self) -> None:
        self._remove_file()
        self._state = LauncherState(LaunchPhase.STOPPED, "The backend is not running.")

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        no_window: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        return subprocess.Popen(
            [*self._command, "serve", "--child", "--connection-file", str(self._file), "--log-file", str(self._log_file)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=without_python_settings() | self._environment,
            creationflags=no_window,
            start_new_session=True,
        )

    def _end_process(self, limit_s: float = _STOP_LIMIT_S) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _fail(self, sentence: str) -> None:
        self._end_process()
        self._remove_file()
        self._state = LauncherState(LaunchPhase.FAILED, sentence)

    def _remove_file(self) -> None:
        """Remove what a child that was killed may have left; it has a name that nobody else has."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.unlink()

    def _last_words(self) -> str:
        try:
            tail = self._log_file.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()
        except OSError:
            tail = ""
        last = tail.splitlines()[-1].strip() if tail else _FIRST_WORDS
        return f"it said nothing; see {self._log_file}." if last.endswith(_FIRST_WORDS) else last

    def _remove_old_logs(self) -> None:
        for log in sorted(self._runtime_dir.glob("backend-*.log*"), key=_written_s)[: -_LOGS_KEPT + 1]:
            with contextlib.suppress(OSError):  # another process may remove it too
                log.unlink()


def _written_s(file: Path) -> float:
    try:
        return file.lstat().st_mtime
    except OSError:
        return 0.0
