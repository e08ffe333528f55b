from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.core import folders
from blender_addon.core.errors import FolderError


@given(st.text(max_size=200))
def test_any_name_becomes_one_folder_name(name):
    safe = folders.safe_name(name)
    assert safe
    assert Path(safe).name == safe
    assert len(safe) <= folders.NAME_CHARACTERS
    assert safe.isascii()


def test_a_jobs_folder_is_named_after_plate_and_job():
    assert folders.job_folder(Path("r"), "my plate.001.jpg", "0123456789abcdef") == Path("r/my_plate.001/0123456789ab")


def test_results_move_as_a_whole(tmp_path):
    old, new = tmp_path / "old/job", tmp_path / "new/ipoke/job"
    (old / "variant_00").mkdir(parents=True)
    (old / "variant_00/frame_0001.png").write_bytes(b"png")
    folders.move(old, new)
    assert (new / "variant_00/frame_0001.png").read_bytes() == b"png"
    assert not old.exists()


def test_results_that_cannot_move_stay(tmp_path, monkeypatch):
    old = tmp_path / "old"
    old.mkdir()

    def refuse(*_arguments) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "move", refuse)
    with pytest.raises(FolderError, match="they stay in"):
        folders.move(old, tmp_path / "new")
    assert old.is_dir()
