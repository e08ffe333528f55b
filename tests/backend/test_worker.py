"""The way to the models: too little memory, unloading, several models within a budget."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import ipoke_models
from backend.job import JobCancelledError
from backend.plate.image import decode_plate
from backend.plate.region import model_input
from backend.protocol.messages import Region
from backend.worker import LoadedModel, Models, ModelUnavailableError, OutOfMemoryError
from ipoke_models.checkpoint import save_model
from ipoke_models.networks import Networks
from tests.models import small

PROJECT = Path(__file__).resolve().parents[2]
POKES = np.array([[0.5, 0.5, 0.1, 0.1]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with three models."""
    folder = tmp_path_factory.mktemp("models")
    for number in range(3):
        with torch.random.fork_rng():
            torch.manual_seed(number)
            networks = small.jitter(Networks(small.model()))
            save_model(folder / f"small-{number}", networks, f"small-{number}", "# A model for tests")
    return folder


@pytest.fixture
def models(folder, monkeypatch) -> Models:
    monkeypatch.setenv("IPOKE_MODELS", str(folder))
    return Models(budget_mb=0)


@pytest.fixture
def x0() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (3, 64, 64)).astype(np.float32)


class Tight:
    """A model on a device that has memory for so many variants together."""

    def __init__(self, model: ipoke_models.Model, most: int, fails_at: int = 1) -> None:
        self.folder = model.folder
        self.asked: list[int] = []
        self._model, self._most, self._fails_at = model, most, fails_at

    def stream(self, x0, pokes, n, seed, first, cancelled, group):
        self.asked.append(group)
        for step in self._model.stream(x0, pokes, n, seed, first, cancelled, group):
            if group > self._most and step.t == self._fails_at:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            yield step


def frames_of(model: LoadedModel, x0: np.ndarray, variants: range = range(8)) -> dict[tuple[int, int], np.ndarray]:
    made = [(frame.variant, frame.t, frame.frame) for frame in model.frames(x0, POKES, 3, variants, lambda: False)]
    assert len({(variant, t) for variant, t, _ in made}) == len(made)
    return {(variant, t): frame for variant, t, frame in made}


@pytest.mark.parametrize("fails_at", [1, 4])
def test_too_little_memory_halves_the_batch_and_goes_on_with_every_frame_once(models, x0, fails_at):
    whole = models.get("small-0")
    tight = Tight(whole._model, most=2, fails_at=fails_at)
    made = frames_of(LoadedModel(whole.entry, tight), x0)
    assert tight.asked == [8, 4, 2]
    expected = frames_of(whole, x0)
    assert made.keys() == expected.keys()
    for key in expected:
        np.testing.assert_allclose(made[key], expected[key], atol=1e-4)


def test_the_smaller_batch_stays(models, x0):
    model = models.get("small-0")
    tight = LoadedModel(model.entry, Tight(model._model, most=4))
    frames_of(tight, x0)
    frames_of(tight, x0)
    assert tight._model.asked == [8, 4, 4]


def test_no_memory_for_a_single_variant_is_said(models, x0):
    model = models.get("small-0")
    with pytest.raises(OutOfMemoryError, match="close other programs"):
        frames_of(LoadedModel(model.entry, Tight(model._model, most=0)), x0)


# Each limit is tried in a copy of the process, since memory that a failed try has touched stays with its process.
REAL_LIMIT = """
import os, resource
import numpy as np
from pathlib import Path
from backend.worker import Models, settle_process
settle_process()
model = Models().get("garden-64")
x0 = np.random.default_rng(0).uniform(-1, 1, (3, 64, 64)).astype(np.float32)
pokes = np.array([[0.5, 0.5, 0.1, 0.1]])
for extra_mb in range(60, 4, -2):
    child = os.fork()
    if child == 0:
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + extra_mb * 2**20,) * 2)
        frames = list(model.frames(x0, pokes, 3, range(8), lambda: False))
        os._exit(0 if len(frames) == 80 and model._batch < 8 else 1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        print("halved with", extra_mb, "MB")
        break
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on address space is Linux's")
def test_a_real_limit_on_memory_halves_the_batch_too():
    command = [sys.executable, "-c", REAL_LIMIT]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=110, check=False)
    assert done.stdout.startswith("halved"), done.stderr[-2000:]


def test_models_beyond_the_budget_are_forgotten_but_for_the_last(models):
    models.get("small-0")
    assert models.memory().models == ("small-0",)
    models._budget_mb = 10_000
    models.get("small-1")
    assert models.memory().models == ("small-0", "small-1")
    models._budget_mb = 0
    models.get("small-2")
    assert models.memory().models == (("small-2",) if models.get("small-2").size_mb else ("small-0", "small-1", "small-2"))


def test_an_unloaded_model_comes_back_with_the_same_frames(models, x0):
    before = frames_of(models.get("small-0"), x0)
    models.unload()
    assert models.memory().models == ()
    after = frames_of(models.get("small-0"), x0)
    assert all((before[key] == after[key]).all() for key in before)


def test_the_kinematics_of_a_variant_bring_its_motion_back():
    """Of the shipped model: replayed, a variant's own kinematics are closer to it than the still is."""
    model = Models().get("garden-64")
    photo = decode_plate(next((PROJECT / "demo").glob("*.jpg")).read_bytes())
    side = min(photo.size_px)
    x0 = model_input(photo, Region(0, 0, side, side), 64)
    pokes = np.array([[0.5, 0.5, -0.15, 0.05]])
    variant = np.stack([frame.frame for frame in model.frames(x0, pokes, 3, range(1), lambda: False)])
    residual = model.invert(np.concatenate([x0[None], variant]), pokes)
    replayed = np.stack([frame.frame for frame in model.replay(residual, x0, pokes, lambda: False)])
    assert residual.shape[1:] == (8, 8)
    assert np.abs(replayed - variant).mean() < 0.8 * np.abs(x0 - variant).mean()


def test_a_variant_is_stopped_between_frames_and_steps(models, x0):
    with pytest.raises(JobCancelledError):
        list(models.get("small-0").frames(x0, POKES, 3, range(8), lambda: True))


def test_a_model_that_is_not_there_is_named(models):
    with pytest.raises(ModelUnavailableError, match="nobody is not installed"):
        models.get("nobody")
