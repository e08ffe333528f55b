"""`ipoke train` and `ipoke evaluate` go from a folder of videos to a model that samples."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ipoke_models import load_model
from ipoke_models.data.batch import motion_input
from ipoke_models.data.clips import Portion, open_training_clips
from ipoke_models.data.footage.store import FootageOptions
from ipoke_models.evaluation import __main__ as evaluation
from ipoke_models.networks.autoencoder import VideoAutoencoder
from ipoke_models.training import __main__ as training
from ipoke_models.training.codes import CodedClips, encode_still
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


def test_clips_are_varied_in_training_and_judged_as_they_are(footage: Path, tmp_path: Path) -> None:
    sizes = PRESETS["smoke-64"].networks.autoencoder
    store, held_out = open_training_clips([Portion(footage)], None, sizes, FootageOptions(cache=tmp_path), augment=True)
    autoencoder = VideoAutoencoder(sizes).eval()
    train, judge = (CodedClips(clips, autoencoder, (5, 5)) for clips in (store, held_out))
    first, again, other = (train.random(np.random.default_rng(seed), 4) for seed in (0, 0, 1))
    assert torch.equal(first.x0, again.x0)
    assert torch.equal(first.z, again.z)
    assert not torch.equal(first.x0, other.x0)
    stills = store.batch(np.arange(len(store))).frames[:, 0]
    assert not any(torch.equal(x0, still) for x0 in (*first.x0, *other.x0) for still in (*stills, *stills.flip(-1)))
    (judged,) = judge.in_order(np.random.default_rng(0), len(held_out))
    assert torch.equal(judged.x0, held_out.batch(np.arange(len(held_out))).frames[:, 0])


def test_codes_are_those_of_the_clips_or_of_standing_still_where_the_background_is_poked(footage: Path, tmp_path: Path) -> None:
    sizes = PRESETS["smoke-64"].networks.autoencoder
    store, _ = open_training_clips([Portion(footage)], None, sizes, FootageOptions(cache=tmp_path), augment=True)
    autoencoder = VideoAutoencoder(sizes).eval().requires_grad_(False)
    drawn = CodedClips(store, autoencoder, (5, 5), least_deviation=0.0).random(np.random.default_rng(3), 32)
    still = drawn.pokes.still
    assert 0 < int(still.sum()) < 32
    mean, logvar = autoencoder.encode(motion_input(drawn.batch, sizes))
    of_still = encode_still(autoencoder, drawn.x0)
    for which, (mu, log_variance) in ((~still, (mean, logvar)), (still, of_still)):
        noise = (drawn.z - mu)[which] / torch.exp(0.5 * log_variance[which])
        assert float(noise.std()) == pytest.approx(1, abs=0.05)
