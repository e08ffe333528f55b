"""Where training starts: at fresh networks, or at those of a finished model (fine-tuning)."""

from __future__ import annotations

from pathlib import Path

from ..checkpoint import load_networks
from ..config import ModelConfig
from ..errors import ModelError
from ..inference import find_model
from ..layers import load_folded
from ..networks import Networks, without_norms


def start_networks(config: ModelConfig, source: str | Path | None) -> Networks:
    """Networks to train: fresh ones, or with the weights of an installed model or model folder of the same sizes.

    Raises:
        ModelError: there is no such model, or its networks have other sizes.
    """
    networks = Networks(config)
    if source is None:
        return networks
    manifest, trained = load_networks(find_model(source))
    theirs, ours = _sizes(manifest.networks), _sizes(without_norms(config))
    other = ", ".join(name for name in ours if ours[name] != theirs[name])
    if other:
        raise ModelError(f"Training can't start from {manifest.name}: its {other} has other sizes than the preset's.")
    load_folded(networks, trained.state_dict())
    return networks


def _sizes(config: ModelConfig) -> dict[str, object]:
    """Sizes of each network; the rest of a configuration is read by sampling alone."""
    return {name: getattr(config, name) for name in ("autoencoder", "conditioner", "flow")}
