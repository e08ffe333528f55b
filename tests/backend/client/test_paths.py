"""Finding a backend: a preference alone, else the managed environment, else PATH."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.client import default_runtime_dir, find_backend, paths

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


def test_a_file_of_the_same_name_in_the_current_folder_is_never_run(tmp_path, monkeypatch):
    for name in ("ipoke", "python3.11"):
        program(tmp_path / "shot" / name)
    (tmp_path / "other" / "ipoke" / "bin").mkdir(parents=True)
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "shot", "bin", str(tmp_path / "nothing")]))
    for folder in (tmp_path / "shot", tmp_path / "other", tmp_path):
        monkeypatch.chdir(folder)
        assert find_backend() is None
        assert find_backend("ipoke") is None
        assert find_backend("python3.11") is None


def test_a_bare_name_is_looked_up_in_path_and_may_not_be_a_folder(tmp_path, monkeypatch):
    (tmp_path / "first" / "ipoke" / "bin").mkdir(parents=True)
    found = program(tmp_path / "path" / "ipoke")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "path")]))
    assert find_backend("ipoke") == find_backend() == [str(found)]


def test_the_runtime_folder_is_in_the_users_own_or_else_with_the_users_data(tmp_path, monkeypatch):
    runtime, data = tmp_path / "runtime", tmp_path / "data" / "ipoke" / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert default_runtime_dir() == runtime / "ipoke"
    runtime.chmod(0o777)
    assert default_runtime_dir() == data
    for other in (str(tmp_path / "nothing"), "relative", ""):
        monkeypatch.setenv("XDG_RUNTIME_DIR", other)
        assert default_runtime_dir() == data


def test_a_relative_data_folder_is_none_of_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert default_runtime_dir() == tmp_path / ".local" / "share" / "ipoke" / "run"
