"""Runs each file of `inside/` in a Blender of its own, with the extension installed from its zip and a real backend.

IPOKE_BLENDER_PYTHON names another Python with `bpy` and `pytest`, to test another Blender than this environment's.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import build_addon
from tests.machine import allowed
from tests.models import small

from .conftest import INSIDE, OWN_MODELS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BLENDER_PYTHON = os.environ.get("IPOKE_BLENDER_PYTHON", sys.executable)
LIMIT_S = int(os.environ.get("IPOKE_LIMIT_S", "300"))
BLENDER_MISSING = "Blender's module is not installed; pip install -r requirements-blender.txt brings it on Python 3.11 and 3.13"


@pytest.fixture(scope="session")
def extension() -> Path:
    return build_addon.build(build_addon.current_platform())


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small untrained model and a segmenter that finds nothing; beside it one of an artist's own models."""
    from ipoke_models.checkpoint import save_model
    from ipoke_models.networks.whole import Networks
    from tests.segmenters import save_small_segmenter

    home = tmp_path_factory.mktemp("models")
    for folder, name in ((home / "shipped", "garden-64"), (home / "own", "signing-64")):
        save_model(folder / name, small.jitter(Networks(small.with_base())), name, "Untrained; for tests.")
    save_small_segmenter(home / "shipped" / "thing", "thing", blind=True)
    return home


@pytest.mark.timeout(LIMIT_S + 30)
@pytest.mark.skipif(sys.executable == BLENDER_PYTHON and importlib.util.find_spec("bpy") is None, reason=BLENDER_MISSING)
@pytest.mark.parametrize("story", sorted((HERE / "inside").glob("test_*.py")), ids=lambda path: path.stem)
def test_inside_blender(story: Path, extension: Path, models: Path, tmp_path: Path, record_property):
    # Blender looks for the wheels of extensions at its start only, and a fresh settings folder has no such place yet.
    for python in ("python3.11", "python3.13"):
        (tmp_path / "blender/extensions/.local/lib" / python / "site-packages").mkdir(parents=True)
    environment = {
        **os.environ,
        INSIDE: str(extension),
        "BLENDER_USER_RESOURCES": str(tmp_path / "blender"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "IPOKE_BACKEND": sys.executable,
        "IPOKE_MODELS": str(models / "shipped"),
        OWN_MODELS: str(models / "own"),
        "PYTHONPATH": str(ROOT),
    }
    command = [BLENDER_PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(story), "--basetemp", str(tmp_path / "files")]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=allowed(LIMIT_S), check=False
    )
    record_property("inside", next(iter(done.stdout.strip().splitlines()[-1:]), ""))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-4000:]
