"""Writes networks of any size as a checkpoint set in the released layout: the conversion backwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from ipoke_models.config import ModelConfig
from ipoke_models.convert import layout
from ipoke_models.convert.names import networks_state
from ipoke_models.networks.whole import Networks

from .reference import TINY


class _Names:
    """Stands in for a checkpoint and answers with what it was asked for."""

    def __init__(self, config: ModelConfig) -> None:
        self._widens = config.autoencoder.latent_channels != config.autoencoder.decoder.widths[0]

    def __contains__(self, key: str) -> bool:
        if "res_conv" in key and ("in_block" in key or "bottleneck" in key):
            return self._widens and key.startswith("first_stage_model") and key.endswith("weight_orig")
        if key.endswith("norm.weight"):
            return "res_conv" not in key and not key.startswith("first_stage_model.gen.blocks")
        return key.endswith("weight_orig") and "bottleneck" not in key and "out_conv" not in key

    def take(self, key: str) -> tuple[str, str]:
        return "plain", key

    def weight_normed(self, prefix: str) -> tuple[str, str]:
        return "weight norm", prefix

    def spectral_weight(self, prefix: str, transposed: bool) -> tuple[str, str]:
        return "spectral, transposed" if transposed else "spectral", prefix

    def permutation(self, prefix: str) -> tuple[str, str]:
        return "permutation", prefix


def released_state(networks: Networks) -> dict[str, Tensor]:
    """The state of networks with plain weights, under the released names and norms."""
    asked: dict[str, Any] = networks_state(_Names(networks.config), networks.config)
    ours = networks.state_dict()
    assert ours.keys() == asked.keys()
    state: dict[str, Tensor] = {"FVD.i3d.weight": torch.zeros(2), "lpips_net.lin0.weight": torch.zeros(2)}
    for key, (kind, name) in asked.items():
        state |= _parts(kind, name, ours[key].clone())
    return state


def _parts(kind: str, name: str, value: Tensor) -> dict[str, Tensor]:
    if kind == "plain":
        return {name: value}
    if kind == "permutation":
        return {f"{name}.forward_shuffle_idx": value, f"{name}.backward_shuffle_idx": torch.argsort(value)}
    if kind == "weight norm":
        norm = value.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        stretch = torch.rand_like(norm) + 0.5
        initialised = torch.ones((), dtype=torch.uint8)
        return {
            f"{name}.weight_g": norm,
            f"{name}.weight_v": value * stretch,
            f"{name.removesuffix('.conv')}.initialized": initialised,
        }
    matrix = (value.transpose(0, 1) if "transposed" in kind else value).flatten(1)
    left, right = torch.randn(matrix.shape[0]), torch.randn(matrix.shape[1])
    # Dividing the stored weight by left . matrix . right must give the value, so that form has to be 1 for the value.
    right = right / torch.dot(left, matrix @ right)
    return {f"{name}.weight_orig": 3 * value, f"{name}.weight_u": left, f"{name}.weight_v": right}


def write_released(root: Path, networks: Networks, model: str) -> None:
    """The released tree with one model in it."""
    config = networks.config
    names = {"first_stage": "video", "img_encoder": "image", "poke_encoder": "poke", "second_stage": model}
    for stage, name in names.items():
        document = dict(layout._read_yaml(TINY / stage / "config.yaml").values)
        document["data"] |= {"spatial_size": (config.size_px, config.size_px), "max_frames": config.frames}
        if stage == "first_stage":
            document["architecture"] |= {
                "z_dim": config.flow.channels,
                "n_gru_layers": config.autoencoder.gru_layers,
                "ENC_M_channels": list(config.autoencoder.encoder_widths),
                "dec_channels": list(config.autoencoder.decoder.widths),
            }
        if stage == "poke_encoder":
            document["architecture"]["poke_and_image"] = config.conditioner.poke.in_channels == 5
        if stage == "second_stage":
            document["architecture"] |= {
                "num_steps": list(config.flow.num_steps),
                "factor": config.flow.factor,
                "flow_mid_channels_factor": config.flow.mid_channels // config.flow.channels,
            }
            document["data"]["n_pokes"] = config.max_pokes
            for key in ("first_stage", "conditioner", "poke_embedder"):
                document[key]["name"] = names[{"conditioner": "img_encoder", "poke_embedder": "poke_encoder"}.get(key, key)]
        (root / stage / "config" / name).mkdir(parents=True)
        (root / stage / "config" / name / "config.yaml").write_text(yaml.dump(document))
    folder = root / "second_stage" / "ckpt" / model / "0"
    folder.mkdir(parents=True)
    torch.save({"epoch": 1, "callbacks": {}, "state_dict": released_state(networks)}, folder / "last.ckpt")
