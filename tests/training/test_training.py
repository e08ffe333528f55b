"""`ipoke generate`, `ipoke train` and `ipoke evaluate` run from nothing to a model that loads, and training resumes."""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from ipoke_models import load_model
from ipoke_models.data.batch import motion_input
from ipoke_models.data.batches import mirror
from ipoke_models.data.procedural import generate
from ipoke_models.data.store import ClipStore, StoreError
from ipoke_models.errors import CheckpointError
from ipoke_models.evaluation import __main__ as evaluation
from ipoke_models.evaluation.card import PROVENANCE_FILE, write_card
from ipoke_models.networks.autoencoder import VideoAutoencoder
from ipoke_models.networks.whole import Networks
from ipoke_models.notes import NOTES
from ipoke_models.training import __main__ as training
from ipoke_models.training.presets import PRESETS
from ipoke_models.training.run import stages
from ipoke_models.training.twin import load_twin
from ipoke_models.training.work_lock import claim

PROJECT = Path(__file__).parents[2]


@pytest.mark.timeout(400)
def test_all_stages_run_and_leave_a_model_that_can_be_measured(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model_folder, work = tmp_path / "models" / "smoke", tmp_path / "work"
    arguments = [str(store), "--held-out", str(store), "-o", str(model_folder), "--preset", "smoke-64", "--twin"]
    arguments += ["--work", str(work)]
    assert training.main(arguments) == 0
    commit = json.loads((work / PROVENANCE_FILE).read_text())["commit"]
    last_change = ["git", "log", "-1", "--abbrev=12", "--format=%h", "--", "ipoke_models"]
    assert commit == (subprocess.run(last_change, cwd=PROJECT, capture_output=True, text=True).stdout.strip() or "unknown")
    model = load_model(model_folder)
    assert (model.name, model.size_px, model.frames) == ("smoke", 64, 10)
    capsys.readouterr()
    options = [str(model_folder), str(store), "--count", "3", "--variants", "2", "--twin", str(work)]
    assert evaluation.main([*options, "--json", "--card", str(work)]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows["standing still"]["tip_error_percent"]["value"] == pytest.approx(100, abs=1)
    assert rows["truth"]["tip_error_percent"]["value"] < 60
    assert rows["standing still"]["background_drift_px"]["value"] == pytest.approx(0, abs=0.01)
    assert rows["smoke (warp)"]["diversity_mse"]["low"] > 0
    assert model.sha256 in model.card


def test_the_seed_changes_what_is_trained_on_and_not_what_it_is_judged_by(store: Path) -> None:
    preset, clips = PRESETS["smoke-64"], ClipStore(store)
    torch.manual_seed(0)
    networks = Networks(preset.networks).eval()
    first, second = (
        {stage.name: stage for stage, _ in stages(preset, networks, (clips, clips), seed, fresh=False, with_twin=False)}
        for seed in (1, 2)
    )
    assert {"dense", "base", "kinematics"} < set(first)
    for name, stage in first.items():
        with torch.no_grad():
            assert stage.validate() == second[name].validate()
        assert sum(stage.losses(0).values()) != sum(second[name].losses(0).values())


def test_a_work_folder_belongs_to_one_training_at_a_time(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(store), "--held-out", str(store), "-o", str(tmp_path / "model"), "--work", str(tmp_path)]
    with claim(tmp_path):
        assert training.main([*arguments, "--preset", "smoke-64", "--device", "cpu"]) == 2
    assert f"Another training works in {tmp_path}; wait for its end" in capsys.readouterr().err
    with claim(tmp_path):
        pass


def test_options_are_refused_before_anything_is_left(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = tmp_path / "work"
    arguments = [str(store), "--held-out", str(store), "-o", str(tmp_path / "model"), "--work", str(work)]
    assert training.main([*arguments, "--device", "cpu", "--stride", "0"]) == 2
    assert "--stride" in capsys.readouterr().err
    assert not work.exists()


def test_training_without_its_packages_is_refused_in_a_sentence(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "ipoke_models.training.launch", raising=False)
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    assert training.main([str(store), "--held-out", str(store), "-o", str(tmp_path / "model"), "--device", "cpu"]) == 2
    assert "needs the package lightning_fabric; install it with: pip install 'ipoke[train]'" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_mirrored_batch_mirrored_again_is_itself(store: Path) -> None:
    batch = ClipStore(store).batch(np.arange(4))
    which = torch.tensor([True, False, True, False])
    once = mirror(batch, which)
    again = mirror(once, which)
    assert torch.equal(again.frames, batch.frames)
    assert torch.equal(again.backward, batch.backward)
    assert torch.equal(once.frames[0], batch.frames[0].flip(-1))
    assert torch.equal(once.poke_flow[0, 0], -batch.poke_flow[0, 0].flip(-1))
    assert torch.equal(once.poke_flow[0, 1], batch.poke_flow[0, 1].flip(-1))
    assert torch.equal(once.frames[1], batch.frames[1])


def test_neighbours_stand_still_and_are_seen_in_about_half_of_the_clips(store: Path) -> None:
    clips = ClipStore(store)
    seen = [index for index in range(len(clips)) if clips.neighbour(index).any()]
    assert 4 < len(seen) < 20
    for index in seen:
        assert float(clips.batch(np.array([index])).poke_flow[0][:, torch.from_numpy(clips.neighbour(index))].abs().max()) == 0


def test_a_store_without_an_array_is_refused_in_a_sentence(store: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(store, tmp_path / "damaged")
    (damaged / "shard_0000" / "neighbour.npy").unlink()
    with pytest.raises(StoreError, match="damaged or of another version"):
        ClipStore(damaged)


def test_a_store_of_other_clips_is_neither_mixed_nor_mislabelled(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (store / "clips.json").read_text()
    assert generate.main(["-o", str(store), "--count", "24", "--processes", "1", "--seed", "5"]) == 2
    assert "other settings" in capsys.readouterr().err
    assert (store / "clips.json").read_text() == before
    assert generate.main(["-o", str(store), "--count", "24", "--processes", "1", "--seed", "4"]) == 0


def test_the_card_keeps_its_notes(store: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    train = [{"folder": "clips", **asdict(ClipStore(store).info)}]
    record = {"commit": "abc", "torch": "2", "command": "ipoke train", "seed": 1, "train": train}
    (work / PROVENANCE_FILE).write_text(json.dumps(record))
    (work / "log.jsonl").write_text('{"stage": "video", "step": 7, "time": 0, "frame": 0.5}\n')
    model = load_model()
    card = write_card(model, ("apart", ClipStore(store).info), "the figures", work, "ipoke evaluate")
    assert card.count(NOTES) == 1
    assert card.partition(NOTES)[2] == model.card.partition(NOTES)[2] != ""
    for expected in (model.sha256, "the figures", "ipoke evaluate", "ipoke train", "-o apart ", "--seed 4", "frame 0.5"):
        assert expected in card


def test_a_folder_that_is_no_store_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no clip store"):
        ClipStore(tmp_path)


@torch.no_grad()
def test_standardised_codes_have_mean_0_and_deviation_1_and_decode_to_the_same_frames(store: Path) -> None:
    torch.manual_seed(0)
    autoencoder = VideoAutoencoder(PRESETS["smoke-64"].networks.autoencoder).eval()
    batch = ClipStore(store).batch(np.arange(24))
    motion, x0 = motion_input(batch, autoencoder.config), batch.frames[:, 0]
    before = autoencoder.encode(motion)[0]
    frames = autoencoder.decode(before, x0, 2)
    for _ in range(2):
        autoencoder.standardise(autoencoder.encode(motion)[0])
    codes = autoencoder.encode(motion)[0]
    assert float(codes.mean(dim=0).abs().max()) < 1e-4
    assert torch.allclose(codes.std(dim=(0, 2, 3)), torch.ones(16), atol=1e-3)
    assert float((autoencoder.decode(codes, x0, 2) - frames).abs().max()) < 1e-4


def test_a_work_folder_without_a_twin_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no twin .* 'ipoke train --twin'"):
        load_twin(tmp_path)


@pytest.mark.parametrize(
    ("output", "work", "sentence"),
    [
        ("other", "work", "something else than a model"),
        ("file", "work", "is no folder"),
        ("model", "other", "is no record of a training"),
        ("n" * 129, "work", "A model's name must have"),
    ],
)
def test_what_training_would_not_be_able_to_write_is_told_before_it_begins(output, work, sentence, tmp_path, capsys):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/training.json").write_text('{"mine": "keep me"}')
    (tmp_path / "file").write_text("keep me")
    command = [str(tmp_path / "nowhere"), "-o", str(tmp_path / output), "--work", str(tmp_path / work), "--device", "cpu"]
    assert training.main([*command, "--threads", str(torch.get_num_threads())]) == 2
    assert sentence in capsys.readouterr().err
    assert (tmp_path / "other/training.json").read_text() == '{"mine": "keep me"}'
