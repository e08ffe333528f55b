"""Runs the tests inside Blender with each Blender that is named, against the installed zip and a real backend.

    python -m tests.blender.matrix PYTHON [PYTHON ...]

PYTHON is an interpreter whose environment holds `bpy`, `pytest` and `pytest-timeout`: one for each version of Blender. The
backend runs with the interpreter that runs this command. Prints a line for each Blender; the exit code counts those that fail.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from tests.machine import allowed

ROOT = Path(__file__).parents[2]
TOLD = "import bpy, os, sys; print(bpy.app.version_string, *sys.version_info[:2], flush=True); os._exit(0)"


def main() -> int:
    """Run the command line; returns how many Blenders failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="+", metavar="PYTHON", help="an interpreter that can import bpy")
    parser.add_argument("--only", default="", metavar="WORDS", help="stories to run, as for pytest -k")
    arguments = parser.parse_args()
    lines = [_run(python, arguments.only) for python in arguments.pythons]
    print("\n".join(["", *(text for _, text in lines)]))
    return sum(not passed for passed, _ in lines)


def _run(python: str, only: str) -> tuple[bool, str]:
    """Run every story in one Blender; returns whether all passed, and a line about it."""
    told = subprocess.run([python, "-c", TOLD], capture_output=True, text=True, check=False, timeout=allowed(120)).stdout.split()
    if not told:
        return False, f"{python}: bpy can't be imported"
    *version, major, minor = told
    name = f"Blender {' '.join(version)}, Python {major}.{minor}"
    print(f"{name}: {python}", flush=True)
    began_at = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "tests/blender/test_blender.py", "-v", "-k", only]
        command += [f"--junitxml={report}", "-o", "junit_family=xunit1"]
        environment = {"IPOKE_LIMIT_S": "900", **os.environ, "IPOKE_BLENDER_PYTHON": python}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        counts = _counted(report) if report.is_file() else {}
    took_s = time.monotonic() - began_at
    counted = ", ".join(f"{count} {what}" for what, count in counts.items())
    return done.returncode == 0, f"{name}: {counted or 'nothing ran'} in {took_s:.0f} s"


def _counted(report: Path) -> dict[str, int]:
    """How many tests inside Blender passed, failed, were skipped."""
    counts: dict[str, int] = {}
    properties: Sequence[ElementTree.Element] = ElementTree.parse(report).findall(".//property[@name='inside']")
    for told in properties:
        for count, what in re.findall(r"(\d+) (passed|failed|skipped|errors?)", told.get("value", "")):
            counts[what] = counts.get(what, 0) + int(count)
    return counts


if __name__ == "__main__":
    sys.exit(main())
