from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.client import Launcher, LocalBackend
from tests.processes import eventually, processes_with

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scratch(tmp_path) -> Iterator[Path]:
    """A folder that every process of the test has in its arguments; none of them may survive the test."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    eventually(lambda: not processes_with(str(folder)), "a process of the test still runs")


@pytest.fixture
def launcher(scratch, tmp_path) -> Launcher:
    command = [sys.executable, "-m", "tests.faults.serve_with_fake_worker", str(scratch)]
    return Launcher(command, tmp_path / "run", {"PYTHONPATH": str(PROJECT)})


@pytest.fixture
def backend(launcher) -> Iterator[LocalBackend]:
    backend = LocalBackend(launcher)
    yield backend
    backend.close()


@pytest.fixture
def pid_of(scratch) -> Callable[[str], int]:
    """Process id of `front` or `worker`, as it was last started."""
    return lambda who: int((scratch / f"{who}.pid").read_text())
