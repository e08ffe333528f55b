from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_addon.core.errors import FolderError
from blender_addon.core.jobs.bakes import Delivery, FileNames, Shot, check_place, deliver, delivered, file_names

SHOT = Shot(fps=24.0, start_frame=1)


def names(template: str, first: int = 1) -> FileNames:
    return file_names(template, first, ".png", plate="My Leaf", variant=3, seed=7, version=2)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def frame(number: int, make: str = "new") -> bytes:
    return f"{make} {number}".encode()


class Made:
    """A bake that waits whole in its folder."""

    def __init__(self, folder: Path, count: int = 3, make: str = "new") -> None:
        self.folder = folder
        self.frames = {f"variant_02/frame_{number:04d}.png": sha256(frame(number, make)) for number in range(1, count + 1)}
        (folder / "variant_02").mkdir(parents=True)
        for number, name in enumerate(self.frames, start=1):
            (folder / name).write_bytes(frame(number, make))

    def left(self) -> list[Path]:
        return list((self.folder / "variant_02").iterdir())

    def deliver(self, delivery: Delivery) -> Iterator[Path]:
        manifest = self.folder / "job.json"
        manifest.write_text(json.dumps({"job_id": "job", "files": delivered(self.frames, delivery.names)}))
        return deliver(self.folder, self.frames, manifest, delivery)


@pytest.fixture
def made(tmp_path) -> Made:
    return Made(tmp_path / "made")


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("frame_####", "frame_1001.png"),
        ("{plate}_v{variant}_s{seed}_######", "My_Leaf_v03_s7_001001.png"),
        ("{plate}_{version}_####", "My_Leaf_002_1001.png"),
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
    arrived = [path.name for path in made.deliver(Delivery(target, names("leaf_####", 5), SHOT))]
    assert arrived == ["leaf_0005.png", "leaf_0006.png", "leaf_0007.png", "leaf_job.json"]
    assert (target / "leaf_0006.png").read_bytes() == b"new 2"
    assert not list(made.left())


@pytest.mark.parametrize(("before", "now"), [("f_##", "f_####"), ("####", "frame_####"), ("frame_####", "####")])
def test_a_bake_takes_no_frames_of_another_whose_names_differ(made, tmp_path, before, now):
    first, second = (Delivery(tmp_path / "renders", names(template), SHOT) for template in (before, now))
    list(Made(tmp_path / "first", count=2, make="old").deliver(first))
    old = {path: path.read_bytes() for path in first.folder.iterdir()}
    if before == "f_##":
        with pytest.raises(FolderError, match="of another bake"):
            check_place(second.folder, second.names)
        with pytest.raises(FolderError, match="in the way"):
            list(made.deliver(second))
    else:
        check_place(second.folder, second.names)
        list(made.deliver(second))
    frames = [path for path in old if path.suffix == ".png"]
    assert {path: path.read_bytes() for path in frames} == {path: old[path] for path in frames}


def test_a_shorter_bake_leaves_no_frames_of_the_longer_one_and_touches_nothing_else(made, tmp_path):
    delivery = Delivery(tmp_path / "renders", names("frame_####"), SHOT)
    list(Made(tmp_path / "longer", count=9, make="old").deliver(delivery))
    for name in ("notes.txt", "other_0001.png"):
        (delivery.folder / name).write_bytes(b"the artist's")
    check_place(delivery.folder, delivery.names)
    list(made.deliver(delivery))
    assert sorted(path.name for path in delivery.folder.iterdir()) == [
        "frame_0001.png", "frame_0002.png", "frame_0003.png", "job.json", "notes.txt", "other_0001.png",
    ]  # fmt: skip
    assert (delivery.folder / "frame_0002.png").read_bytes() == frame(2)


STRANGE = {
    "a frame of somebody's": ("frame_0002.png", b"painted by hand"),
    "a frame in another format": ("frame_0007.exr", b"rendered"),
    "another program's job.json": ("job.json", b'{"job": 12}'),
    "the job.json of a sample": ("job.json", b'{"files": {"variant_00/frame_0001.png": "' + b"0" * 64 + b'"}}'),
    "a job.json that is too deep": ("job.json", b"[" * 200_000),
}


@pytest.mark.parametrize(("name", "content"), STRANGE.values(), ids=STRANGE)
def test_what_we_did_not_write_is_in_the_way_before_the_work_and_stays(made, tmp_path, name, content):
    delivery = Delivery(tmp_path / "renders", names("frame_####"), SHOT)
    delivery.folder.mkdir()
    (delivery.folder / name).write_bytes(content)
    with pytest.raises(FolderError, match="move it away"):
        check_place(delivery.folder, delivery.names)
    if name == "frame_0007.exr":
        return  # beyond the bake's end, it comes to no harm
    with pytest.raises(FolderError, match="come in the way"):
        list(made.deliver(delivery))
    assert (delivery.folder / name).read_bytes() == content


def test_a_frame_of_ours_that_was_painted_over_stays_and_so_does_a_link(made, tmp_path):
    delivery = Delivery(tmp_path / "renders", names("frame_####"), SHOT)
    list(Made(tmp_path / "old", make="old").deliver(delivery))
    painted, link, precious = delivery.folder / "frame_0001.png", delivery.folder / "frame_0002.png", tmp_path / "precious.png"
    painted.write_bytes(b"painted over")
    link.rename(precious)
    link.symlink_to(precious)
    with pytest.raises(FolderError, match=r"frame_0001\.png"):
        check_place(delivery.folder, delivery.names)
    with pytest.raises(FolderError, match="come in the way"):
        list(made.deliver(delivery))
    assert painted.read_bytes() == b"painted over"
    assert precious.read_bytes() == frame(2, "old")
    assert link.is_symlink()


@pytest.mark.parametrize("steps", range(1, 8))
def test_a_delivery_that_was_broken_off_anywhere_is_ours_to_replace(made, tmp_path, steps):
    delivery = Delivery(tmp_path / "renders", names("frame_####"), SHOT)
    list(Made(tmp_path / "old", count=5, make="old").deliver(delivery))
    moving = made.deliver(delivery)
    for _ in range(steps):
        next(moving, None)
    moving.close()
    check_place(delivery.folder, delivery.names)
    list(Made(tmp_path / "again", count=2).deliver(delivery))
    assert sorted(path.name for path in delivery.folder.iterdir()) == ["frame_0001.png", "frame_0002.png", "job.json"]


def test_a_bake_that_was_broken_off_has_no_manifest(made, tmp_path):
    delivery = Delivery(tmp_path / "renders", names("frame_####"), SHOT)
    list(Made(tmp_path / "old", make="old").deliver(delivery))
    steps = made.deliver(delivery)
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
    list(made.deliver(Delivery(target, names("frame_####"), SHOT)))
    assert (target / "frame_0003.png").read_bytes() == b"new 3"
    assert not list(made.left())
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
        list(made.deliver(Delivery(target, names("frame_####"), SHOT)))
    there = sorted(path.name for path in target.glob("[!.]*"))
    assert there == [f"frame_{number:04d}.png" for number in range(1, nth)]
    assert all((target / name).read_bytes().startswith(b"new ") for name in there)
    assert len(list(made.left())) == 3 - len(there)


@pytest.mark.parametrize(("fps", "seconds", "frames"), [(24.0, 2.0, 48), (30 / 1.001, 1.0, 30), (25.0, 0.01, 2)])
def test_seconds_are_counted_in_the_scenes_frames(fps, seconds, frames):
    assert Shot(fps, 1).frames_in(seconds) == frames
