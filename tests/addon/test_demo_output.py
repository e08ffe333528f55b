"""The demo's output folder: the next demo takes away what the last one made, and nothing else."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "demo"


@pytest.fixture
def output(monkeypatch):
    monkeypatch.syspath_prepend(str(DEMO))
    names = ("output", "checks", "previews", "steps")
    yield importlib.import_module("output")
    for name in names:
        sys.modules.pop(name, None)


def play(output, folder: Path, text: str) -> None:
    with output.own_output(folder):
        for name in ("scene.blend", "renders/frame_0001.png", "ipoke/a/b/job.json"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_next_demo_replaces_the_last_ones_files_and_keeps_everybody_elses(output, tmp_path):
    folder = tmp_path / "demo-output"
    play(output, folder, "first")
    (folder / "mine.blend").write_text("keep me")
    (folder / "renders/mine.png").write_text("keep me")
    play(output, folder, "second")
    assert files(folder) == {
        *("scene.blend", "renders/frame_0001.png", "ipoke/a/b/job.json", "mine.blend", "renders/mine.png", output.NOTE)
    }
    assert (folder / "scene.blend").read_text() == "second"


def test_a_file_that_no_demo_made_is_not_replaced(output, tmp_path):
    (tmp_path / "scene.blend").write_text("keep me")
    with pytest.raises(Exception, match="move it elsewhere"):
        play(output, tmp_path, "first")
    assert (tmp_path / "scene.blend").read_text() == "keep me"


def test_a_note_names_no_file_outside_the_folder(output, tmp_path):
    folder = tmp_path / "demo-output"
    folder.mkdir()
    (tmp_path / "precious").write_text("keep me")
    (folder / "linked").symlink_to(tmp_path)
    kept = hashlib.sha256(b"keep me").hexdigest()
    names = ("../precious", str(tmp_path / "precious"), "linked/precious")
    (folder / output.NOTE).write_text(json.dumps(dict.fromkeys(names, kept)))
    play(output, folder, "first")
    assert (tmp_path / "precious").read_text() == "keep me"


def test_what_somebody_made_of_a_demos_file_stays(output, tmp_path):
    folder = tmp_path / "demo-output"
    play(output, folder, "first")
    (folder / "scene.blend").write_text("my own shot")
    (folder / "empty").mkdir()
    with pytest.raises(Exception, match="move it elsewhere"):
        play(output, folder, "second")
    assert (folder / "scene.blend").read_text() == "my own shot"
    assert (folder / "empty").is_dir()


def test_a_note_that_is_none_is_a_sentence(output, tmp_path):
    (tmp_path / output.NOTE).write_text("[1]")
    with pytest.raises(Exception, match="is no note of a demo"):
        play(output, tmp_path, "first")
