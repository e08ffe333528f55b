"""Fresh clips are what a store of the same recipe, seed and pictures holds."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ipoke_models.data.batches import draw
from ipoke_models.data.poke_simulation import simulate_pokes
from ipoke_models.data.procedural.fresh import FreshClips, is_fresh, open_fresh, read_name
from ipoke_models.data.procedural.generate import main
from ipoke_models.data.procedural.scene_source import SceneSource
from ipoke_models.data.store import ClipStore, StoreError
from ipoke_models.training import __main__ as training

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ClipStore:
    folder: Path = tmp_path_factory.mktemp("clips") / "store"
    arguments = ["-o", str(folder), "--count", "3", "--seed", "4", "--size", "32", "--recipe", "plants", "--processes", "1"]
    assert main(arguments) == 0
    return ClipStore(folder)


@pytest.mark.parametrize("processes", [1, 2])
def test_fresh_clips_are_those_of_a_store(store: ClipStore, processes: int) -> None:
    fresh = FreshClips(SceneSource("plants", 4, 32, 10), 3, CPU, processes)
    assert fresh.info == store.info
    assert len(fresh) == len(store)
    numbers = np.array([2, 0])
    mine, theirs = fresh.batch(numbers), store.batch(numbers)
    assert float((mine.frames - theirs.frames).abs().mean()) < 0.002
    for name in ("frames", "motion", "backward", "visible", "poke_flow"):
        assert getattr(mine, name).shape == getattr(theirs, name).shape
        assert float(((getattr(mine, name) - getattr(theirs, name)).abs() > 0.1).float().mean()) < 0.005
    assert (fresh.neighbour(1) != store.neighbour(1)).mean() < 0.005


def test_training_draws_fresh_clips_as_it_draws_those_of_a_store(store: ClipStore) -> None:
    options = argparse.Namespace(cutouts=None, photos=None, mocap=None, animated=None, restyled=0, device="cpu", processes=1)
    fresh = open_fresh("plants:4:3", options, 32, 10)
    mine, theirs = (draw(clips, np.random.default_rng(1), 2) for clips in (fresh, store))
    assert float((mine.frames - theirs.frames).abs().mean()) < 0.002
    pokes = simulate_pokes(mine.poke_flow, np.random.default_rng(2).spawn(2), 3, 5)
    assert pokes.maps.shape == (2, 2, 32, 32)


@pytest.mark.timeout(400)
def test_several_kinds_of_fresh_clips_are_trained_on_together(tmp_path: Path) -> None:
    arguments = ["garden:1:8@0.6", "stems:1:8@0.4", "--held-out", "objects:2:4", "--preset", "smoke-64", "--threads", "1"]
    assert training.main([*arguments, "--processes", "1", "-o", str(tmp_path / "model"), "--work", str(tmp_path / "work")]) == 0
    record = json.loads((tmp_path / "work" / "training.json").read_text())
    assert [entry["recipe"] for entry in record["train"]] == ["garden", "stems"]
    assert "garden:1:8@0.6 stems:1:8@0.4 --held-out objects:2:4 " in record["command"]
    stages = [json.loads(line)["stage"] for line in (tmp_path / "work" / "log.jsonl").read_text().splitlines()]
    assert stages == ["video", "conditioner", "dense", "base", "kinematics", "decoder"]


def test_training_refuses_a_wrong_name_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert training.main(["garden:one", "--held-out", str(tmp_path), "-o", str(tmp_path / "model"), "--threads", "1"]) == 2
    assert "RECIPE:SEED" in capsys.readouterr().err


def test_names_of_fresh_clips_are_told_from_folders() -> None:
    assert is_fresh("garden:7")
    assert not is_fresh("garden")
    assert not is_fresh("clips:7")
    assert read_name("objects:7:500") == ("objects", 7, 500)
    assert read_name("garden:7")[:2] == ("garden", 7)


@pytest.mark.parametrize("name", ["garden:", "garden:x", "garden:1:0", "garden:1:2:3", "garden:-1"])
def test_a_name_without_numbers_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(StoreError, match="RECIPE:SEED"):
        read_name(name)
