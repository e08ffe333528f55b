"""A clip for inversion: a video or a folder of images, evenly over time, and every fault in a sentence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.commands.clip_reading import read_clip
from backend.commands.errors import CommandError, UsageError
from tests.media.videos import counting, told, write


def pictures(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in zip(names, counting(len(names)), strict=True):
        assert cv2.imwrite(str(folder / name), picture[..., ::-1])
    return folder


def numbers(frames: tuple[bytes, ...]) -> list[int]:
    return [told(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)) for data in frames]


def test_a_video_is_read_evenly_from_its_first_to_its_last_frame(tmp_path, capsys):
    file = write(tmp_path / "clip.mp4", counting(9))
    assert numbers(read_clip(file, 5)) == [0, 2, 4, 6, 8]
    assert capsys.readouterr().err == ""


def test_a_video_whose_name_has_a_colon_is_read(tmp_path, monkeypatch):
    write(tmp_path / "clip.mp4", counting(3)).rename(tmp_path / "take:2.mp4")
    monkeypatch.chdir(tmp_path)
    assert numbers(read_clip(Path("take:2.mp4"), 3)) == [0, 1, 2]


def test_a_video_is_read_by_its_time_stamps(tmp_path):
    file = write(tmp_path / "clip.mp4", counting(6), times_ms=[0, 40, 80, 1000, 1040, 1080])
    assert numbers(read_clip(file, 3)) == [0, 2, 5]


def test_a_video_that_is_cut_off_says_what_that_costs(tmp_path, capsys):
    whole = write(tmp_path / "a.mp4", counting(20, 320, 240), options={"g": "1"}, container_options={"movflags": "+faststart"})
    (tmp_path / "half.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    frames = numbers(read_clip(tmp_path / "half.mp4", 4))
    assert frames[0] == 0
    assert frames[-1] > 4
    assert f"what follows is left out. The motion ends there, after {frames[-1] + 1} frames." in capsys.readouterr().err


@pytest.mark.parametrize(
    "names",
    [
        ("sh010.998.comp.png", "sh010.999.comp.png", "sh010.1000.comp.png"),
        ("f_-1.png", "f_0.png", "f_1.png"),
        ("9.png", "10.png", "11.png"),
    ],
)
def test_a_folder_is_read_in_the_order_of_its_numbers_without_hidden_files(tmp_path, names):
    folder = pictures(tmp_path / "take", *names)
    for name in names:
        (folder / f"._{name}").write_bytes(b"\0\5\x16\7")
    assert numbers(read_clip(folder, 3)) == [0, 1, 2]


def test_several_sequences_in_one_folder_are_a_sentence(tmp_path):
    folder = pictures(pictures(tmp_path / "take", "a.1.png", "a.2.png"), "b.1.png", "b.2.png")
    with pytest.raises(UsageError, match=r"2 sequences \(a\.#\.png, b\.#\.png\)"):
        read_clip(folder, 2)


def test_missing_frames_are_named_and_bridged(tmp_path, capsys):
    folder = pictures(tmp_path / "take", "f1.png", "f2.png", "f3.png", "f7.png")
    assert numbers(read_clip(folder, 4)) == [0, 2, 2, 3]
    assert "the frames 4 to 6 are missing; f3.png stands for what is not there" in capsys.readouterr().err


def test_a_damaged_picture_is_named(tmp_path):
    folder = pictures(tmp_path / "take", "f1.png", "f2.png", "f3.png")
    (folder / "f2.png").write_bytes((folder / "f2.png").read_bytes()[:60])
    with pytest.raises(CommandError, match=r"f2\.png: .* The motion needs this frame\."):
        read_clip(folder, 3)


def test_too_short_a_clip_and_what_is_no_clip_are_sentences(tmp_path):
    with pytest.raises(UsageError, match="has 3 frames; the model needs 5"):
        read_clip(write(tmp_path / "clip.mp4", counting(3)), 5)
    with pytest.raises(UsageError, match="has 0 frames"):
        read_clip(pictures(tmp_path / "empty"), 5)
    (tmp_path / "list.mp4").write_text("#EXTM3U\nclip.mp4\n")
    with pytest.raises(UsageError, match="can't be read as a video"):
        read_clip(tmp_path / "list.mp4", 5)
    with pytest.raises(UsageError, match="there is no such file"):
        read_clip(tmp_path / "gone.mp4", 5)
