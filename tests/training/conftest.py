"""Clips to train on."""

from pathlib import Path

import pytest

from ipoke_models.data.procedural import generate


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips") / "store"
    assert generate.main(["-o", str(folder), "--count", "24", "--processes", "1", "--seed", "4"]) == 0
    return folder
