"""The record of a bake that is not whole: what it tells after every kind of end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blender_addon._vendor.client import FrameArrived, Poke, Sampling, VariantDone
from blender_addon.core.jobs import unfinished
from blender_addon.core.jobs.unfinished import RECORD, UnfinishedBake

from .fakes import request

ASKED = replace(request(), samples=1)


def image(t: int) -> bytes:
    return f"frame {t}".encode()


def sha256(t: int) -> str:
    return hashlib.sha256(image(t)).hexdigest()


def write(waiting: Path, first: int, last: int) -> UnfinishedBake:
    writer = UnfinishedBake(waiting, unfinished.resumed(ASKED, waiting))
    for t in range(first, last + 1):
        writer.frame(FrameArrived("job", 0, t, image(t)))
    return writer


@pytest.fixture
def waiting(tmp_path) -> Path:
    """Five frames of a bake."""
    folder = unfinished.folder(tmp_path, ASKED)
    write(folder, 1, 5).abort()
    return folder


def kept(waiting: Path) -> int:
    return len(unfinished.resumed(ASKED, waiting).kept)


def test_all_but_the_last_frame_are_kept(waiting):
    assert unfinished.resumed(ASKED, waiting).kept == tuple(map(sha256, range(1, 5)))


def test_nothing_is_kept_where_nothing_is(tmp_path):
    assert kept(tmp_path / "nowhere") == 0


def cut(record: Path, frames: Path) -> None:
    record.write_bytes(record.read_bytes()[:-3])


def garble(record: Path, frames: Path) -> None:
    record.write_text("this is no record")


def lose(record: Path, frames: Path) -> None:
    (frames / "frame_0003.png").unlink()


def empty(record: Path, frames: Path) -> None:
    (frames / "frame_0003.png").write_bytes(b"")


@pytest.mark.parametrize(("harm", "left"), [(cut, 3), (garble, 0), (lose, 1), (empty, 1)])
def test_what_a_crash_has_harmed_is_made_again(waiting, harm: Callable[[Path, Path], None], left):
    harm(waiting / RECORD, waiting / "variant_00")
    assert kept(waiting) == left
    write(waiting, left + 1, 5)
    assert kept(waiting) == 4


def test_frames_that_come_twice_are_noted_once(waiting):
    write(waiting, 5, 6)
    write(waiting, 6, 7)
    writer = UnfinishedBake(waiting, unfinished.resumed(ASKED, waiting))
    for t in (7, 8, 7, 8, 9):  # the backend's worker was restarted in between
        writer.frame(FrameArrived("job", 0, t, image(t)))
    assert unfinished.resumed(ASKED, waiting).kept == tuple(map(sha256, range(1, 9)))
    assert writer.variant_done(VariantDone("job", 0, tuple(map(sha256, range(1, 10)))))


def test_a_bake_that_arrived_damaged_leaves_nothing(waiting):
    assert not write(waiting, 5, 6).variant_done(VariantDone("job", 0, ("0" * 64,) * 6))
    assert not waiting.exists()


@pytest.mark.parametrize(
    "changes",
    [{"sampling": Sampling(8)}, {"depth_bits": 16}, {"plate": b"another"}, {"pokes": (Poke(0.5, 0.5, 0.0, 0.1),)}, {"first": 1}],
)
def test_another_request_waits_elsewhere(tmp_path, changes):
    assert unfinished.folder(tmp_path, replace(ASKED, **changes)) != unfinished.folder(tmp_path, ASKED)


def test_the_same_request_waits_in_one_place_whatever_its_job_and_what_is_kept(tmp_path):
    again = replace(ASKED, job_id="other", kept=(sha256(1),))
    assert unfinished.folder(tmp_path, again) == unfinished.folder(tmp_path, ASKED)


def test_another_version_of_the_product_starts_anew(tmp_path, monkeypatch):
    before = unfinished.folder(tmp_path, ASKED)
    monkeypatch.setattr(unfinished, "PRODUCT_VERSION", "9.9.9")
    assert unfinished.folder(tmp_path, ASKED) != before


@pytest.fixture
def bake(tmp_path) -> Path:
    """A folder of bakes below a root of results, with three frames of one that was broken off."""
    folder = tmp_path / "ipoke/leaf/job/bake"
    write(unfinished.folder(folder, ASKED), 1, 3)
    return folder


def test_what_waits_for_other_requests_goes_and_whole_bakes_stay(bake, tmp_path):
    whole = bake / "variant_00"
    whole.mkdir()
    other = unfinished.folder(bake, replace(ASKED, sampling=replace(ASKED.sampling, seed=8)))
    write(other, 1, 2)
    unfinished.remove_others([bake, tmp_path / "nowhere"], {other}, [tmp_path / "ipoke"])
    assert sorted(bake.iterdir()) == sorted([whole, other])


def test_what_the_record_does_not_name_stays_where_a_bake_waits(bake, tmp_path):
    (waiting,) = bake.glob(".*")
    (waiting / "notes.txt").write_text("mine")
    (waiting / "variant_00/frame_0002.png").write_bytes(b"painted over")
    (bake / ".abcdef012345").mkdir()
    (bake / ".abcdef012345/frames.txt").write_text("mine too")
    (bake / ".git").mkdir()
    (bake / ".git/config").write_text("mine")
    unfinished.remove_others([bake], set(), [tmp_path / "ipoke"])
    assert sorted(path.name for path in waiting.rglob("*.*")) == ["frame_0002.png", "frames.txt", "notes.txt"]
    assert (bake / ".git/config").read_text() == "mine"
    assert (bake / ".abcdef012345/frames.txt").read_text() == "mine too"


def test_outside_our_roots_and_behind_links_nothing_goes(bake, tmp_path):
    kept = sorted(tmp_path.rglob("*"))
    link = tmp_path / "results/leaf"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "ipoke/leaf")
    hostile = [bake, link / "job/bake", tmp_path / "results/../ipoke/leaf/job/bake"]
    unfinished.remove_others(hostile, set(), [tmp_path / "results", tmp_path / "elsewhere"])
    assert set(kept) <= set(tmp_path.rglob("*"))


def test_a_bake_that_is_discarded_leaves_what_others_put_there(waiting):
    (waiting / "notes.txt").write_text("mine")
    write(waiting, 5, 6).discard()
    assert [path.name for path in waiting.iterdir()] == ["notes.txt"]
