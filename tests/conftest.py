"""Limits that fit the machine, a name for this run that its processes carry, and which folders are slow as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.machine import RUN, allowed

SLOW_FOLDERS = {
    "blender": "each file starts a Blender, and most of them a backend with a model",
    "cluster": "starts a Ray cluster of two nodes",
    "data": "renders clips and reads videos",
    "e2e": "starts whole backends with a real model, and kills some",
    "evaluation": "samples, tracks and measures whole clips",
    "faults": "starts backends, and waits for what stalls, floods and cuts do",
    "security": "starts backends and talks to them over sockets",
    "segmentation": "trains small networks on photographs",
    "training": "trains, in processes of its own",
}
"""Why every test of a folder counts as slow; single slow tests carry the mark themselves."""

_HERE = Path(__file__).parent


def pytest_configure() -> None:
    """Name the run in the environment, unless an outer run has."""
    os.environ.setdefault(RUN, f"{os.getpid()}-{os.urandom(4).hex()}")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Don't even import slow folders where only the fast tests are wanted."""
    if config.option.markexpr != "not slow" or not collection_path.is_relative_to(_HERE):
        return None
    return True if _folder(collection_path) in SLOW_FOLDERS else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is in slow folders, and stretch every limit by the machine's factor."""
    everyone_s = float(config.getini("timeout"))
    for item in items:
        if _folder(item.path) in SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)
        own = item.get_closest_marker("timeout")
        limit_s = float(own.args[0]) if own else everyone_s
        item.add_marker(pytest.mark.timeout(allowed(limit_s)), append=False)


def _folder(path: Path) -> str:
    return next(iter(path.relative_to(_HERE).parts), "")
