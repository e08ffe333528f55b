from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from blender_addon.core.bakes import Delivery, FileNames, Shot, deliver, file_names
from blender_addon.core.errors import FolderError

SHOT = Shot(fps=24.0, start_frame=1)


def names(template: str, first: int = 1) -> FileNames:
    return file_names(template, first, ".png", plate="My Leaf", variant=3, seed=7)


@pytest.fixture
def made(tmp_path) -> Path:
    folder = tmp_path / "made/variant_02"
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / f"frame_{number:04d}.png").write_bytes(f"new {number}".encode())
    (tmp_path / "made/job.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("frame_####", "frame_1001.png"),
        ("{plate}_v{variant}_s{seed}_######", "My_Leaf_v03_s7_001001.png"),
        ("####", "1001.png"),
        ("shot12####", "shot12_1001.png"),
    ],
)
def test_templates_are_filled_in(template, name):
    assert names(template, 1001).of(1) == name


@pytest.mark.parametrize("template", ["", "leaf", "a/####", "..\\####", "{folder}_####", "####_a", "##_##"])
def test_a_template_that_names_no_frames_is_a_sentence(template):
    with pytest.raises(FolderError, match="end it with ####"):
        names(template)


def test_frames_arrive_under_their_new_names_and_the_manifest_last(made, tmp_path):
    target = tmp_path / "renders"
    arrived = [path.name for path in deliver(made, made.parent / "job.json", Delivery(target, names("leaf_####", 5), SHOT))]
    assert arrived == ["leaf_0005.png", "leaf_0006.png", "leaf_0007.png", "leaf_job.json"]
    assert (target / "leaf_0006.png").read_bytes() == b"new 2"
    assert not list(made.iterdir())


def test_a_shorter_bake_leaves_no_frames_of_the_longer_one_and_touches_nothing_else(made, tmp_path):
    target = tmp_path / "renders"
    target.mkdir()
    for name in ("frame_0001.png", "frame_0009.exr", "job.json", "notes.txt", "other_0001.png"):
        (target / name).write_bytes(b"old")
    list(deliver(made, made.parent / "job.json", Delivery(target, names("frame_####"), SHOT)))
    assert sorted(path.name for path in target.iterdir()) == [
        "frame_0001.png", "frame_0002.png", "frame_0003.png", "job.json", "notes.txt", "other_0001.png",
    ]  # fmt: skip


def test_a_bake_that_was_broken_off_has_no_manifest(made, tmp_path):
    delivery = Delivery(tmp_path / "renders", names("frame_####"), SHOT)
    delivery.folder.mkdir()
    (delivery.folder / "job.json").write_text("old")
    steps = deliver(made, made.parent / "job.json", delivery)
    next(steps)
    steps.close()
    assert not (delivery.folder / "job.json").exists()


def test_on_another_drive_frames_are_copied_whole(made, tmp_path, monkeypatch):
    replace = os.replace

    def no_rename(old: Path, new: Path) -> None:
        if Path(old).parent != Path(new).parent:
            raise OSError(errno.EXDEV, "another drive")
        replace(old, new)

    monkeypatch.setattr(os, "replace", no_rename)
    target = tmp_path / "renders"
    list(deliver(made, made.parent / "job.json", Delivery(target, names("frame_####"), SHOT)))
    assert (target / "frame_0003.png").read_bytes() == b"new 3"
    assert not list(made.iterdir())
    assert not list(target.glob(".*"))


@pytest.mark.parametrize("nth", range(1, 5))
def test_a_disk_that_is_full_at_any_file_leaves_no_half_file_and_no_manifest(made, tmp_path, monkeypatch, nth):
    calls, copy = 0, shutil.copyfile

    def no_rename(old: Path, new: Path) -> None:
        if Path(old).parent != Path(new).parent:
            raise OSError(errno.EXDEV, "another drive")
        Path(old).rename(new)

    def copy_half(old: Path, new: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            new.write_bytes(old.read_bytes()[:1])
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(old, new)

    monkeypatch.setattr(os, "replace", no_rename)
    monkeypatch.setattr(shutil, "copyfile", copy_half)
    target = tmp_path / "renders"
    with pytest.raises(OSError, match="No space"):
        list(deliver(made, made.parent / "job.json", Delivery(target, names("frame_####"), SHOT)))
    there = sorted(path.name for path in target.iterdir())
    assert there == [f"frame_{number:04d}.png" for number in range(1, nth)]
    assert all((target / name).read_bytes().startswith(b"new ") for name in there)
    assert len(list(made.iterdir())) == 3 - len(there)


@pytest.mark.parametrize(("fps", "seconds", "frames"), [(24.0, 2.0, 48), (30 / 1.001, 1.0, 30), (25.0, 0.01, 2)])
def test_seconds_are_counted_in_the_scenes_frames(fps, seconds, frames):
    assert Shot(fps, 1).frames_in(seconds) == frames
