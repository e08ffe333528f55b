"""Whatever a .blend names, nothing outside our own roots is changed, and no other machine is spoken to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from blender_addon.core.errors import FolderError
from blender_addon.core.jobs import bakes, manifests, results_folder, trusted_paths, unfinished
from blender_addon.core.jobs.bakes import FileNames

UNC = ["\\\\host\\share\\job", "//host/share/job", "\\\\?\\UNC\\host\\share\\job", "//./pipe/x"]
ODD = ["", "relative/job", "C:job", "/a\0b", "/" + "x" * 300, "/a/" * 3000, "~/job", "..", "."]


@pytest.mark.parametrize("text", [*UNC, *ODD])
def test_what_no_file_of_this_machine_can_be_called_is_nowhere(text):
    assert trusted_paths.stored(text, (Path("/home/artist/shot.blend"),)) == trusted_paths.NOWHERE
    assert not trusted_paths.is_folder(trusted_paths.NOWHERE)
    assert not trusted_paths.is_file(trusted_paths.NOWHERE / "variant_00/frame_0001.png")


def test_a_file_that_lies_on_a_server_finds_its_results_there():
    assert trusted_paths.stored("//studio/show/ipoke/leaf/0123", (Path("//Studio/show/shot.blend"),)) != trusted_paths.NOWHERE
    assert trusted_paths.stored("//other/show/ipoke/leaf/0123", (Path("//studio/show/shot.blend"),)) == trusted_paths.NOWHERE


@pytest.mark.parametrize("inside", ["leaf/0123", "leaf"])
def test_a_place_below_the_root_is_below_it_even_when_the_root_is_a_link(tmp_path, inside):
    (tmp_path / "disk").mkdir()
    (tmp_path / "ipoke").symlink_to(tmp_path / "disk")
    assert trusted_paths.is_below(tmp_path / "ipoke" / inside, tmp_path / "ipoke")


def test_a_link_on_the_way_and_a_step_up_are_not_below_the_root(tmp_path):
    (tmp_path / "ipoke").mkdir()
    (tmp_path / "ipoke/leaf").symlink_to(tmp_path)
    root = tmp_path / "ipoke"
    for path in (root / "leaf", root / "leaf/thesis", root / "../thesis", root, tmp_path, Path("/")):
        assert not trusted_paths.is_below(path, root), path


def test_a_free_name_is_reserved_and_nothing_is_replaced(tmp_path):
    wish = tmp_path / "wind.v2.kin.safetensors"
    wish.write_bytes(b"there already")
    assert trusted_paths.reserve(wish).name == "wind.v2_2.kin.safetensors"
    assert trusted_paths.reserve(wish).name == "wind.v2_3.kin.safetensors"
    assert wish.read_bytes() == b"there already"


def tree(folder: Path) -> dict[str, str]:
    """Every file and folder, with what is in it."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Path:
    """An artist's disk: work of his own that looks like ours, a pipe, links, and a root of results."""
    home = tmp_path_factory.mktemp("disk")
    sha256 = hashlib.sha256(b"precious").hexdigest()
    for folder in ("thesis", "thesis/bake/.0123456789ab", "thesis/bake/variant_00", "thesis/variant_00", "ipoke/leaf/job/bake"):
        (home / folder).mkdir(parents=True, exist_ok=True)
        (home / folder / "frame_0001.png").write_bytes(b"precious")
    (home / "thesis/bake/.0123456789ab/variant_00").mkdir()
    (home / "thesis/bake/.0123456789ab/variant_00/frame_0001.png").write_bytes(b"precious")
    (home / "thesis/bake/.0123456789ab/frames.txt").write_text(f"{sha256} 8 variant_00/frame_0001.png\n")
    (home / "thesis/job.json").write_text(json.dumps({"files": {"variant_00/frame_0001.png": sha256}}))
    os.mkfifo(home / "pipe")
    (home / "ipoke/link").symlink_to(home / "thesis")
    return home


PARTS = ["thesis", "ipoke", "link", "leaf", "job", "bake", ".0123456789ab", "variant_00"]
ODD_PARTS = ["pipe", "..", ".", "", "x" * 300, "a\0b"]
PATHS = st.lists(st.sampled_from(PARTS + ODD_PARTS), max_size=8).map("/".join)
NAMES = st.text(max_size=12) | st.sampled_from(["frame_", "../thesis/frame_", "", "/etc/"])


@pytest.mark.slow
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, name=NAMES)
@example(path="ipoke/link", name="frame_")
@example(path="thesis", name="frame_")
@example(path="ipoke/../thesis", name="frame_")
def test_whatever_is_named_a_disks_files_stay_byte_for_byte(disk, tmp_path, path, name):
    before = tree(disk)
    root, away = disk / "ipoke", tmp_path / "away"
    job = trusted_paths.stored(f"{disk}/{path}", (disk,))
    assert job == trusted_paths.NOWHERE or ".." not in job.parts
    names = FileNames(name, 4, 1, ".png")
    acts: tuple[Callable[[], object], ...] = (
        lambda: unfinished.remove_others([job / "bake"], set(), [root]),
        lambda: bakes.check_place(job, names) if "/" not in name else None,
        lambda: manifests.all_of(job),
        lambda: results_folder.contents(job),
        lambda: trusted_paths.is_below(job, root) and results_folder.copy(job, away),
    )
    for act in acts:
        with contextlib.suppress(FolderError):
            act()
    assert tree(disk) == before
