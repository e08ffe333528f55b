"""Conversion of the released layout: found, read safely, strict about every tensor."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from ipoke_models.checkpoint import load_networks, read_card, read_manifest
from ipoke_models.config import (
    AutoencoderConfig,
    ConditionerConfig,
    DecoderConfig,
    EncoderConfig,
    FlowConfig,
    ModelConfig,
)
from ipoke_models.convert import __main__ as command
from ipoke_models.convert import conversion as subject
from ipoke_models.convert import convert, layout, pickle_reader
from ipoke_models.errors import CheckpointError, ModelError
from ipoke_models.networks.whole import Networks

from . import small
from .closeness import assert_close
from .reference import TINY
from .released import write_released


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A copy of the reference checkpoint set that a test may spoil."""
    return Path(shutil.copytree(TINY, tmp_path / "logs"))


@pytest.fixture
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads checkpoints in this process, which is quicker than starting one."""

    def read(checkpoint: Path, tensors: Path) -> None:
        pickle_reader.copy(checkpoint, tensors)

    monkeypatch.setattr(subject, "read_in_child", read)


@pytest.mark.slow
def test_the_report_accounts_for_every_tensor(conversion):
    folder, report = conversion
    state = torch.load(TINY / "second_stage.ckpt", weights_only=True)["state_dict"]
    assert report.used + sum(len(group.keys) for group in report.dropped) == len(state)
    assert {key.split(".")[0] for group in report.dropped for key in group.keys} == {"flow", "lpips_net"}
    assert report.sha256 == read_manifest(folder).sha256
    assert json.loads(json.dumps(report.as_json()))["networks"]["flow"]["num_steps"] == [2, 1]
    assert read_card(folder) == report.as_markdown()


def test_sizes_come_from_the_tensors(conversion):
    config = conversion[1].networks
    assert (config.size_px, config.frames, config.max_pokes, config.poke_size_px) == (64, 10, 5, 5)
    assert config.flow.level_channels == (16, 12)
    assert config.autoencoder.decoder.widths == (16, 16, 16, 16)
    assert config.conditioner.poke.in_channels == 5


def _released(logs: Path, model: str = "plants-bn64-ss64-np5", score: str = "last") -> Path:
    """The same files in the tree that was released."""
    root = logs.parent / "released"
    for stage in layout.STAGES:
        folder = root / stage / "config" / (model if stage == "second_stage" else "tinyA")
        folder.mkdir(parents=True)
        shutil.copy(logs / stage / "config.yaml", folder)
    weights = root / "second_stage" / "ckpt" / model / "0"
    weights.mkdir(parents=True)
    shutil.copy(logs / "second_stage.ckpt", weights / f"{score}.ckpt")
    return root


@pytest.mark.parametrize("name", ["plants-bn64-ss64-np5", "plants_64"])
def test_the_released_tree_is_found_by_folder_or_short_name(logs, name):
    source = layout.find(_released(logs), name)
    assert source.checkpoint.name == "last.ckpt"
    assert source.configs["poke_encoder"].get("architecture", "nf_max") == 16


def test_the_checkpoint_of_the_smallest_score_is_chosen(logs):
    root = _released(logs, score="epoch=3")
    folder = root / "second_stage" / "ckpt" / "plants-bn64-ss64-np5" / "0"
    for other in ("epoch=5.ckpt", "last.ckpt"):
        shutil.copy(folder / "epoch=3.ckpt", folder / other)
    scores = {"/elsewhere/gone.ckpt": 10.0, "/elsewhere/epoch=3.ckpt": 99.5, "/elsewhere/epoch=5.ckpt": 98.5}
    (folder / "best_k_models.yaml").write_text(yaml.safe_dump(scores))
    assert layout.find(root, "plants_64").checkpoint.name == "epoch=5.ckpt"


def test_scores_that_are_no_numbers_are_refused(logs):
    root = _released(logs)
    (root / "second_stage" / "ckpt" / "plants-bn64-ss64-np5" / "0" / "best_k_models.yaml").write_text("a.ckpt: best")
    with pytest.raises(CheckpointError, match=r"best_k_models.yaml must hold a number for each checkpoint .*\.$"):
        layout.find(root, "plants_64")


def test_a_folder_with_other_things_is_never_replaced(logs, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(CheckpointError, match=r"mine holds something else than a model; give another folder"):
        convert(logs, "tinyA", tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep me"


def test_a_flat_folder_is_found_under_its_name(logs):
    assert layout.find(logs.parent, "logs").checkpoint == logs / "second_stage.ckpt"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("plants_128", "plants_128 is not among the models"), ("iper_64", "iper_64 is not among the models")],
)
def test_an_unknown_name_lists_what_there_is(logs, name, sentence):
    with pytest.raises(CheckpointError, match=rf"{sentence} in .*: plants-bn64-ss64-np5\."):
        layout.find(_released(logs), name)


def _set(stage: str, *keys: str, value: object) -> Callable[[Path], None]:
    def change(logs: Path) -> None:
        path = logs / stage / "config.yaml"
        document: Any = layout._read_yaml(path).values
        inner = document
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        path.write_text(yaml.dump(document))

    return change


def _tensors(change: Callable[[dict[str, Tensor]], object]) -> Callable[[Path], None]:
    def edit(logs: Path) -> None:
        path = logs / "second_stage.ckpt"
        content = torch.load(path, weights_only=True)
        change(content["state_dict"])
        torch.save(content, path)

    return edit


FIRST = "flow.flow.layers.0.0"
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no checkpoint": (lambda logs: (logs / "second_stage.ckpt").unlink(), "holds no model"),
    "no config": (lambda logs: (logs / "img_encoder" / "config.yaml").unlink(), "img_encoder/config.yaml can't be read"),
    "config runs code": (
        lambda logs: (logs / "img_encoder" / "config.yaml").write_text("a: !!python/object/apply:os.getcwd []"),
        "not YAML that can be read safely",
    ),
    "empty checkpoint": (lambda logs: (logs / "second_stage.ckpt").write_bytes(b""), "no whole PyTorch checkpoint"),
    "truncated checkpoint": (
        lambda logs: (logs / "second_stage.ckpt").write_bytes((TINY / "second_stage.ckpt").read_bytes()[:100_000]),
        "no whole PyTorch checkpoint",
    ),
    "text": (lambda logs: (logs / "second_stage.ckpt").write_text("hello"), "no whole PyTorch|more than tensors"),
    "no state": (lambda logs: torch.save({"a": 1}, logs / "second_stage.ckpt"), "no state_dict"),
    "tensor missing": (
        _tensors(lambda state: state.pop(f"{FIRST}.actnorm2.bias")),
        "has no flow.flow.layers.0.0.actnorm2.bias",
    ),
    "level missing": (
        _tensors(lambda state: [state.pop(key) for key in list(state) if key.startswith("flow.flow.layers.0.0.")]),
        "damaged",
    ),
    "tensor unknown": (
        _tensors(lambda state: state.update({"conv_adapt_cond.weight": torch.zeros(1)})),
        "1 tensors that no released model has, such as conv_adapt_cond.weight",
    ),
    "another shape": (
        _tensors(lambda state: state.update({f"{FIRST}.actnorm2.bias": torch.zeros(15, 1, 1)})),
        r"shape \(15, 1, 1\), but its sizes ask for \(16, 1, 1\)",
    ),
    "shuffle repeats": (
        _tensors(lambda state: state[f"{FIRST}.conv1x1.forward_shuffle_idx"].fill_(3)),
        "is no permutation",
    ),
    "shuffle without inverse": (
        _tensors(lambda state: state[f"{FIRST}.conv1x1.backward_shuffle_idx"].copy_(torch.arange(16))),
        "is not the inverse",
    ),
    "shuffle of floats": (
        _tensors(lambda state: state.update({f"{FIRST}.conv1x1.forward_shuffle_idx": torch.arange(16.0)})),
        "forward_shuffle_idx is of type float32",
    ),
    "whole numbers for weights": (
        _tensors(lambda state: state.update({f"{FIRST}.actnorm2.bias": torch.zeros(16, 1, 1).long()})),
        "actnorm2.bias is of type int64",
    ),
    "a number for a tensor": (
        _tensors(lambda state: state.update({"first_stage_model.motion_bias": torch.zeros(())})),
        r"motion_bias has shape \(\), from which no size can be read",
    ),
    "a width that no norm divides": (
        _tensors(lambda state: state.update({"first_stage_model.enc_motion.layer1.0.conv1.weight": torch.zeros(7, 16, 3, 3, 3)})),
        "has not the sizes of a released model: autoencoder width 7",
    ),
    "norm without weight": (
        _tensors(lambda state: state.pop("conditioner.encoder.model.1.conv1.norm.weight")),
        "has nothing for the networks of its sizes: conditioner.image.encoder.blocks.0.norm1.bias|no released model has",
    ),
    "never trained": (
        _tensors(lambda state: state[f"{FIRST}.actnorm1.initialized"].zero_()),
        "actnorm1.initialized is 0, so that layer was never trained",
    ),
    "weight norm of nothing": (
        _tensors(lambda state: state[f"{FIRST}.coupling1_up.net.conv3.conv.weight_v"].zero_()),
        "direction of length 0",
    ),
    "spectral norm of nothing": (
        _tensors(lambda state: state["conditioner.encoder.model.0.conv.weight_u"].zero_()),
        "give a norm of 0.0",
    ),
    "not finite": (_tensors(lambda state: state[f"{FIRST}.actnorm2.bias"].fill_(torch.nan)), "not finite"),
    "other steps": (
        _set("second_stage", "architecture", "num_steps", value=[2, 2]),
        r"architecture.num_steps means \[2, 2\], but the checkpoint's tensors say \[2, 1\]",
    ),
    "pokes in words": (_set("second_stage", "data", "n_pokes", value="five"), "n_pokes must be a whole number, not 'five'"),
    "one size for both sides": (_set("second_stage", "data", "spatial_size", value=64), "spatial_size means 64"),
    "other code": (_set("first_stage", "architecture", "z_dim", value=32), "z_dim means 32"),
    "other size": (_set("second_stage", "data", "spatial_size", value=[128, 128]), "spatial_size"),
    "other inputs": (_set("poke_encoder", "architecture", "poke_and_image", value=False), "poke_and_image means 2"),
    "option never released": (
        _set("second_stage", "architecture", "condition_nice", value=True),
        "condition_nice is True, but only False was released",
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("_in_process")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_set_is_refused_with_one_sentence(damage, logs, tmp_path):
    harm, sentence = DAMAGES[damage]
    harm(logs)
    with pytest.raises(ModelError, match=sentence) as caught:
        convert(logs, "tinyA", tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["logs"]


def _plain_model(size_px: int, channels: int, steps: tuple[int, ...], factor: int, poke_channels: int) -> ModelConfig:
    count = (size_px // 8).bit_length()
    widths = (32, 16, 48, 16)[: count - 1]
    encoders = [EncoderConfig(inputs, outputs, widths, spectral_norm=False) for inputs, outputs in ((3, 3), (poke_channels, 2))]
    autoencoder = AutoencoderConfig(
        size_px=size_px,
        frames=6,
        latent_channels=channels,
        encoder_widths=(16, 32, 16, 48, 16)[:count],
        gru_layers=3,
        decoder=DecoderConfig(widths=(32, 16, 24, 12, 16)[:count], spade_hidden=24),
        spectral_norm=False,
    )
    flow = FlowConfig(channels, 2 * widths[-1], steps, factor, mid_channels=2 * channels, weight_norm=False)
    return ModelConfig(autoencoder, ConditionerConfig(*encoders), flow, max_pokes=1)


OTHERS = {
    "64 px, pokes alone, odd channels": _plain_model(64, 15, (1, 2), factor=5, poke_channels=2),
    "128 px, fifteen levels": _plain_model(128, 16, (1,) * 15, factor=16, poke_channels=5),
    "first block as wide as the code": _plain_model(64, 32, (1,), factor=3, poke_channels=5),
}


@pytest.mark.slow
@pytest.mark.usefixtures("_in_process")
@pytest.mark.parametrize("name", OTHERS)
def test_released_models_of_other_sizes_convert_alike(name, tmp_path):
    networks = small.jitter(Networks(OTHERS[name]), 0.02).eval().requires_grad_(False)
    write_released(tmp_path / "logs", networks, "some-model")
    report = convert(tmp_path / "logs", "some-model", tmp_path / "out")
    assert report.networks == OTHERS[name]
    _, converted = load_networks(tmp_path / "out")
    state = converted.state_dict()
    for key, value in networks.state_dict().items():
        assert_close(state[key], value, atol=1e-5, rtol=1e-4)


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(_Bomb.crater),)

    crater = Path()


def test_code_in_a_checkpoint_never_runs(tmp_path):
    _Bomb.crater = tmp_path / "crater"
    torch.save({"state_dict": {"a": _Bomb()}}, tmp_path / "bad.ckpt")
    (tmp_path / "plain.ckpt").write_bytes(pickle.dumps(_Bomb(), protocol=2))
    for name in ("bad.ckpt", "plain.ckpt"):
        with pytest.raises(CheckpointError):
            pickle_reader.read(tmp_path / name)
    assert not _Bomb.crater.exists()


def test_the_callbacks_that_lightning_writes_are_read_past(tmp_path, monkeypatch):
    """Lightning 1.1 uses callback classes as keys."""
    name = "pytorch_lightning.callbacks.model_checkpoint"
    module = types.ModuleType(name)
    module.ModelCheckpoint = type("ModelCheckpoint", (), {"__module__": name})
    for part in ("pytorch_lightning", "pytorch_lightning.callbacks"):
        monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
    monkeypatch.setitem(sys.modules, name, module)
    state = {"a": torch.arange(3.0)}
    torch.save({"callbacks": {module.ModelCheckpoint: {"best": torch.ones(1)}}, "state_dict": state}, tmp_path / "a.ckpt")
    monkeypatch.delitem(sys.modules, name)
    assert torch.equal(pickle_reader.read(tmp_path / "a.ckpt")["a"], state["a"])


@pytest.mark.slow
def test_the_child_process_says_what_is_wrong(tmp_path):
    (tmp_path / "bad.ckpt").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(CheckpointError, match="no whole PyTorch checkpoint"):
        pickle_reader.read_in_child(tmp_path / "bad.ckpt", tmp_path / "out.safetensors")


@pytest.mark.usefixtures("_in_process")
def test_the_command_prints_a_report_or_one_sentence(logs, tmp_path, capsys):
    assert command.main([str(logs), "--name", "tinyA", "-o", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "tinyA"
    assert command.main([str(tmp_path / "nowhere"), "--name", "tinyA", "-o", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
