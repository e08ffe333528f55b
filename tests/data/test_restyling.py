"""Copies of cut-outs in other colours."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ipoke_models.data.procedural.fresh import open_fresh
from ipoke_models.data.procedural.restyling import SIDE_PX, restyled
from ipoke_models.data.procedural.scene_source import SceneSource
from ipoke_models.data.store import ClipStore


def _cutout(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    picture = np.zeros((height, width, 4), np.uint8)
    cv2.ellipse(picture, (width // 2, height // 2), (width // 3, height // 3), 0, 0, 360, (60, 160, 220, 255), -1)
    picture[..., :3] = np.clip(picture[..., :3] + rng.normal(0, 20, (height, width, 3)), 0, 255)
    return picture


def test_copies_keep_the_outline_and_change_what_is_inside() -> None:
    rng = np.random.default_rng(0)
    cutout, photo = _cutout(rng, 120, 90), rng.integers(0, 255, (200, 300, 3), dtype=np.uint8)
    copies = restyled([cutout], [photo], 8)
    inside = cutout[..., 3] > 0
    means = [copy[inside][:, :3].mean(0) for copy in copies]
    assert all(np.array_equal(copy[..., 3], cutout[..., 3]) for copy in copies)
    assert np.ptp(means, axis=0).min() > 40
    assert min(np.abs(mean - cutout[inside][:, :3].mean(0)).max() for mean in means) > 10


def test_copies_are_the_same_each_time_and_small() -> None:
    cutouts = [_cutout(np.random.default_rng(1), 400, 300)]
    first, again = restyled(cutouts, [], 3), restyled(cutouts, [], 3)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert {copy.shape for copy in first} == {(SIDE_PX, round(SIDE_PX * 300 / 400), 4)}


@pytest.fixture
def stamps(tmp_path: Path) -> Path:
    folder = tmp_path / "stamps"
    folder.mkdir()
    for number in range(6):
        cv2.imwrite(str(folder / f"cutout{number}.png"), _cutout(np.random.default_rng(number), 120, 120))
    return folder


def test_fresh_clips_to_train_on_are_made_with_copies_and_held_out_ones_are_not(stamps: Path) -> None:
    options = argparse.Namespace(cutouts=stamps, photos=None, mocap=None, animated=None, restyled=2, device="cpu", processes=1)
    train, held_out = (open_fresh("garden:1:8", options, 32, 10, held_out=held_out) for held_out in (False, True))
    assert (train.info.restyled, held_out.info.restyled) == (2, 0)
    assert "training part: 12 cut-outs" in train.info.pictures
    assert "held-out part: 2 cut-outs" in held_out.info.pictures


def test_a_store_says_that_it_was_made_with_copies(stamps: Path, tmp_path: Path) -> None:
    plain, more = (SceneSource("garden", 1, 32, 10, stamps, restyled=copies).pictures.cutouts for copies in (0, 2))
    assert plain
    assert len(more) == 3 * len(plain)
    command = [
        sys.executable,
        "-m",
        "ipoke_models.data.procedural.generate",
        "-o",
        str(tmp_path / "clips"),
        "--count",
        "2",
        "--size",
        "32",
    ]
    subprocess.run([*command, "--cutouts", str(stamps), "--restyled", "2", "--processes", "1"], check=True)
    assert ClipStore(tmp_path / "clips").info.restyled == 2
    refused = subprocess.run([*command, "--restyled", "-1"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--restyled: -1 is no number of copies of each cut-out" in refused.stderr
