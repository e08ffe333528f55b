"""What is private is this user's alone, under any umask, and nothing of anybody else's is touched on the way."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.client.private_files import (
    PrivateFileError,
    check_private_folder,
    keeps_others_out,
    make_private_folder,
    open_private,
    write_private,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="owners and modes are POSIX's")
NOBODY = 65534


@pytest.fixture(params=[0o000, 0o022, 0o277, 0o777], ids=oct)
def umask(request) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def given_away(path: Path) -> Path:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, NOBODY, NOBODY)
    return path


def test_a_folder_and_those_above_it_are_closed_under_any_umask(tmp_path, umask):
    make_private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_a_folder_that_is_there_is_closed_and_keeps_its_files(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "file").write_text("mine")
    with pytest.raises(PrivateFileError, match="chmod 700"):
        check_private_folder(folder)
    make_private_folder(folder)
    check_private_folder(folder)
    assert mode(folder) == 0o700
    assert (folder / "file").read_text() == "mine"


@pytest.mark.parametrize("check", [make_private_folder, check_private_folder])
def test_a_link_a_file_and_somebody_elses_folder_are_no_private_folder(tmp_path, check):
    (tmp_path / "real").mkdir()
    (tmp_path / "real").chmod(0o755)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    for name, words in (("link", "is a link"), ("file", "is no folder")):
        with pytest.raises(PrivateFileError, match=words):
            check(tmp_path / name)
    assert mode(tmp_path / "real") == 0o755
    with pytest.raises(PrivateFileError, match="belongs to another user"):
        check(given_away(tmp_path / "real"))


def test_a_folder_that_does_not_exist_needs_no_check(tmp_path):
    check_private_folder(tmp_path / "nothing")


def test_a_shared_folder_is_safe_only_where_others_can_not_move_what_is_in_it(tmp_path):
    for wanted, safe in ((0o700, True), (0o755, True), (0o777, False), (0o775, False), (0o1777, True)):
        tmp_path.chmod(wanted)
        assert keeps_others_out(tmp_path) is safe
    assert not keeps_others_out(tmp_path / "nothing")
    tmp_path.chmod(0o755)
    assert not keeps_others_out(given_away(tmp_path))


def test_a_private_file_is_closed_under_any_umask(tmp_path, umask):
    os.close(open_private(tmp_path / "log", os.O_RDWR))
    write_private(tmp_path / "new" / "keys", "secret")
    assert [mode(tmp_path / name) for name in ("log", "new", "new/keys")] == [0o600, 0o700, 0o600]


def test_no_link_is_followed_no_pipe_waited_for_and_nobody_elses_file_opened(tmp_path):
    (tmp_path / "target").write_text("kept")
    (tmp_path / "target").chmod(0o644)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="link"):
        open_private(tmp_path / "link", os.O_RDWR)
    with pytest.raises(PrivateFileError, match="no regular file"):
        open_private(tmp_path / "pipe", os.O_RDWR)
    assert mode(tmp_path / "target") == 0o644
    with pytest.raises(PrivateFileError, match="belongs to another user"):
        open_private(given_away(tmp_path / "target"), os.O_RDWR)


def test_what_is_there_is_not_overwritten_unless_that_is_asked_for(tmp_path):
    file = tmp_path / "keys"
    file.write_text("mine")
    with pytest.raises(PrivateFileError, match="is not overwritten"):
        write_private(file, "other")
    assert file.read_text() == "mine"
    write_private(file, "other", replace=True)
    assert file.read_text() == "other"
    file.unlink()
    file.symlink_to(tmp_path / "nowhere")
    with pytest.raises(PrivateFileError, match="is not overwritten"):
        write_private(file, "other")
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_a_place_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PrivateFileError, match="choose another"):
        write_private(tmp_path / "file" / "keys", "secret")
