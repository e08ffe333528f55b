"""Results move beside the file whole or not at all, and nothing of anybody else's is taken along, replaced or removed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest

from blender_addon.core.errors import FolderError
from blender_addon.core.jobs import results_folder

FRAMES = ("variant_00/frame_0001.png", "variant_00/frame_0002.png")
BAKED = "leaf_1001.png"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def old(tmp_path) -> Path:
    """A job's results with a bake, and a note that the artist has put there."""
    job = tmp_path / "waiting/leaf/0123456789ab"
    for name in (*FRAMES, f"bake/variant_00/{BAKED}"):
        (job / name).parent.mkdir(parents=True, exist_ok=True)
        (job / name).write_bytes(name.encode())
    (job / "job.json").write_text(json.dumps({"files": {name: sha256(name.encode()) for name in FRAMES}}))
    told = {"files": {BAKED: sha256(f"bake/variant_00/{BAKED}".encode())}}
    (job / "bake/variant_00/leaf_job.json").write_text(json.dumps(told))
    (job / "notes.txt").write_text("mine")
    return job


@pytest.fixture
def new(tmp_path) -> Path:
    return tmp_path / "home/ipoke/leaf/0123456789ab"


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


OURS = {*FRAMES, "job.json", f"bake/variant_00/{BAKED}", "bake/variant_00/leaf_job.json"}


@pytest.fixture
def other_drive(monkeypatch) -> None:
    rename = os.rename

    def refuse(one: Path, other: Path) -> None:
        if Path(one).is_dir():
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(one, other)

    monkeypatch.setattr(os, "rename", refuse)


def test_on_one_drive_the_folder_moves_with_everything_in_it(old, new):
    results_folder.move(old, new, {})
    assert names(new) == OURS | {"notes.txt"}
    assert not old.exists()


def test_to_another_drive_ours_move_and_the_artists_stay(old, new, other_drive):
    (old / "variant_01").mkdir()
    (old / "variant_01/frame_0001.png").write_bytes(b"of a job that was cancelled")
    results_folder.move(old, new, {"variant_01/frame_0001.png": sha256(b"of a job that was cancelled")})
    assert names(new) == OURS | {"variant_01/frame_0001.png"}
    assert names(old) == {"notes.txt"}


def test_to_another_drive_nothing_is_left_of_a_folder_that_is_all_ours(old, new, other_drive):
    (old / "notes.txt").unlink()
    results_folder.move(old, new, {})
    assert not old.exists()


def test_a_copy_takes_what_is_ours_and_leaves_everything(old, new):
    results_folder.copy(old, new)
    assert names(new) == OURS
    assert names(old) == OURS | {"notes.txt"}


def test_where_something_is_already_nothing_moves(old, new):
    new.mkdir(parents=True)
    for act in (lambda: results_folder.move(old, new, {}), lambda: results_folder.copy(old, new)):
        with pytest.raises(FolderError, match="something is already"):
            act()
    assert names(old) == OURS | {"notes.txt"}
    assert not names(new)


def test_a_folder_without_a_manifest_of_ours_is_not_copied(old, new):
    (old / "job.json").write_text('{"files": {"../../../etc/passwd": "x", "notes.txt": 7}}')
    (old / "bake/variant_00/leaf_job.json").unlink()
    with pytest.raises(FolderError, match="no results that iPOKE knows"):
        results_folder.copy(old, new)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_full_disk_leaves_the_old_and_nothing_of_the_new(old, new, other_drive, monkeypatch, after):
    written, write = [], Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if len(written) == after:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(self)
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FolderError, match="No space left"):
        results_folder.move(old, new, {})
    assert names(old) == OURS | {"notes.txt"}
    assert not new.exists() or not names(new)


def test_results_that_cannot_move_stay(old, new, monkeypatch):
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(FolderError, match="they stay in"):
        results_folder.move(old, new, {})
    assert names(old) == OURS | {"notes.txt"}


TAKEN = ("mesh/thing.obj", "mesh/thing.png", "variant_01/mesh.pc2")


@pytest.fixture
def taken(old) -> Path:
    """The same, with a variant that was taken as a mesh."""
    folder = old / "taken/fedcba987654"
    for name in TAKEN:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "job.json").write_text(json.dumps({"files": {name: sha256(name.encode()) for name in TAKEN}}))
    (folder / "mesh/own.png").write_bytes(b"mine")
    return old


def test_what_was_taken_as_a_mesh_is_copied_along_and_moves_to_another_drive(taken, new, tmp_path, other_drive):
    wanted = OURS | {f"taken/fedcba987654/{name}" for name in (*TAKEN, "job.json")}
    results_folder.copy(taken, tmp_path / "copy")
    assert names(tmp_path / "copy") == wanted
    results_folder.move(taken, new, {})
    assert names(new) == wanted
    assert names(taken) == {"notes.txt", "taken/fedcba987654/mesh/own.png"}
