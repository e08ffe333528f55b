from __future__ import annotations

from pathlib import Path

import pytest

from blender_addon.core.clips import pictures, read, spread
from blender_addon.core.errors import FolderError


def test_a_clip_is_spread_from_first_to_last():
    shots = [Path(f"{number:03d}.png") for number in range(101)]
    assert [int(path.stem) for path in spread(shots, 11)] == list(range(0, 101, 10))
    assert spread(shots[:3], 3) == shots[:3]


def test_too_few_images_are_a_sentence():
    with pytest.raises(FolderError, match="takes 11 images, and there are 2"):
        spread([Path("a.png"), Path("b.png")], 11)


def test_only_images_count_in_the_order_of_their_names(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt", "c.exr"):
        (tmp_path / name).write_bytes(name.encode())
    assert [path.name for path in pictures(tmp_path)] == ["a.JPG", "b.png", "c.exr"]
    assert read(pictures(tmp_path)) == (b"a.JPG", b"b.png", b"c.exr")
    assert pictures(tmp_path / "nowhere") == []


def test_an_image_that_is_gone_is_a_sentence(tmp_path):
    with pytest.raises(FolderError, match="choose another clip"):
        read([tmp_path / "gone.png"])
