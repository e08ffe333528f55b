"""A real, small model, a real backend, and stills on disk."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from backend.cli import main
from backend.client import Connected, Launcher, LocalBackend, drive
from ipoke_models.checkpoint import save_model
from ipoke_models.networks.whole import Networks
from tests.machine import allowed
from tests.models import small
from tests.processes import eventually, processes_with
from tests.segmenters import save_small_segmenter

PROJECT = Path(__file__).resolve().parents[2]
MODEL = "small-64"
START_S = allowed(90.0)


@pytest.fixture(scope="package")
def models_folder(tmp_path_factory) -> Path:
    """A folder with one untrained model whose variants move and differ, and a segmenter that finds nothing."""
    folder = tmp_path_factory.mktemp("models")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_model(folder / MODEL, small.jitter(Networks(small.model())), MODEL, "# A model for tests")
    save_small_segmenter(folder / "thing", "thing", blind=True)
    return folder


@pytest.fixture(scope="package", autouse=True)
def _environment(models_folder, tmp_path_factory) -> Iterator[None]:
    """Children find the small model, keep their files to themselves, and leave no process behind."""
    run = tmp_path_factory.mktemp("run")
    patch = pytest.MonkeyPatch()
    patch.setenv("IPOKE_MODELS", str(models_folder))
    patch.setenv("XDG_RUNTIME_DIR", str(run))
    yield
    patch.undo()
    eventually(lambda: not [pid for pid in processes_with(str(run)) if pid != os.getpid()], "a process still runs")


def new_backend(folder: Path) -> LocalBackend:
    command = [sys.executable, "-P", "-m", "backend"]
    return LocalBackend(Launcher(command, folder, {"PYTHONPATH": str(PROJECT)}))


@pytest.fixture(scope="package")
def backend(tmp_path_factory, _environment) -> Iterator[LocalBackend]:
    """One backend for all tests that don't break it."""
    backend = new_backend(tmp_path_factory.mktemp("backend"))
    drive(backend, lambda event: isinstance(event, Connected), START_S)
    yield backend
    backend.close()


@pytest.fixture(scope="package")
def connection_file(backend) -> Path:
    file = backend.launcher.poll().connection_file
    assert file is not None
    return file


def picture(width: int, height: int, dtype: type = np.uint8, *, alpha: bool = False) -> np.ndarray:
    """A smooth picture with some detail."""
    generator = np.random.default_rng(width)
    coarse = generator.random((height // 16 + 2, width // 16 + 2, 3)).astype(np.float32)
    pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    pixels = np.clip(pixels + generator.normal(0, 0.02, pixels.shape), 0, 1)
    pixels = (pixels * np.iinfo(dtype).max).astype(dtype)
    if not alpha:
        return pixels
    disc = np.zeros((height, width), np.uint8)
    cv2.circle(disc, (width // 2, height // 2), min(width, height) // 3, 255, -1, cv2.LINE_AA)
    return np.dstack([pixels, (disc.astype(np.uint32) * np.iinfo(dtype).max // 255).astype(dtype)])


@pytest.fixture
def still(tmp_path) -> Callable[..., Path]:
    """Write a picture to disk: `still("a.jpg", 320, 240)`."""

    def write(name: str, width: int = 320, height: int = 240, dtype: type = np.uint8, *, alpha: bool = False) -> Path:
        path = tmp_path / name
        cv2.imwrite(str(path), picture(width, height, dtype, alpha=alpha))
        return path

    return write


@pytest.fixture
def ipoke(capsys) -> Callable[..., dict]:
    """Run the command line in this process; returns what it printed as JSON."""

    def run(*words: str | Path, code: int = 0) -> dict:
        assert main([str(word) for word in words]) == code, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return run
