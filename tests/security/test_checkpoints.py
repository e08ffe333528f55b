"""Damaged and hostile model files are refused by the worker in one sentence, and the model that was loaded stays."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.worker.loaded_models import Models, ModelUnavailableError
from ipoke_models.checkpoint import CONFIG_FILE, WEIGHTS_FILE, save_model
from ipoke_models.networks.whole import Networks
from ipoke_values import Sampling
from tests.models import small

CUTS = 50
GOOD, VICTIM = "good", "victim"


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for name in (GOOD, VICTIM):
            save_model(folder / name, small.jitter(Networks(small.model())), name, "# A model for tests")
    return folder


@pytest.fixture
def models(saved, monkeypatch) -> Models:
    """A worker's models, one of them loaded."""
    monkeypatch.setenv("IPOKE_MODELS", str(saved))
    models = Models()
    models.get(GOOD)
    return models


@pytest.fixture
def weights(saved):
    file = saved / VICTIM / WEIGHTS_FILE
    config = saved / VICTIM / CONFIG_FILE
    kept = file.read_bytes(), config.read_bytes()
    yield file
    file.write_bytes(kept[0])
    config.write_bytes(kept[1])


def refusal(models: Models) -> str:
    with pytest.raises(ModelUnavailableError) as refused:
        models.get(VICTIM)
    assert models.memory().models == (GOOD,)
    still = np.zeros((3, 64, 64), np.float32)
    assert next(iter(models.get(GOOD).frames(still, np.array([[0.5, 0.5, 0.1, 0.1]]), Sampling(1), range(1), lambda: False)))
    assert refused.value.sentence.rstrip().endswith(".")
    return refused.value.sentence


def test_a_checkpoint_cut_at_fifty_places_is_refused(models, weights):
    data, generator = weights.read_bytes(), random.Random(3)
    places = [0, 1, 7, 8, 9, len(data) - 1, *(generator.randrange(len(data)) for _ in range(CUTS - 6))]
    for place in places:
        weights.write_bytes(data[:place])
        with pytest.raises(ModelUnavailableError):
            models.get(VICTIM)
    assert refusal(models)


def agree(weights: Path) -> None:
    """Let config.json name the file as it is now, as somebody who forges one would."""
    config = weights.with_name(CONFIG_FILE)
    plain = json.loads(config.read_text())
    config.write_text(json.dumps(plain | {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}))


def test_weights_that_are_not_finite_are_refused(models, weights):
    state = load_file(weights)
    name = next(key for key, tensor in state.items() if tensor.is_floating_point())
    state[name].view(-1)[0] = float("nan")
    save_file(state, weights)
    agree(weights)
    assert "not finite" in refusal(models)


def test_weights_of_another_shape_are_refused(models, weights):
    state = load_file(weights)
    name = next(key for key, tensor in state.items() if tensor.ndim > 1)
    state[name] = state[name][:1].contiguous()
    save_file(state, weights)
    agree(weights)
    assert name in refusal(models)


def test_a_flipped_bit_is_noticed(models, weights):
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(bytes(data))
    assert "SHA-256" in refusal(models)


class Canary:
    """Touches a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


def test_a_pickle_that_is_named_safetensors_is_refused_and_does_not_run(models, weights, tmp_path):
    nest = tmp_path / "canary"
    for data in (pickle.dumps(Canary(nest)), b"\x80" * 8 + pickle.dumps(Canary(nest))):
        weights.write_bytes(data)
        agree(weights)
        assert refusal(models)
    torch.save({"weights": Canary(nest)}, weights)
    agree(weights)
    assert refusal(models)
    assert not nest.exists()
    pickle.loads(pickle.dumps(Canary(nest)))
    assert nest.exists(), "the canary does not sing at all"
