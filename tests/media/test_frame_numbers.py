"""Frame numbers: found as Blender finds them, in the order of the numbers, hidden files and strangers left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipoke_media.frame_numbers import SequenceError, evenly, frame_name, gap, numbers, only_sequence, sequences


@pytest.mark.parametrize(
    ("name", "number", "sequence"),
    [
        ("f_0007.png", 7, ("f_", ".png")),
        ("f7.png", 7, ("f", ".png")),
        ("0007.exr", 7, ("", ".exr")),
        ("sh010.1001.comp.png", 1001, ("sh010.", ".comp.png")),
        (".0012.png", 12, (".", ".png")),
        ("_0012.png", 12, ("_", ".png")),
        ("f_-001.png", -1, ("f_", ".png")),
        ("-12.png", -12, ("", ".png")),
        ("shot-001.png", 1, ("shot-", ".png")),
        ("take 2 (13).png", 13, ("take 2 (", ").png")),
        ("0001", 1, ("", "")),
    ],
)
def test_the_last_group_of_digits_is_the_number(name: str, number: int, sequence: tuple[str, str]) -> None:
    found = frame_name(name)
    assert found is not None
    assert (found.number, found.sequence) == (number, sequence)


@pytest.mark.parametrize("name", ["frame.png", "", ".png", "a.mp4", "frame.v2"])
def test_a_name_without_digits_before_its_suffix_has_no_number(name: str) -> None:
    assert frame_name(name) is None


@pytest.mark.parametrize(
    ("name", "number", "wanted"),
    [
        ("sh010.1001.comp.png", 1002, "sh010.1002.comp.png"),
        ("f_0009.png", 10, "f_0010.png"),
        ("f9.png", 10, "f10.png"),
        ("f_005.png", -1, "f_-001.png"),
        ("f_99.png", 100, "f_100.png"),
    ],
)
def test_a_sequence_is_walked_along_as_blender_does(name: str, number: int, wanted: str) -> None:
    found = frame_name(name)
    assert found is not None
    assert found.at(number) == wanted


@given(st.text(max_size=12), st.integers(0, 10**6), st.integers(1, 7), st.sampled_from([".png", ".comp.exr", "_x.tif"]))
def test_a_name_is_what_is_read_in_it(head: str, number: int, width: int, tail: str) -> None:
    name = f"{head}.{number:0{width}d}{tail}"
    found = frame_name(name)
    assert found is not None
    assert found.at(found.counted) == name
    assert abs(found.number) == number


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("f_10.png", "f_9.png", "f_1.png"), ("f_1.png", "f_9.png", "f_10.png")),
        (("f_001.png", "f_-001.png", "f_-002.png", "f_000.png"), ("f_-002.png", "f_-001.png", "f_000.png", "f_001.png")),
        (("sh2.1002.a.png", "sh2.1001.a.png"), ("sh2.1001.a.png", "sh2.1002.a.png")),
        (("f_1.png", "f_2.png", "._f_1.png", "._f_2.png", ".DS_Store", "Thumbs.db"), ("f_1.png", "f_2.png")),
        (("f_1.png", "f_2.png", "f_1_thumb.jpg", "f_2_thumb.jpg", "Thumbs_1.png"), ("f_1.png", "f_2.png")),
        (("f_1.png", "f_2.png", "cover.jpg", "contact_sheet_3.png", "notes_1.txt"), ("f_1.png", "f_2.png")),
        (("b.png", "a.JPG", "c.exr"), ("a.JPG", "b.png", "c.exr")),
        (("take 10 b.png", "take 2 a.png"), ("take 2 a.png", "take 10 b.png")),
        (("thumb_war_1.png", "thumb_war_2.png"), ("thumb_war_1.png", "thumb_war_2.png")),
        (("notes.txt",), ()),
    ],
)
def test_a_folder_is_one_sequence_in_the_order_of_its_numbers(tmp_path: Path, names: tuple[str, ...], wanted: object) -> None:
    assert tuple(path.name for path in only_sequence(files(tmp_path, *names))) == wanted


def test_several_sequences_are_told_apart_and_refused_by_name(tmp_path: Path) -> None:
    folder = files(tmp_path, "a.1001.png", "a.1002.png", "b.1001.png", "b.1002.png", "a.1001.jpg", "a.1002.jpg")
    assert [len(found) for found in sequences(folder.iterdir())] == [2, 2, 2]
    with pytest.raises(SequenceError, match=r"3 sequences \(a\.####\.jpg, a\.####\.png, b\.####\.png\); give each"):
        only_sequence(folder)


def test_a_gap_is_found_where_the_step_changes() -> None:
    def named(*found: int) -> list[Path]:
        return [Path(f"f_{number:03d}.png") for number in found]

    assert gap(named(1, 2, 3)) is None
    assert gap(named(1, 3, 5, 7)) is None
    assert gap(named(1, 2, 3, 7, 8)) == (2, "the frames 4 to 6 are missing")
    assert gap(named(1, 3, 7)) == (1, "frame 5 is missing")
    assert gap([Path("a.png"), Path("b.png")]) is None
    assert numbers([Path("a.png"), Path("b.png")]) == [0, 1]


def test_frames_are_taken_evenly_over_time() -> None:
    assert evenly([0, 1, 2, 3, 4], 3) == [0, 2, 4]
    assert evenly([0.0, 0.1, 0.2, 1.0], 3) == [0, 2, 3]
    assert evenly([1001, 1002, 1003, 1011], 6) == [0, 2, 2, 2, 2, 3]
    assert evenly([5.0], 1) == [0]


@given(st.lists(st.floats(0, 1e5), min_size=2, max_size=50, unique=True), st.integers(2, 20))
def test_the_first_and_the_last_frame_are_always_taken(times: list[float], count: int) -> None:
    places = evenly(sorted(times), count)
    assert len(places) == count
    assert places == sorted(places)
    assert places[0] == 0 or sorted(times)[places[0]] - min(times) < 1
    assert places[-1] == len(times) - 1
