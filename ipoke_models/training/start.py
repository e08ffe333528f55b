"""Where training starts: at fresh networks, or at those of a finished model (fine-tuning)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..checkpoint import load_networks
from ..config import DecoderHead, ModelConfig
from ..errors import ModelError
from ..installed import find_model
from ..networks.layers import folded_state, load_folded
from ..networks.whole import Networks, without_norms

_HEAD = "autoencoder.decoder.head.weight", "autoencoder.decoder.head.bias"


def start_networks(config: ModelConfig, source: str | Path | None) -> Networks:
    """Networks to train: fresh ones, or with the weights of an installed model or model folder of the same sizes.

    A model without dense flow may be given one: it starts as what it was, since nothing listens to the new flow yet. One that
    warps may be shown the thing: it does not look at it yet, and its shifts are its flow turned round, place by place. A doubled
    model (`ModelConfig.doubled`) may start from what it doubles: all but the last level of its decoder is that one's.

    Raises:
        ModelError: there is no such model, or its networks have other sizes.
    """
    networks = Networks(config)
    if source is None:
        return networks
    manifest, trained = load_networks(find_model(source))
    finished = manifest.networks
    if config.conditioner.stride > finished.conditioner.stride:
        finished = finished.doubled()
    gains_sight = config.sees_thing and finished.autoencoder.decoder.head is DecoderHead.WARP
    finished = finished.seeing_things() if gains_sight else finished
    gains_dense = bool(config.conditioner.dense_widths) and not finished.conditioner.dense_widths
    sizes = without_norms(config.with_dense(()) if gains_dense else config)
    theirs, ours = _sizes(finished), _sizes(sizes)
    other = ", ".join(name for name in ours if ours[name] != theirs[name])
    if other:
        raise ModelError(f"Training can't start from {manifest.name}: its {other} has other sizes than the preset's.")
    state = dict(trained.state_dict())
    if gains_sight:
        state.update({name: _as_shift(state[name]) for name in _HEAD})
    load_folded(networks, _deaf_to_new(state, folded_state(networks)) if gains_dense or gains_sight else state)
    return networks


def _as_shift(value: Tensor) -> Tensor:
    """Rows of the warp head as those of the motion head: of the flow the other way, and of an error of one px."""
    return torch.cat((-value[:2], torch.zeros_like(value[:1])))


def _deaf_to_new(state: Mapping[str, Tensor], wider: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights with zeros for the channels that they read from now on, which come last."""
    return {
        name: F.pad(value, (0, 0, 0, 0, 0, wider[name].shape[1] - value.shape[1])) if value.ndim == 4 else value
        for name, value in state.items()
    }


def _sizes(config: ModelConfig) -> dict[str, object]:
    """Sizes of each network; the rest of a configuration is read by sampling alone."""
    return {name: getattr(config, name) for name in ("autoencoder", "conditioner", "flow")}
