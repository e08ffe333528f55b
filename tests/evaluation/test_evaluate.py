"""`ipoke evaluate`: every row and table of a run, in Markdown and JSON, and sentences where something is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ipoke_models.checkpoint import save_model
from ipoke_models.evaluation.__main__ import main
from ipoke_models.evaluation.contestants import RECONSTRUCTION, STILL, TRUTH, TWIN, UNHELD, WARP
from ipoke_models.model import load_model
from ipoke_models.networks.whole import Networks
from tests.models import small


def test_all_rows_are_measured_on_the_same_clips(clips: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(folder / "tiny"), str(clips), "--count", "2", "--variants", "2", "--json", "--metrics", str(folder)]
    assert main([*arguments, "--quick", "--also", "garden-64", "--twin", str(folder)]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = document["rows"]
    assert list(rows) == ["tiny (warp)", "garden-64 (warp)", UNHELD, TWIN, WARP, STILL, RECONSTRUCTION, TRUTH]
    assert document["clips"] == 2
    assert rows[STILL]["tip_error_percent"]["value"] == pytest.approx(100, abs=1)
    assert rows[STILL]["background_drift_px"]["value"] == pytest.approx(0, abs=0.01)
    assert rows[TRUTH]["right_way_percent"]["value"] > 0
    for row in ("tiny (warp)", "garden-64 (warp)", TWIN):
        assert rows[row]["diversity_mse"]["low"] > 0
    for row in set(rows) - {TRUTH}:
        assert {"lpips", "ssim", "psnr_db"} <= set(rows[row])
        assert ("ahead_of_warp_lpips_percent" in rows[row]) == (row != WARP)
    assert "speed_distance_px" not in rows[WARP]
    assert document["left_out"] == []


def test_the_model_is_measured_with_each_variation_that_is_asked_for(
    clips: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["garden-64", str(clips), "--count", "2", "--variants", "2", "--json", "--quick", "--metrics", str(folder)]
    variations = ["0.1", f"{load_model('garden-64').config.variation:g}", "1"]
    assert main([*arguments, *(f"--variation={variation}" for variation in variations)]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    names = [f"variation {variation}" for variation in variations]
    assert list(rows)[1:4] == names
    assert rows[names[1]] == rows["garden-64 (warp)"]
    diversities = [rows[name]["diversity_mse"]["value"] for name in names]
    assert diversities == sorted(diversities)


def test_missing_weights_leave_out_their_columns_in_a_sentence(
    clips: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder / "tiny"), str(clips), "--count", "2", "--variants", "1"]) == 0
    printed = capsys.readouterr().out
    assert "Left out: LPIPS and FVD. No metric weights are named" in printed
    for heading in ("tip error", "SSIM", "earth mover's distance", "jump from the last frame"):
        assert heading in printed
    for heading in ("| FVD", "LPIPS (AlexNet)", "MSE between variants"):
        assert heading not in printed
    assert "| 0.000 (0.000 to 0.000) |" in next(line for line in printed.splitlines() if line.startswith(f"| {STILL}"))


def test_models_of_unlike_sizes_are_refused_in_a_sentence(
    clips: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    save_model(tmp_path / "large", Networks(small.model(128)), "large", "# large")
    assert main([str(folder / "tiny"), str(clips), "--also", str(tmp_path / "large")]) == 2
    assert "compare models of one size" in capsys.readouterr().err


def test_the_twin_of_another_model_is_refused_in_a_sentence(
    clips: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["garden-64", str(clips), "--twin", str(folder)]) == 2
    assert "The twin was trained beside a model of other sizes than 'garden-64'" in capsys.readouterr().err


def test_clips_in_which_nothing_moves_are_refused_in_a_sentence(
    clips: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still = shutil.copytree(clips, tmp_path / "still")
    flow = still / "shard_0000" / "poke_flow.npy"
    np.save(flow, np.zeros_like(np.load(flow)))
    for options in ([], ["--figures", str(tmp_path / "figures")]):
        assert main([str(folder / "tiny"), str(still), *options]) == 2
        assert "In no clip anything moves" in capsys.readouterr().err
