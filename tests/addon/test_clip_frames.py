from __future__ import annotations

import pytest

from blender_addon.core.errors import FolderError
from blender_addon.core.jobs.clip_frames import FrameRange, Timing, pictures, read
from blender_addon.core.jobs.folders import numbered_files


def test_a_clip_is_spread_from_first_to_last():
    assert FrameRange().spread(101, 11) == list(range(1, 102, 10))
    assert FrameRange().spread(3, 3) == [1, 2, 3]


def test_a_part_of_a_clip_keeps_its_ends():
    assert FrameRange(21, 41).spread(101, 3) == [21, 31, 41]
    assert FrameRange(91, 500).spread(101, 2) == [91, 101]


@pytest.mark.parametrize(("part", "have"), [(FrameRange(), 2), (FrameRange(2), 1), (FrameRange(5), 0), (FrameRange(2, 1), 0)])
def test_too_few_frames_are_a_sentence(part, have):
    with pytest.raises(FolderError, match=f"takes 11 frames, and there are {have}"):
        part.spread(2, 11)


def test_only_images_count_in_the_order_of_their_names(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt", "c.exr"):
        (tmp_path / name).write_bytes(name.encode())
    assert [path.name for path in pictures(tmp_path)] == ["a.JPG", "b.png", "c.exr"]
    assert read(pictures(tmp_path)) == (b"a.JPG", b"b.png", b"c.exr")
    assert pictures(tmp_path / "nowhere") == []


def test_an_image_that_is_gone_is_a_sentence(tmp_path):
    with pytest.raises(FolderError, match="choose another clip"):
        read([tmp_path / "gone.png"])


def test_a_clip_is_in_the_order_of_its_numbers_without_hidden_files(tmp_path):
    for name in ("f_10.png", "f_9.png", "._f_9.png", "f_-1.png", "f_9_thumb.png", "cover.png", ".DS_Store"):
        (tmp_path / name).touch()
    assert [path.name for path in pictures(tmp_path)] == ["f_-1.png", "f_9.png", "f_10.png"]


def test_several_sequences_in_one_folder_are_a_sentence(tmp_path):
    for name in ("a.1.png", "a.2.png", "b.1.png", "b.2.png"):
        (tmp_path / name).touch()
    with pytest.raises(FolderError, match=r"2 sequences \(a\.#\.png, b\.#\.png\); give each a folder of its own"):
        pictures(tmp_path)


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        ("sh010.1001.comp.png", ["sh010.1001.comp.png", "sh010.1002.comp.png", "sh010.1003.comp.png"]),
        ("f_8.png", ["f_8.png", "f_9.png", "f_10.png"]),
        ("frame_0001.png", ["frame_0001.png", "frame_0002.png", "frame_0003.png"]),
    ],
)
def test_a_sequence_goes_on_from_its_first_file(tmp_path, first, wanted):
    assert [path.name for path in numbered_files(tmp_path / first, 3)] == wanted


def test_a_sequence_without_a_number_is_one_file_or_a_sentence(tmp_path):
    assert numbered_files(tmp_path / "still.png", 1) == [tmp_path / "still.png"]
    with pytest.raises(FolderError, match=r"still\.png has no number to count on from"):
        numbered_files(tmp_path / "still.png", 2)


@pytest.mark.parametrize(
    ("timing", "shown"),
    [
        (Timing(24, 1, 1000, cyclic=False), {-3: 1000, 0: 1000, 1: 1001, 5: 1005, 24: 1024, 60: 1024}),
        (Timing(5, 1, 0, cyclic=True), {-4: 1, 0: 5, 1: 1, 5: 5, 6: 1, 13: 3}),
        (Timing(24, 1, -1, cyclic=False), {13: 12}),
        (Timing(0, 1, 7, cyclic=False), {1: 0}),
    ],
)
def test_a_sequence_is_played_as_blender_plays_it(timing, shown):
    assert {frame: timing.number(frame) for frame in shown} == shown
