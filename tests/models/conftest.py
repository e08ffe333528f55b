"""Small models for the tests; one conversion of the reference checkpoint for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ipoke_models.checkpoint import load_networks
from ipoke_models.convert import Report, convert
from ipoke_models.networks.whole import Networks

from .reference import TINY
from .small import one_thread as one_thread


@pytest.fixture(autouse=True)
def _fixed_seed() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="session")
def conversion(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """Folder and report of the converted reference checkpoint."""
    folder = tmp_path_factory.mktemp("converted") / "tinyA"
    return folder, convert(TINY, "tinyA", folder)


@pytest.fixture(scope="session")
def converted(conversion: tuple[Path, Report]) -> Networks:
    """The converted reference networks."""
    return load_networks(conversion[0])[1]
