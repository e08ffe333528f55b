"""The segmenter's model folder: `config.json`, `model.safetensors` in half precision, `model_card.md`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ..checkpoint import CONFIG_FILE, read_config, read_model_weights, require_name, require_sha256, write_folder
from ..config import from_dict
from ..strangers import shown
from .config import SegmenterConfig
from .network import Segmenter

FORMAT = "ipoke-segmenter-1"


@dataclass(frozen=True)
class SegmenterManifest:
    """What `config.json` says."""

    name: str
    networks: SegmenterConfig
    sha256: str
    """SHA-256 of `model.safetensors`, in hexadecimal."""

    def __post_init__(self) -> None:
        require_name(self.name)
        require_sha256(self.sha256)


def save_segmenter(folder: Path, network: Segmenter, name: str, card: str) -> SegmenterManifest:
    """Write the folder in one step, the weights rounded to half precision.

    Raises:
        CheckpointError: a weight is not finite, or the folder holds something else than a model.
    """
    weights = {key: value.half() for key, value in network.state_dict().items()}
    return write_folder(folder, weights, FORMAT, partial(SegmenterManifest, name, network.config), card)


def read_segmenter_manifest(folder: Path) -> SegmenterManifest:
    """Read `config.json` alone.

    Raises:
        ModelError: the folder holds no segmenter of this version.
    """
    return from_dict(SegmenterManifest, read_config(folder, FORMAT), shown(folder / CONFIG_FILE))


def read_segmenter(folder: Path, device: str | torch.device = "cpu") -> tuple[SegmenterManifest, Segmenter]:
    """The network of a folder, ready for inference: eval mode, no gradients, single precision.

    Raises:
        ModelError: a file is missing, damaged or of another shape than `config.json` says.
    """
    manifest = read_segmenter_manifest(folder)
    with torch.device("meta"):
        network = Segmenter(manifest.networks)
    weights = read_model_weights(folder, network.half().state_dict(), manifest.sha256, device)
    network.load_state_dict({key: value.float() for key, value in weights.items()}, assign=True)
    return manifest, network.eval().requires_grad_(False)
