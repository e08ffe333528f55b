"""A file is written whole, to a free name or in the place of one of its own kind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from backend.commands.errors import UsageError
from backend.commands.output_file import OutputFile
from backend.kinematics_file import read_kinematics, write_kinematics
from ipoke_values.names import KINEMATICS_SUFFIX
from tests.backend.test_kinematics_file import RESIDUAL, kinematics

OURS = write_kinematics(kinematics())
NEWER = write_kinematics(kinematics(RESIDUAL * 2))


def opened(target: Path, *, replace: bool = False) -> OutputFile:
    return OutputFile(target, KINEMATICS_SUFFIX, replace=replace, check=read_kinematics, most_bytes=1_000_000)


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / f"sway{KINEMATICS_SUFFIX}"


def test_a_new_file_is_written_and_nothing_else_is_left(target):
    assert opened(target).write(OURS) == target
    assert target.read_bytes() == OURS
    assert list(target.parent.iterdir()) == [target]


def test_a_file_of_its_kind_gives_way_only_when_the_command_says_so(target):
    target.write_bytes(OURS)
    with pytest.raises(UsageError, match="--replace"):
        opened(target)
    assert target.read_bytes() == OURS
    assert opened(target, replace=True).write(NEWER) == target
    assert target.read_bytes() == NEWER


@pytest.mark.parametrize("content", [b"my notes", b"", OURS[:-4], OURS + b"more"])
def test_anything_else_stays(target, content):
    target.write_bytes(content)
    with pytest.raises(UsageError, match="stays"):
        opened(target, replace=True)
    assert target.read_bytes() == content


@pytest.mark.parametrize("replace", [False, True])
def test_a_file_that_somebody_puts_there_meanwhile_stays(target, replace):
    if replace:
        target.write_bytes(OURS)
    output = opened(target, replace=replace)
    target.write_bytes(b"mine")
    assert output.write(NEWER).name == f"sway-2{KINEMATICS_SUFFIX}"
    assert target.read_bytes() == b"mine"
    assert target.with_name(f"sway-2{KINEMATICS_SUFFIX}").read_bytes() == NEWER


def test_a_link_stays_a_link(target, tmp_path):
    (tmp_path / "disk").mkdir()
    target.symlink_to(tmp_path / "disk" / "real")
    assert opened(target).write(OURS) == target
    assert opened(target, replace=True).write(NEWER) == target
    assert target.is_symlink()
    assert (tmp_path / "disk" / "real").read_bytes() == NEWER


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "no folder", "suffix", "long"])
def test_what_can_not_be_written_is_refused_at_once(tmp_path, target, kind):
    if kind == "folder":
        target.mkdir()
    elif kind == "pipe":
        os.mkfifo(target)
    elif kind == "loop":
        target.symlink_to(target)
    elif kind == "no folder":
        target = tmp_path / "no" / target.name
    elif kind == "suffix":
        target = tmp_path / "sway.txt"
    else:
        target = tmp_path / ("n" * 300 + KINEMATICS_SUFFIX)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError):
        opened(target, replace=True)
    assert sorted(tmp_path.iterdir()) == before
