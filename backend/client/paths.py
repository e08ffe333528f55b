"""Owns where things of the backend lie on this machine: runtime folder, managed environment, the backend's program."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

_WINDOWS = sys.platform == "win32"


def data_dir() -> Path:
    """The user's folder for things that stay, such as the managed environment."""
    if _WINDOWS:
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "ipoke"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "ipoke"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "ipoke"


def default_runtime_dir() -> Path:
    """The user's folder for connection files and logs."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.access(runtime, os.W_OK):
        return Path(runtime) / "ipoke"
    return data_dir() / "run"


def find_backend(preference: str | None = None) -> list[str] | None:
    """Command that runs `ipoke`, or None.

    A preference (an `ipoke` program, a Python program, or an environment's folder) is taken alone; without one the
    managed environment comes first and PATH second.
    """
    if preference:
        return _command_of(Path(preference).expanduser())
    managed = _command_of(data_dir() / "env")
    if managed:
        return managed
    found = shutil.which("ipoke")
    return [found] if found else None


def _command_of(path: Path) -> list[str] | None:
    if path.is_dir():
        scripts = path / ("Scripts" if _WINDOWS else "bin")
        path = scripts / ("ipoke.exe" if _WINDOWS else "ipoke")
    if not path.is_file() or not os.access(path, os.X_OK):
        return None
    if path.name.lower().startswith("python"):
        return [str(path), "-P", "-m", "backend"]
    return [str(path)]
