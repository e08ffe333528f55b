"""Owns which code this package's processes run: the same Python, the same package, and nothing from a foreign PYTHONPATH."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .client.environment import without_python_settings

_PROJECT = Path(__file__).resolve().parent.parent


def package_path() -> dict[str, str]:
    """The variable that lets a child import this package from where this process has it."""
    return {"PYTHONPATH": str(_PROJECT)}


def python_environment() -> dict[str, str]:
    """The environment of a child that runs this package and writes to this process's own output, in any code page as it does."""
    encoding = os.environ.get("PYTHONIOENCODING", "").split(":")[0]
    text = {"PYTHONIOENCODING": f"{encoding}:backslashreplace"}
    if "PYTHONUTF8" in os.environ:
        text["PYTHONUTF8"] = os.environ["PYTHONUTF8"]
    return without_python_settings() | text | package_path()


def python_command(module: str) -> list[str]:
    """Command that runs a module with this Python; never one from the current folder."""
    return [sys.executable, "-P", "-m", module]
