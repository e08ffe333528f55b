"""Owns running parts of the product that need torch: as children of the command line, or in its place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """What a child needs so that it imports the same code as this process, and prints in any code page as this process does."""
    encoding = os.environ.get("PYTHONIOENCODING", "").split(":")[0]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_PROJECT), os.environ.get("PYTHONPATH")])),
        "PYTHONIOENCODING": f"{encoding}:backslashreplace",
    }


def python_command(module: str) -> list[str]:
    """Command that runs a module with this Python; never one from the current folder."""
    return [sys.executable, "-P", "-m", module]


def run_module(module: str, arguments: Sequence[str]) -> int:
    """Run a module to its end with this process's own input and output; returns 0, 1 or 2."""
    process = subprocess.Popen([*python_command(module), *arguments], env={**os.environ, **environment()})
    while True:
        try:
            code = process.wait()
            return code if code in (0, 2) else 1
        except KeyboardInterrupt:
            continue  # the child has been interrupted too and ends in its own way


def become_module(module: str, arguments: Sequence[str]) -> int:
    """Go on as this module, so that whatever ends or kills this process ends the work; on Windows, run it as a child."""
    if sys.platform == "win32":
        return run_module(module, arguments)
    os.execve(sys.executable, [*python_command(module), *arguments], {**os.environ, **environment()})


def read_output(command: Sequence[str], timeout_s: float) -> tuple[int, str, str]:
    """Run a short command; returns exit code, output and errors. A command that can't run or end counts as failed."""
    told = {**os.environ, **environment(), "PYTHONIOENCODING": "utf-8:backslashreplace"}
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout_s, env=told)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, "", str(error)
    return done.returncode, done.stdout, done.stderr
