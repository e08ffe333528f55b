"""Finding a backend: a preference alone, else the managed environment, else PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.client import find_backend, paths

pytestmark = pytest.mark.skipif(paths._WINDOWS, reason="makes POSIX programs")


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _empty_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))


def test_nothing_is_found_on_an_empty_machine():
    assert find_backend() is None


def test_a_program_on_path_is_found(tmp_path):
    found = program(tmp_path / "path" / "ipoke")
    assert find_backend() == [str(found)]


def test_the_managed_environment_comes_before_path(tmp_path):
    program(tmp_path / "path" / "ipoke")
    managed = program(tmp_path / "data" / "ipoke" / "env" / "bin" / "ipoke")
    assert find_backend() == [str(managed)]


def test_a_preference_may_be_a_program_an_environment_or_a_python(tmp_path):
    chosen = program(tmp_path / "env" / "bin" / "ipoke")
    python = program(tmp_path / "env" / "bin" / "python3.11")
    assert find_backend(str(chosen)) == [str(chosen)]
    assert find_backend(str(tmp_path / "env")) == [str(chosen)]
    assert find_backend(str(python)) == [str(python), "-P", "-m", "backend"]


def test_a_wrong_preference_is_not_replaced_by_something_else(tmp_path):
    program(tmp_path / "path" / "ipoke")
    assert find_backend(str(tmp_path / "nowhere")) is None
