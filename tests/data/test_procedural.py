"""Procedural clips are reproducible and their flow is the truth about their frames."""

import cv2
import numpy as np
import pytest

from ipoke_models.data.pictures import PictureError, Pictures, is_held_out, load_pictures
from ipoke_models.data.procedural.clips import Clip, procedural_clip


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """One painted cut-out and one painted photograph."""
    rng = np.random.default_rng(0)
    cutout = np.zeros((200, 120, 4), np.uint8)
    cv2.ellipse(cutout, (60, 100), (50, 90), 0, 0, 360, (40, 160, 220, 255), -1)
    cutout[..., :3] = np.clip(cutout[..., :3] + rng.integers(-30, 30, (200, 120, 1)), 0, 255)
    photo = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8).astype(np.uint8), (320, 240), interpolation=cv2.INTER_CUBIC)
    return Pictures((cutout,), (photo,))


def _clips(pictures: Pictures, count: int) -> list[Clip]:
    return [procedural_clip(5, index, pictures) for index in range(count)]


def test_the_same_number_is_the_same_clip(pictures: Pictures) -> None:
    once, again = procedural_clip(5, 3, pictures), procedural_clip(5, 3, pictures)
    assert np.array_equal(once.frames, again.frames)
    assert np.array_equal(once.forward, again.forward)
    assert not np.array_equal(once.frames, procedural_clip(5, 4, pictures).frames)


def test_shapes_and_ranges(pictures: Pictures) -> None:
    clip = procedural_clip(5, 0, pictures)
    assert clip.frames.shape == (11, 64, 64, 3)
    assert clip.frames.dtype == np.uint8
    assert clip.backward.shape == clip.forward.shape == (10, 64, 64, 2)
    assert np.isfinite(clip.backward).all()
    assert np.isfinite(clip.forward).all()


def test_warping_x0_by_the_backward_flow_gives_the_frame_where_it_can_be_seen(pictures: Pictures) -> None:
    errors = []
    for clip in _clips(pictures, 12):
        rows, columns = np.mgrid[:64, :64].astype(np.float32)
        for t in (3, 9):
            origin = np.stack([columns, rows], -1) + clip.backward[t]
            warped = cv2.remap(clip.frames[0], origin[..., 0], origin[..., 1], cv2.INTER_LINEAR)
            errors.append(np.abs(warped.astype(float) - clip.frames[t + 1])[clip.visible[t]].mean())
    assert np.mean(errors) < 1.5


def test_forward_and_backward_flow_agree_where_both_are_seen(pictures: Pictures) -> None:
    disagreement = []
    for clip in _clips(pictures, 12):
        there = clip.forward[-1]
        places = np.argwhere(np.linalg.norm(there, axis=-1) > 1)
        for row, column in places[:: max(1, len(places) // 20)]:
            target = np.round(np.array([column, row]) + there[row, column]).astype(int)
            if (target >= 0).all() and (target < 64).all() and clip.visible[-1][target[1], target[0]]:
                disagreement.append(np.linalg.norm(clip.backward[-1][target[1], target[0]] + there[row, column]))
    assert len(disagreement) > 50
    assert np.median(disagreement) < 0.6


def test_plants_need_no_pictures() -> None:
    clip = procedural_clip(1, 0, Pictures())
    assert clip.moving.any()


def test_a_fifth_of_the_names_is_held_out() -> None:
    share = np.mean([is_held_out(f"picture{number}.png") for number in range(2000)])
    assert 0.17 < share < 0.23


def test_a_folder_without_cutouts_is_refused_in_a_sentence(tmp_path: object) -> None:
    with pytest.raises(PictureError, match="No cut-outs"):
        load_pictures(tmp_path, None, held_out=False)
