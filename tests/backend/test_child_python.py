"""Processes of this package run its own code, whatever lies around them or stands in their environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from backend.child_python import python_command, python_environment
from tests.machine import allowed

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("ipoke", "numpy", "zmq", "msgpack", "cv2", "ipoke_models")
OF_PYTHON = ("backend", "random", "json", "subprocess")
VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONWARNINGS", "PYTHONPLATLIBDIR", "PYTHONSTARTUP")


def studio(folder: Path, names: Iterable[str], kind: str) -> Path:
    """A folder with packages for another Python."""
    for name in names:
        file = folder / f"{name}.py" if kind == "modules" else folder / name / "__init__.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("raise ImportError('of another Python')\n")
    return folder


@pytest.mark.parametrize("kind", ["modules", "packages"])
def test_a_child_knows_nothing_of_a_foreign_environment_or_of_the_current_folder(tmp_path, monkeypatch, kind):
    folder = studio(tmp_path / "studio", (*PACKAGES, *OF_PYTHON), kind)
    for name in VARIABLES:
        monkeypatch.setenv(name, str(folder))
    monkeypatch.chdir(folder)
    code = f"import numpy, zmq, random, backend; assert backend.__file__.startswith({str(PROJECT)!r}), backend.__file__"
    subprocess.run([sys.executable, "-P", "-c", code], env=python_environment(), timeout=allowed(60), check=True)


def test_how_output_is_encoded_is_handed_on(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    assert python_environment()["PYTHONIOENCODING"] == "cp1252:backslashreplace"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["modules", "packages"])
def test_the_command_line_runs_with_a_foreign_pythonpath_and_files_of_its_names_beside_it(tmp_path, kind):
    foreign, here = studio(tmp_path / "studio", PACKAGES, kind), studio(tmp_path / "here", (*PACKAGES, *OF_PYTHON), kind)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(foreign), str(PROJECT)])}
    for words in (["keygen", "-o", "keys"], ["models"]):
        command = [*python_command("backend"), *words]
        done = subprocess.run(
            command, cwd=here, env=environment, capture_output=True, text=True, timeout=allowed(60), check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
