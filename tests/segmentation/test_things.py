"""The photographs with masks drawn by hand that segmenters and bodies are judged by (`tests/data/things`)."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from ipoke_models.data.pictures import is_held_out
from ipoke_models.segmentation.stock import is_kept

FOLDER = Path(__file__).parents[1] / "data" / "things"
THINGS = {entry["name"]: entry for entry in json.loads((FOLDER / "things.json").read_text(encoding="utf-8"))}
READ_IN_TRAINING = {".png", ".jpg", ".jpeg"}


@pytest.mark.parametrize("name", THINGS)
def test_no_training_sees_a_photograph_that_segmenters_are_judged_by(name):
    source = Path(THINGS[name]["source"].partition(",")[0])
    assert is_kept(source.name) or is_held_out(source.name) or source.suffix not in READ_IN_TRAINING


@pytest.mark.parametrize("name", THINGS)
def test_first_click_and_arrow_of_a_photograph_lie_on_its_thing(name):
    photo = cv2.imread(str(FOLDER / f"{name}.jpg"))
    mask = cv2.imread(str(FOLDER / f"{name}.mask.png"), cv2.IMREAD_GRAYSCALE)
    assert photo is not None
    assert mask is not None
    assert mask.shape == photo.shape[:2]
    assert set(mask.flat) == {0, 255}
    for x, y in (THINGS[name]["click"], THINGS[name]["tail"]):
        assert mask[int(y * mask.shape[0]), int(x * mask.shape[1])] == 255


def test_every_photograph_is_credited_and_none_lies_there_unlisted():
    credits = (FOLDER / "CREDITS.md").read_text(encoding="utf-8")
    assert {path.stem for path in FOLDER.glob("*.jpg")} == set(THINGS)
    assert {path.name.removesuffix(".mask.png") for path in FOLDER.glob("*.png")} == set(THINGS)
    for name, entry in THINGS.items():
        row = next(line for line in credits.splitlines() if line.startswith(f"| {name}.jpg |"))
        assert entry["source"] in row
        assert row.endswith(f"| {entry['licence']} |")
