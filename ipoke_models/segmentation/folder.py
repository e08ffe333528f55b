"""The segmenter's model folder: `config.json`, `model.safetensors` in half precision, `model_card.md`.

The weights are the network's and, where it has one beside it, of the network that finds what stands out (`salience.`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoint import CONFIG_FILE, read_config, read_model_weights, require_name, require_sha256, write_folder
from ..config import from_dict
from ..strangers import shown
from .config import SegmenterConfig
from .network import Segmenter
from .salience import Salience

FORMAT = "ipoke-segmenter-1"
_SALIENCE = "salience."


@dataclass(frozen=True)
class SegmenterManifest:
    """What `config.json` says."""

    name: str
    networks: SegmenterConfig
    sha256: str
    """SHA-256 of `model.safetensors`, in hexadecimal."""
    salience: bool = field(default=False, metadata={"later": True})
    """Whether a network is beside it that finds what stands out."""

    def __post_init__(self) -> None:
        require_name(self.name)
        require_sha256(self.sha256)


def save_segmenter(folder: Path, network: Segmenter, name: str, card: str, salience: Salience | None = None) -> SegmenterManifest:
    """Write the folder in one step, the weights rounded to half precision.

    Raises:
        CheckpointError: a weight is not finite, or the folder holds something else than a model.
    """
    weights = {key: value.half() for key, value in _named(network, salience).items()}
    manifest = partial(SegmenterManifest, name, network.config, salience=salience is not None)
    return write_folder(folder, weights, FORMAT, manifest, card)


def read_segmenter_manifest(folder: Path) -> SegmenterManifest:
    """Read `config.json` alone.

    Raises:
        ModelError: the folder holds no segmenter of this version.
    """
    return from_dict(SegmenterManifest, read_config(folder, FORMAT), shown(folder / CONFIG_FILE))


def read_segmenter(folder: Path, device: str | torch.device = "cpu") -> tuple[SegmenterManifest, Segmenter, Salience | None]:
    """The networks of a folder, ready for inference: eval mode, no gradients, single precision.

    Raises:
        ModelError: a file is missing, damaged or of another shape than `config.json` says.
    """
    manifest = read_segmenter_manifest(folder)
    with torch.device("meta"):
        network, salience = Segmenter(manifest.networks), Salience() if manifest.salience else None
    expected = {key: value.half() for key, value in _named(network, salience).items()}
    weights = {key: value.float() for key, value in read_model_weights(folder, expected, manifest.sha256, device).items()}
    own = {key: value for key, value in weights.items() if not key.startswith(_SALIENCE)}
    network.load_state_dict(own, assign=True)
    if salience is not None:
        beside = {key.removeprefix(_SALIENCE): value for key, value in weights.items() if key not in own}
        salience.load_state_dict(beside, assign=True)
        salience.eval().requires_grad_(False)
    return manifest, network.eval().requires_grad_(False), salience


def _named(network: Segmenter, salience: Salience | None) -> dict[str, Tensor]:
    """Weights by their names in the file."""
    return {**network.state_dict(), **({} if salience is None else salience.state_dict(prefix=_SALIENCE))}
