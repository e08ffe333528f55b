"""Files that are named on the command line are read as files, of a bounded size."""

from __future__ import annotations

import os
import sys

import pytest

from backend.commands.errors import UsageError
from backend.commands.inputs import read_file


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize(
    ("kind", "words"), [("pipe", "not a file"), ("device", "not a file"), ("folder", "not a file"), ("none", "No such")]
)
def test_what_is_no_file_is_refused_at_once(tmp_path, kind, words):
    path = tmp_path / "still.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(UsageError, match=words):
        read_file(path)


def test_a_file_beyond_its_bound_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UsageError, match="more than 1 MiB"):
        read_file(tmp_path / "huge", 2**20)


@pytest.mark.skipif(sys.platform == "win32", reason="names are text on Windows")
@pytest.mark.parametrize("name", [b"take:2.png", "植物.png".encode(), b"f\xff\xfe.png", b"new\nline.png", b"-o", b"n" * 255])
def test_names_of_all_kinds_are_read(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"pixels")
    assert read_file(path) == b"pixels"
