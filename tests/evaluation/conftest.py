"""Clips and a model, the smallest that every measure can be taken of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ipoke_models.checkpoint import save_model
from ipoke_models.config import CvaeConfig
from ipoke_models.data.procedural import generate
from ipoke_models.metrics.lpips import Lpips
from ipoke_models.metrics.weights import LPIPS_FILE, VARIABLE
from ipoke_models.networks.cvae import ConditionalVae
from ipoke_models.networks.whole import Networks
from ipoke_models.training.twin import save_twin
from tests.models import small


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of four procedural clips."""
    folder = tmp_path_factory.mktemp("clips") / "held"
    assert generate.main(["-o", str(folder), "--count", "4", "--processes", "1", "--seed", "4"]) == 0
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model 'tiny' with random weights, with a twin and LPIPS weights of the same kind."""
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("models")
    save_model(root / "tiny", Networks(small.model()), "tiny", "# tiny")
    save_twin(root, ConditionalVae(CvaeConfig(channels=6, cond_channels=32, hidden=8, blocks=1, groups=8)))
    save_file({name: value.abs().contiguous() for name, value in Lpips().state_dict().items()}, root / LPIPS_FILE)
    return root


@pytest.fixture(autouse=True)
def _no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
