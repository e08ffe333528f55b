"""Figures: what they need is asked for in a sentence, and what they show stands beside them in numbers."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ipoke_models.errors import ModelError
from ipoke_models.evaluation.__main__ import main
from ipoke_models.evaluation.figures import correlation
from ipoke_models.evaluation.figures.stills import read_still


@pytest.fixture
def still(tmp_path: Path) -> Path:
    """A wide picture with a bright square in its right half."""
    picture = np.random.default_rng(0).integers(0, 90, (100, 200, 3), np.uint8)
    picture[40:60, 140:160] = 255
    cv2.imwrite(str(tmp_path / "square.png"), picture)
    return tmp_path / "square.png"


def test_a_still_is_cut_to_a_square_about_its_arrow(still: Path) -> None:
    poked = read_still(f"{still}@0.75,0.5:0.85,0.4", 50)
    row, column = poked.place
    assert poked.x0.shape == (3, 50, 50)
    assert float(poked.x0[:, row, column].min()) > 0.9
    # 0.1 of a width of 200 px is 0.2 of the square's 100
    assert poked.pokes[0][2:] == pytest.approx([0.2, -0.1])


@pytest.mark.parametrize(
    ("arrow", "sentence"),
    [("0.5,0.5", "names no still"), ("0.0,0.5:1.0,0.5", "inside a square"), ("0.5,0.5:0.5,0.5", "have a length")],
)
def test_an_arrow_that_can_not_be_used_is_refused_in_a_sentence(still: Path, arrow: str, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        read_still(f"{still}@{arrow}", 64)


def test_a_file_that_is_no_picture_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="The image can't be opened"):
        read_still(f"{tmp_path / 'nothing.png'}@0.4,0.5:0.5,0.5", 64)


def test_all_figures_are_drawn_and_their_numbers_kept(
    clips: Path, folder: Path, still: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correlation, "POKES", 4)
    target = tmp_path / "figures"
    arguments = [str(folder / "tiny"), str(clips), "--count", "2", "--figures", str(target)]
    poked = f"{still}@0.75,0.5:0.85,0.4"
    assert main([*arguments, "--still", poked, "--place", poked]) == 0
    for name in ("more_pokes.png", "transfer.png", "correlation.png", "contact_sheet.png"):
        assert cv2.imread(str(target / name)).std() > 1
    numbers = json.loads((target / "figures.json").read_text())
    assert list(numbers["more_pokes"]) == ["1", "2", "3", "4", "5"]
    assert numbers["more_pokes"]["1"]["picture_spread_levels"]["value"] > 0
    assert 0 <= numbers["correlation"]["square 0.50,0.50"]["follows_percent"] <= 100
    printed = capsys.readouterr().out
    for part in ("| 5 |", "Kinematics transfer", "square 0.50,0.50"):
        assert part in printed


def test_figures_without_matplotlib_are_refused_at_once(
    clips: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main([str(folder / "tiny"), str(clips), "--figures", str(tmp_path / "figures")]) == 2
    assert "pip install 'ipoke[evaluate]'" in capsys.readouterr().err
    assert not (tmp_path / "figures").exists()
