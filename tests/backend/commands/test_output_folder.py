"""The result's folder appears whole or not at all."""

from __future__ import annotations

import pytest

from backend.commands.errors import UsageError
from backend.commands.output_folder import OutputFolder


def test_nothing_is_at_the_target_until_it_is_kept(tmp_path):
    target = tmp_path / "deep" / "out"
    output = OutputFolder(target)
    (output.work / "job.json").touch()
    assert not target.parent.exists()
    assert output.keep() == target
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "out", "job.json"]


def test_discarding_leaves_nothing(tmp_path):
    output = OutputFolder(tmp_path / "deep" / "out")
    (output.work / "job.json").touch()
    output.discard()
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_result_is_replaced_whole(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "job.json").touch()
    (target / "old").touch()
    output = OutputFolder(target)
    (output.work / "new").touch()
    output.keep()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "out").mkdir()
    OutputFolder(tmp_path / "out").keep()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_foreign_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(UsageError, match="other files"):
        OutputFolder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
