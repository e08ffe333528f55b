"""What a test inside Blender finds: the extension enabled from its zip, and an empty file."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import bpy
import pytest

from tests.blender.conftest import INSIDE
from tests.blender.inside.shots import at_own_pace, opened_copy, sample, saved_plate

MODULE = "bl_ext.user_default.ipoke"
PHOTOGRAPH = Path(__file__).parents[3] / "demo/plate.jpg"
SMALL_PX = (384, 216)


@pytest.fixture(scope="session")
def extension() -> Iterator[None]:
    bpy.ops.extensions.package_install_files(filepath=os.environ[INSIDE], repo="user_default", enable_on_install=True)
    assert MODULE in bpy.context.preferences.addons
    yield
    if MODULE in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_disable(module=MODULE)


@pytest.fixture(autouse=True)
def _empty_file(extension: None) -> None:
    bpy.ops.wm.read_homefile(use_empty=True)
    importlib.import_module(f"{MODULE}.session.running").runtime().history.clear()  # copies of one file share their plates


@pytest.fixture(scope="session")
def part(extension: None) -> Callable[[str], ModuleType]:
    """A module of the add-on that runs, by its name."""
    return lambda name: importlib.import_module(f"{MODULE}.{name}")


@pytest.fixture(scope="session")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's photograph, smaller."""
    path = tmp_path_factory.mktemp("plates") / "plate.png"
    image = bpy.data.images.load(str(PHOTOGRAPH))
    image.scale(*SMALL_PX)
    image.file_format = "PNG"
    image.save(filepath=str(path))
    bpy.data.images.remove(image)
    return path


@pytest.fixture
def plane(plate: Path) -> bpy.types.Object:
    """An image plane with one poke."""
    bpy.ops.ipoke.add_plate(filepath=str(plate))
    bpy.ops.ipoke.add_poke(tail=(0.3, 0.35), tip=(0.38, 0.3))
    return at_own_pace(bpy.context.active_object)


@pytest.fixture
def saved(plane, tmp_path) -> bpy.types.Object:
    """A plane with a poke in a saved file."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    return plane


@pytest.fixture(scope="session")
def sampled_once(extension, plate, tmp_path_factory) -> Path:
    """A folder with a saved file and two variants beside it."""
    home = tmp_path_factory.mktemp("sampled")
    sample(saved_plate(home, plate, (0.3, 0.35), (0.38, 0.3)))
    bpy.ops.wm.save_mainfile()
    return home


@pytest.fixture
def sampled(sampled_once, tmp_path) -> bpy.types.Object:
    """A copy of the sampled file in another place, opened."""
    return opened_copy(sampled_once, tmp_path)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once: Blender's module may hang when Python ends by itself."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    failed = reporter is None or any(reporter.stats.get(kind) for kind in ("failed", "error"))
    passed = reporter is not None and bool(reporter.stats.get("passed"))
    if reporter is not None:
        reporter._tw.flush()
    os._exit(0 if passed and not failed else 1)
