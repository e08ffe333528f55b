"""Owns running parts of the product that need torch: as children of the command line, or in its place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from ..child_python import python_command, python_environment


def run_module(module: str, arguments: Sequence[str]) -> int:
    """Run a module to its end with this process's own input and output; returns 0, 1 or 2."""
    process = subprocess.Popen([*python_command(module), *arguments], env=python_environment())
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
    os.execve(sys.executable, [*python_command(module), *arguments], python_environment())


def read_output(command: Sequence[str], timeout_s: float) -> tuple[int, str, str]:
    """Run a short command; returns exit code, output and errors. A command that can't run or end counts as failed."""
    told = {**python_environment(), "PYTHONIOENCODING": "utf-8:backslashreplace"}
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout_s, env=told)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, "", str(error)
    return done.returncode, done.stdout, done.stderr
