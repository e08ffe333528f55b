"""Animated cut-outs: their motion is read, those that can't be read are passed over, and each keeps to its side."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ipoke_models.data.pictures import PictureError, Pictures, load_pictures
from ipoke_models.data.procedural import animated
from ipoke_models.data.procedural.clips import render
from ipoke_models.data.procedural.recipes import scene_of

FRAMES, SIDE_PX, RADIUS_PX = 10, 128, 36


def _disc(centre: tuple[float, float], seed: int = 0) -> np.ndarray:
    """A disc of coarse noise around a place, BGRA."""
    noise = cv2.resize(np.random.default_rng(seed).integers(0, 255, (16, 16, 3), np.uint8), (SIDE_PX, SIDE_PX))
    shift = np.float32([[1, 0, centre[0] - 50], [0, 1, centre[1] - 64]])
    alpha = cv2.circle(np.zeros((SIDE_PX, SIDE_PX), np.uint8), (50, 64), RADIUS_PX, 255, -1)
    return cv2.warpAffine(np.dstack([noise, alpha]), shift, (SIDE_PX, SIDE_PX))


def _animation(folder: Path, pictures: list[np.ndarray], held_out: bool = False) -> tuple[Path, ...]:
    folder.mkdir(parents=True)
    (folder / "clip.json").write_text(json.dumps({"held_out": held_out}))
    files = tuple(folder / f"frame_{number:04d}.png" for number in range(len(pictures)))
    for file, picture in zip(files, pictures, strict=True):
        cv2.imwrite(str(file), picture)
    return files


def test_a_clip_moves_as_its_animation_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animated, "_EXAGGERATED", (1.0, 1.0))
    files = _animation(tmp_path / "disc", [_disc((50 + 2 * t, 64 + t)) for t in range(FRAMES + 1)])
    layer = animated._moving(np.random.default_rng(0), files, 64, FRAMES)
    assert layer is not None
    window, texture = layer.patch.within(64)
    places = np.argwhere(texture[..., 3] > 0.9)[:, ::-1] + [window[1].start, window[0].start]
    moved = layer.motion.forward(places.astype(np.float32), FRAMES) - places
    expected = np.arange(1, FRAMES + 1)[:, None] * np.array([2, 1]) * (layer.patch.texture.shape[1] / SIDE_PX)
    np.testing.assert_allclose(np.median(moved, axis=1), expected, atol=0.6)


def test_an_animation_whose_flow_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    files = _animation(tmp_path / "noise", [_disc((50, 64), seed) for seed in range(FRAMES + 1)])
    assert animated._moving(np.random.default_rng(0), files, 64, FRAMES) is None
    clip = render(scene_of("animated", 1, 0, Pictures(animations=(files,)), 64, FRAMES), 64, FRAMES)
    assert clip.moving.any()


def test_animations_are_read_from_the_side_that_their_note_says(tmp_path: Path) -> None:
    ours = _animation(tmp_path / "one", [_disc((50, 64))] * 2)
    theirs = _animation(tmp_path / "other", [_disc((50, 64))] * 3, held_out=True)
    assert load_pictures(None, None, held_out=False, animated=tmp_path).animations == (ours,)
    assert load_pictures(None, None, held_out=True, animated=tmp_path).animations == (theirs,)


def test_a_folder_without_animations_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "clip.json").write_text("no note")
    with pytest.raises(PictureError, match="--animated"):
        load_pictures(None, None, held_out=False, animated=tmp_path)
