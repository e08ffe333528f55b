"""Footage is decoded, cropped and cut into clips whose flow says where things went."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ipoke_models.data.footage.clips import Square, footage_clip, foreground, scan, windows
from ipoke_models.data.footage.layouts import Crop
from ipoke_models.data.footage.sources import Source, find_sources, read_frames, why_ended
from ipoke_models.data.optical_flow import dis_flow, flow_estimator, visible_places
from tests.data.small_footage import moving_square, write_pictures, write_video


@pytest.mark.parametrize("name", ["clip.avi", "clip.mp4", "pictures"])
def test_a_video_and_a_folder_of_pictures_hold_their_frames_in_order(tmp_path: Path, name: str) -> None:
    frames = moving_square(12)
    if "." in name:
        write_video(tmp_path / name, frames)
    else:
        write_pictures(tmp_path / name, frames)
    read = list(read_frames(find_sources(tmp_path)[0]))
    assert len(read) == 12
    assert np.abs(np.stack(read).astype(int) - frames).mean() < 6


def test_frames_end_where_a_picture_is_broken_or_of_another_size(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "take", moving_square(8))
    (folder / "6.png").write_bytes(b"no picture")
    assert len(list(read_frames(find_sources(tmp_path)[0]))) == 5
    cv2.imwrite(str(folder / "4.png"), np.zeros((9, 9, 3), np.uint8))
    assert len(list(read_frames(find_sources(tmp_path)[0]))) == 3


def test_a_broken_video_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"not a video at all")
    assert scan(read_frames(Source("broken.mp4", tmp_path / "broken.mp4")), Crop.CENTRE) is None


def test_the_centre_crop_is_the_largest_square() -> None:
    found = scan(moving_square(3), Crop.CENTRE)
    assert found is not None
    assert (found.frames, found.square) == (3, Square(16, 0, 96))


def test_the_subject_crop_holds_all_that_moves_and_little_else() -> None:
    found = scan(moving_square(12, side_px=192), Crop.SUBJECT)
    assert found is not None
    square = found.square
    assert square.side < 110
    assert square.left <= 10
    assert square.left + square.side >= 10 + 11 * 2 + 32
    assert square.top <= 64
    assert square.top + square.side >= 64 + 32


def test_the_subject_crop_of_what_stands_still_is_the_centre() -> None:
    found = scan(moving_square(4, step_px=0), Crop.SUBJECT)
    assert found is not None
    assert found.square == Square(16, 0, 96)


def test_windows_overlap_and_step_without_decoding_twice() -> None:
    decoded = []

    def frames():
        for number in range(40):
            decoded.append(number)
            yield np.full((8, 8, 3), number, np.uint8)

    cut = list(windows(frames(), [0, 3, 20], [0, 2, 4], Square(0, 0, 8), 8))
    assert [[int(picture[0, 0, 0]) for picture in window] for window in cut] == [[0, 2, 4], [3, 5, 7], [20, 22, 24]]
    assert decoded == list(range(25))


def test_a_clip_of_footage_knows_how_its_square_moved() -> None:
    square = Square(0, 0, 96)
    pictures = [square.cut(frame, 256) for frame in moving_square(5)]
    clip = footage_clip(pictures, 64, dis_flow, people=False)
    inside = np.s_[24:40, 12:24]
    assert clip.frames.shape == (5, 64, 64, 3)
    assert clip.foreground is None
    for t in range(4):
        moved = 2 * (t + 1) * 64 / 96
        assert np.median(clip.forward[t][inside][..., 0]) == pytest.approx(moved, abs=0.3)
        assert np.median(clip.backward[t][24:40, 16:26][..., 0]) == pytest.approx(-moved, abs=0.3)
    assert np.abs(clip.forward[:, 56:]).mean() < 0.2
    assert clip.visible[:, :, :56].mean() > 0.9


def test_what_comes_out_from_behind_was_not_visible() -> None:
    backward, forward = np.zeros((100, 100, 2), np.float32), np.zeros((100, 100, 2), np.float32)
    forward[40:60, 40:60, 0] = 15
    backward[40:60, 55:75, 0] = -15
    seen = visible_places(backward, forward)
    assert seen[40:60, 57:73].all()
    assert not seen[42:58, 42:53].any()
    assert seen[:38].all()


def test_what_comes_in_over_the_border_was_not_visible() -> None:
    backward = np.full((50, 50, 2), (-10, 0), np.float32)
    seen = visible_places(backward, -backward)
    assert not seen[:, :10].any()
    assert seen[:, 10:].all()


def test_the_foreground_is_who_stands_in_the_middle() -> None:
    picture = np.full((128, 128, 3), (40, 90, 160), np.uint8)
    picture += np.random.default_rng(0).integers(0, 12, picture.shape, np.uint8)
    cv2.ellipse(picture, (64, 80), (22, 46), 0, 0, 360, (210, 60, 30), -1)
    found = foreground(picture, 64)
    assert found.shape == (64, 64)
    assert found[25:60, 25:39].mean() > 0.95
    assert found[:, :10].mean() < 0.05


def flow_of_ones(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.ones((*first.shape[:2], 2), np.float32)


def test_another_estimator_can_be_plugged_in_by_its_name() -> None:
    assert flow_estimator("dis") is dis_flow
    assert flow_estimator("tests.data.test_footage:flow_of_ones")(*moving_square(2)).max() == 1
    with pytest.raises(ValueError, match="no flow estimator 'nothing:here'"):
        flow_estimator("nothing:here")


def test_a_sequence_ends_where_frames_are_missing_and_says_which(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "take", moving_square(8))
    (folder / "5.png").unlink()
    (folder / "6.png").unlink()
    (source,) = find_sources(tmp_path)
    assert len(list(read_frames(source))) == 4
    assert why_ended(source, 4) == "the frames 5 to 6 are missing"
