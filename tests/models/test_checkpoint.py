"""Model folders: what is written is read back, and what is damaged is refused with a sentence."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ipoke_models.checkpoint import load_networks, read_card, read_manifest, save_model, sha256_of
from ipoke_models.config import to_dict
from ipoke_models.errors import CheckpointError, ConfigError, ModelError
from ipoke_models.networks.whole import Networks, without_norms

from . import small
from .closeness import assert_close

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def networks() -> Networks:
    return small.jitter(Networks(small.model())).eval()


@pytest.fixture
def folder(networks: Networks, tmp_path: Path) -> Path:
    save_model(tmp_path / "small", networks, "small", "# A card\n")
    return tmp_path / "small"


def test_a_saved_model_is_read_back_and_answers_alike(networks, folder):
    manifest, loaded = load_networks(folder)
    assert manifest == read_manifest(folder)
    assert (manifest.name, manifest.networks) == ("small", without_norms(small.model()))
    assert read_card(folder) == "# A card\n"
    assert not loaded.training
    x0, poke_map, r = torch.rand(1, 3, 64, 64), torch.rand(1, 2, 64, 64), torch.randn(1, 6, 8, 8)
    clips = []
    with torch.no_grad():
        for net in (networks, loaded):
            h = net.conditioner(x0, poke_map)
            clips.append(net.autoencoder.decode(net.flow.latent(r, h), x0, 3))
    assert_close(*clips)


def test_saving_twice_writes_the_same_bytes_and_leaves_nothing_else(networks, folder):
    before = sha256_of(folder / WEIGHTS)
    save_model(folder, networks, "small", "")
    assert sha256_of(folder / WEIGHTS) == before
    assert os.listdir(folder.parent) == ["small"]


def test_a_model_with_nan_is_not_saved(tmp_path):
    networks = Networks(small.model())
    with torch.no_grad():
        networks.autoencoder.gru.motion_bias[0] = torch.nan
    with pytest.raises(CheckpointError, match="motion_bias holds values that are not finite"):
        save_model(tmp_path / "bad", networks, "bad", "")
    assert os.listdir(tmp_path) == []


def _edit(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    state = load_file(folder / WEIGHTS)
    state = {key: value.clone() for key, value in state.items()}
    change(state)
    save_file(state, folder / WEIGHTS)


def _flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)


def _spoil(folder: Path) -> None:
    key = "autoencoder.gru.motion_bias"
    _edit(folder, lambda state: state[key].fill_(torch.inf))


def _configure(folder: Path, change: Callable[[dict], None]) -> None:
    document = json.loads((folder / "config.json").read_text())
    change(document)
    (folder / "config.json").write_text(json.dumps(document))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "has no model.safetensors"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "is no model folder"),
    "config is text": (lambda folder: (folder / "config.json").write_text("hello"), "is not JSON"),
    "config of another format": (lambda folder: (folder / "config.json").write_text("{}"), "another version"),
    "empty": (lambda folder: (folder / WEIGHTS).write_bytes(b""), "not a whole safetensors file"),
    "truncated": (
        lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1000]),
        "not a whole safetensors file",
    ),
    "a pickle": (
        lambda folder: (folder / WEIGHTS).write_bytes(pickle.dumps({"a": 1})),
        "not a whole safetensors file",
    ),
    "a torch checkpoint": (
        lambda folder: torch.save({"a": torch.zeros(1)}, folder / WEIGHTS),
        "not a whole safetensors file",
    ),
    "flipped bit": (_flip_a_bit, "another SHA-256"),
    "not finite": (_spoil, "not finite"),
    "key missing": (
        lambda folder: _edit(folder, lambda state: state.pop("autoencoder.gru.motion_bias")),
        "lacks tensors, such as autoencoder.gru.motion_bias",
    ),
    "key unknown": (
        lambda folder: _edit(folder, lambda state: state.update(extra=torch.zeros(1))),
        "unknown tensors, such as extra",
    ),
    "another shape": (
        lambda folder: _edit(folder, lambda s: s.update({"autoencoder.gru.motion_bias": torch.zeros(1, 6, 8, 7)})),
        r"float32 \(1, 6, 8, 7\), but config.json asks for float32 \(1, 6, 8, 8\)",
    ),
    "another type": (
        lambda folder: _edit(folder, lambda s: s.update({"autoencoder.gru.motion_bias": torch.zeros(1, 6, 8, 8).double()})),
        "float64",
    ),
    "other sizes in the config": (
        lambda folder: _configure(folder, lambda d: d["networks"]["autoencoder"].update(gru_layers=3)),
        "lacks tensors",
    ),
    "key missing in the config": (
        lambda folder: _configure(folder, lambda d: d["networks"].pop("flow")),
        "missing keys: flow",
    ),
}


def test_a_folder_from_before_a_key_means_its_default(folder):
    _configure(folder, lambda d: d["networks"]["flow"].pop("base_normalised"))
    assert load_networks(folder)[0].networks.flow.base_normalised is False
    _configure(folder, lambda d: d["networks"]["conditioner"].pop("dense_widths"))
    assert load_networks(folder)[0].networks.conditioner.dense_widths == ()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused_with_one_sentence(damage, folder):
    harm, sentence = DAMAGES[damage]
    harm(folder)
    with pytest.raises(ModelError, match=sentence) as caught:
        load_networks(folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(_Bomb.crater),)

    crater = Path()


def test_a_pickle_named_safetensors_never_runs(folder, tmp_path):
    _Bomb.crater = tmp_path / "crater"
    (folder / WEIGHTS).write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(CheckpointError):
        load_networks(folder)
    assert not _Bomb.crater.exists()


def test_config_values_of_another_kind_are_named(folder):
    _configure(folder, lambda d: d["networks"]["flow"].update(factor="3"))
    with pytest.raises(ConfigError, match=r"networks.flow.factor must be of type int, not '3'"):
        read_manifest(folder)


def test_config_travels_through_json():
    from ipoke_models.config import ModelConfig, from_dict

    config = small.model(128)
    assert from_dict(ModelConfig, json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.slow
def test_loading_a_model_imports_no_compiler(folder):
    """torch's compiler takes seconds to import, and building networks the wrong way imports it."""
    code = (
        "import sys, pathlib; from ipoke_models.checkpoint import load_networks;"
        f"load_networks(pathlib.Path({str(folder)!r})); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
