from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ipoke_models.data.pictures import is_held_out
from tests.segmenters import save_small_segmenter


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """Cut-outs, photographs and masks, five names of each part."""
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for folder in ("cutouts/animals", "photos", "masks"):
        (root / folder).mkdir(parents=True)
    for held_out in (False, True):
        names = [f"tuxpaint-stamps__thing-{n}" for n in range(100)]
        for stem in [name for name in names if is_held_out(f"{name}.png") == held_out][:5]:
            cutout = np.zeros((120, 110, 4), np.uint8)
            cv2.ellipse(cutout, (55, 55), (42, 45), 0, 0, 360, (*map(int, rng.integers(40, 255, 3)), 255), -1)
            cv2.rectangle(cutout, (50, 90), (56, 119), (30, 30, 30, 255), -1)
            assert cv2.imwrite(str(root / "cutouts/animals" / f"{stem}.png"), cutout)
        stems = [stem for stem in (f"scene-{n}" for n in range(100)) if is_held_out(f"{stem}.jpg") == held_out][:5]
        for number, stem in enumerate(stems):
            photo = cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (200, 150), interpolation=cv2.INTER_CUBIC)
            mask = cv2.circle(np.zeros((150, 200), np.uint8), (100, 75), 40, 255, -1)
            assert cv2.imwrite(str(root / "photos" / f"{stem}.jpg"), photo)
            if number < 2:
                assert cv2.imwrite(str(root / "masks" / f"{stem}.png"), mask)
    return root


@pytest.fixture(scope="session")
def photographs(tmp_path_factory) -> Path:
    """Two pictures with the masks of their things, a disc and a bar, and things.json."""
    root = tmp_path_factory.mktemp("photographs")
    for name, colour in (("disc", (40, 40, 220)), ("bar", (220, 120, 30))):
        mask = np.zeros((96, 128), np.uint8)
        if name == "disc":
            cv2.circle(mask, (64, 48), 30, 255, -1)
        else:
            cv2.rectangle(mask, (30, 36), (98, 60), 255, -1)
        photo = np.where(mask[..., None] > 0, np.array(colour), np.array((90, 200, 90))).astype(np.uint8)
        assert cv2.imwrite(str(root / f"{name}.jpg"), photo)
        assert cv2.imwrite(str(root / f"{name}.mask.png"), mask)
    entries = [{"name": name, "click": [0.5, 0.5]} for name in ("disc", "bar")]
    (root / "things.json").write_text(json.dumps(entries), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    return save_small_segmenter(tmp_path_factory.mktemp("segmenters") / "small", "small")
