"""Owns where things of the backend lie on this machine: runtime folder, managed environment, the backend's program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .private_files import keeps_others_out

_WINDOWS = sys.platform == "win32"


def data_dir() -> Path:
    """The user's folder for things that stay, such as the managed environment."""
    if _WINDOWS:
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "ipoke"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "ipoke"
    return (_absolute("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "ipoke"


def default_runtime_dir() -> Path:
    """The user's folder for connection files and logs: in XDG_RUNTIME_DIR, unless others could meddle with it there."""
    runtime = _absolute("XDG_RUNTIME_DIR")
    if runtime is not None and keeps_others_out(runtime):
        return runtime / "ipoke"
    return data_dir() / "run"


def find_backend(preference: str | None = None) -> list[str] | None:
    """Command that runs `ipoke`, or None.

    A preference (an `ipoke` program, a Python program, or an environment's folder) is taken alone; without one the
    managed environment comes first and PATH second. A bare name is looked up in PATH. Nothing is taken from the current
    folder for its name.
    """
    if preference and preference == os.path.basename(preference):
        return _on_path(preference)
    if preference:
        return _command_of(Path(preference).expanduser())
    return _command_of(data_dir() / "env") or _on_path("ipoke")


def _absolute(variable: str) -> Path | None:
    """The folder that a variable names; a relative one is none, as the XDG specification says."""
    folder = Path(os.environ.get(variable) or ".")
    return folder if folder.is_absolute() else None


def _on_path(name: str) -> list[str] | None:
    if _WINDOWS and not name.lower().endswith(".exe"):
        name += ".exe"
    folders = (Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(entry))
    return next((command for folder in folders if (command := _command_of(folder / name, folder=False))), None)


def _command_of(path: Path, *, folder: bool = True) -> list[str] | None:
    if folder and path.is_dir():
        scripts = path / ("Scripts" if _WINDOWS else "bin")
        path = scripts / ("ipoke.exe" if _WINDOWS else "ipoke")
    if not path.is_file() or not os.access(path, os.X_OK):
        return None
    if path.name.lower().startswith("python"):
        return [str(path), "-P", "-m", "backend"]
    return [str(path)]
