"""Runs each file of `inside/` in a Blender of its own, with the extension installed from its zip and a real backend.

IPOKE_BLENDER_PYTHON names another Python with `bpy` and `pytest`, to test another Blender than this environment's.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
AT_ONCE = min(2, os.cpu_count() or 1)
STORY = "story"
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


Ended = subprocess.CompletedProcess[str]


def run_story(story: Path, extension: Path, models: Path, folder: Path) -> Ended:
    """Run one file of `inside/` to its end, with every folder that it writes to below `folder`."""
    # Blender looks for the wheels of extensions at its start only, and a fresh settings folder has no such place yet.
    for python in ("python3.11", "python3.13"):
        (folder / "blender/extensions/.local/lib" / python / "site-packages").mkdir(parents=True)
    environment = {
        **os.environ,
        INSIDE: str(extension),
        "BLENDER_USER_RESOURCES": str(folder / "blender"),
        "XDG_RUNTIME_DIR": str(folder),
        "IPOKE_BACKEND": sys.executable,
        "IPOKE_MODELS": str(models / "shipped"),
        OWN_MODELS: str(models / "own"),
        "PYTHONPATH": str(ROOT),
    }
    command = [BLENDER_PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(story), "--basetemp", str(folder / "files")]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=allowed(LIMIT_S), check=False
    )


@pytest.fixture(scope="session")
def endings(
    request: pytest.FixtureRequest, extension: Path, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Path, Future[Ended]]]:
    """How each story that was chosen ends; they share nothing, so two run at a time, each mostly on one core."""
    chosen = [item.callspec.params["story"] for item in request.session.items if STORY in getattr(item, "fixturenames", ())]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {story: pool.submit(run_story, story, extension, models, tmp_path_factory.mktemp(story.stem)) for story in chosen}
        pool.shutdown(wait=False, cancel_futures=True)


@pytest.mark.timeout(LIMIT_S + 30)
@pytest.mark.skipif(sys.executable == BLENDER_PYTHON and importlib.util.find_spec("bpy") is None, reason=BLENDER_MISSING)
@pytest.mark.parametrize(STORY, sorted((HERE / "inside").glob("test_*.py")), ids=lambda path: path.stem)
def test_inside_blender(story: Path, endings: dict[Path, Future[Ended]], record_property):
    done = endings[story].result()
    record_property("inside", next(iter(done.stdout.strip().splitlines()[-1:]), ""))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-4000:]
