from __future__ import annotations

import pytest

from blender_addon.core.clips import Part, pictures, read
from blender_addon.core.errors import FolderError


def test_a_clip_is_spread_from_first_to_last():
    assert Part().spread(101, 11) == list(range(1, 102, 10))
    assert Part().spread(3, 3) == [1, 2, 3]


def test_a_part_of_a_clip_keeps_its_ends():
    assert Part(21, 41).spread(101, 3) == [21, 31, 41]
    assert Part(91, 500).spread(101, 2) == [91, 101]


@pytest.mark.parametrize(("part", "have"), [(Part(), 2), (Part(2), 1), (Part(5), 0), (Part(2, 1), 0)])
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
