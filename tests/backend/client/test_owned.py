"""What may be removed in a folder of results: what we wrote and nobody has touched since."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from backend.client.owned import MANIFEST, is_sealed, manifest_of, move_new, read_regular, remove_owned, sealed

FRAME = "variant_00/frame_0001.png"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "out"
    files = {FRAME: b"one", "variant_00/frame_0002.png": b"two", "contact_sheet.png": b"sheet"}
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / MANIFEST).write_text(json.dumps({"files": {name: sha256(data) for name, data in files.items()}}))
    return folder


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_everything_goes_where_all_is_ours(folder):
    assert remove_owned(folder, manifest_of(folder))
    assert not folder.exists()


def test_what_lies_beside_our_files_stays(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "variant_00" / "painted.psd").write_text("mine")
    assert not remove_owned(folder, manifest_of(folder))
    assert left(folder) == ["notes.txt", "variant_00/painted.psd"]


def test_a_frame_that_was_painted_on_stays_and_the_manifest_with_it(folder):
    (folder / FRAME).write_bytes(b"painted")
    remove_owned(folder, manifest_of(folder))
    assert left(folder) == [MANIFEST, FRAME]


def test_no_link_is_followed(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("frame_0001.png", "frame_0002.png"):
        (folder / "variant_00" / name).rename(tmp_path / "elsewhere" / name)
    (folder / "variant_00").rmdir()
    (folder / "variant_00").symlink_to(tmp_path / "elsewhere")
    remove_owned(folder, manifest_of(folder))
    assert left(tmp_path / "elsewhere") == ["frame_0001.png", "frame_0002.png"]
    (tmp_path / "link").symlink_to(folder)
    assert not remove_owned(tmp_path / "link", manifest_of(folder))
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(
    "name",
    ["../precious.txt", "/etc/passwd", "variant_00/../../precious.txt", "notes.txt", "variant_00/notes.txt", "job.json", "", "."],
)
def test_a_manifest_names_only_what_we_write(folder, name):
    (folder.parent / "precious.txt").write_bytes(b"x")
    (folder / MANIFEST).write_text(json.dumps({"files": {name: sha256(b"x")}}))
    assert manifest_of(folder) == {}


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"files": [1]}', "[1]", '"files"', "", "\0", '{"files": {"contact_sheet.png": 1}}', "NaN"]
)
def test_a_strange_manifest_names_nothing(folder, text):
    (folder / MANIFEST).write_text(text)
    assert manifest_of(folder) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / MANIFEST)
    assert manifest_of(tmp_path) == {}
    with pytest.raises(OSError, match="not a file"):
        read_regular(tmp_path / MANIFEST, 10)


def test_a_file_beyond_its_bound_is_not_read(tmp_path):
    (tmp_path / "big").write_bytes(b"12345")
    assert read_regular(tmp_path / "big", 5) == b"12345"
    with pytest.raises(ValueError, match="more than 4 bytes"):
        read_regular(tmp_path / "big", 4)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_nobody_waits_for_a_pipe_in_the_place_of_a_frame(folder):
    (folder / FRAME).unlink()
    os.mkfifo(folder / FRAME)
    assert not remove_owned(folder, manifest_of(folder))
    assert left(folder) == [MANIFEST, FRAME]


@pytest.mark.parametrize("text", ['{"job_id": "of a version before"}', '{"files": {}}', "my own list of jobs"])
def test_a_job_file_that_is_not_ours_stays(folder, text):
    files = manifest_of(folder)
    (folder / MANIFEST).write_text(text)
    assert not remove_owned(folder, files)
    assert left(folder) == [MANIFEST]


def test_a_job_file_that_somebody_wrote_into_stays(folder):
    files = manifest_of(folder)
    manifest = sealed({"files": files, "seed": 7})
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=3))
    assert is_sealed(folder)
    (folder / MANIFEST).write_text(json.dumps({**manifest, "note": "this one for shot 12"}))
    assert not is_sealed(folder)
    assert not remove_owned(folder, files)
    assert left(folder) == [MANIFEST]


def test_a_manifest_as_we_wrote_it_goes_with_its_files(folder):
    (folder / MANIFEST).write_text(json.dumps(sealed({"files": manifest_of(folder), "seed": 7})))
    assert remove_owned(folder, manifest_of(folder))


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_a_file_is_moved_only_to_a_name_that_is_free(tmp_path, kind):
    source, target = tmp_path / "new", tmp_path / "target"
    source.write_text("new")
    if kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "away")
    with pytest.raises(FileExistsError):
        move_new(source, target)
    assert source.read_text() == "new"
    assert target.is_symlink() or target.read_text() == "mine"
    target.unlink()
    move_new(source, target)
    assert target.read_text() == "new"
    assert left(tmp_path) == ["target"]
