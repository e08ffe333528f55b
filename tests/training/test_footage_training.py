"""`ipoke train` and `ipoke evaluate` go from a folder of videos to a model that samples."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ipoke_models import load_model
from ipoke_models.autoencoder import VideoAutoencoder
from ipoke_models.data.batches import draw, version, version_count
from ipoke_models.data.clips import open_training_clips
from ipoke_models.data.footage_store import FootageOptions
from ipoke_models.evaluation import __main__ as evaluation
from ipoke_models.training import __main__ as training
from ipoke_models.training.codes import encode_store
from ipoke_models.training.presets import PRESETS
from tests.data.small_footage import moving_square, write_video


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    for seed in range(3):
        write_video(folder / f"take {seed}.avi", moving_square(13, seed))
    return folder


@pytest.mark.timeout(400)
def test_a_folder_of_videos_becomes_a_model_that_samples_and_can_be_measured(
    footage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, cache = tmp_path / "smoke", ["--cache", str(tmp_path / "cache"), "--processes", "1"]
    work = ["--work", str(tmp_path / "work"), "--threads", "1"]
    assert training.main([str(footage), "-o", str(folder), "--preset", "smoke-64", *work, *cache]) == 0
    said = capsys.readouterr().err
    assert "train clips: shard 1 of 1" in said
    assert "held-out clips: shard 1 of 1" in said
    record = json.loads((tmp_path / "work" / "training.json").read_text())
    assert [entry["count"] for entry in record["train"]] == [2 * 3]
    assert record["command"].endswith("-o smoke --preset smoke-64 --seed 1")
    x0 = torch.zeros(3, 64, 64)
    assert load_model(folder).sample(x0, [[0.5, 0.5, 0.1, 0.0]], n=2).shape == (2, 10, 3, 64, 64)
    assert (
        evaluation.main([str(folder), str(footage), "--count", "2", "--variants", "2", "--card", str(tmp_path / "work"), *cache])
        == 0
    )
    assert "shard" not in capsys.readouterr().err
    card = load_model(folder).card
    assert "Footage, with estimated flow" in card
    assert "held-out part of footage" in card


def test_footage_is_refused_in_a_sentence_where_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        [str(tmp_path / "none"), "-o", "m"],
        [str(tmp_path), "-o", "m"],
        [str(tmp_path), "-o", "m", "--stride", "0"],
    ):
        assert training.main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_versions_of_augmented_clips_are_those_that_their_codes_were_made_of(footage: Path, tmp_path: Path) -> None:
    sizes = PRESETS["smoke-64"].networks.autoencoder
    options = FootageOptions(cache=tmp_path)
    store, held_out = open_training_clips([footage], None, sizes, options, augment=True)
    assert (version_count(store), version_count(held_out)) == (8, 2)
    indices, versions = np.array([0, 1, 2]), np.array([2, 7, 1])
    whole = version(store.batch(indices), indices, versions)
    conditions = version(store.conditions(indices), indices, versions)
    assert torch.allclose(whole.frames[:, :1], conditions.frames, atol=1e-5)
    assert torch.allclose(whole.poke_flow, conditions.poke_flow, atol=1e-5)
    assert encode_store(VideoAutoencoder(sizes).eval(), store).mean.shape[:2] == (len(store), 8)
    assert not torch.equal(draw(store, np.random.default_rng(0), 2).frames, draw(store, np.random.default_rng(1), 2).frames)
