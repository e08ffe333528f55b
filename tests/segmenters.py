"""A segmenter's folder with random weights: enough for the way to it."""

from __future__ import annotations

from pathlib import Path

import torch

from ipoke_models.segmentation.config import SegmenterConfig
from ipoke_models.segmentation.folder import save_segmenter
from ipoke_models.segmentation.network import Segmenter

SMALL = SegmenterConfig(
    size_px=64, widths=(8, 8, 8, 16, 16), prompt_widths=(8, 8, 8, 8, 8), likeness=8, attention=1, max_clicks=6
)


def small_network(seed: int = 0) -> Segmenter:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Segmenter(SMALL).eval().requires_grad_(False)


def save_small_segmenter(folder: Path, name: str, *, blind: bool = False) -> Path:
    """A `blind` one finds nothing anywhere; of the name that ships, it keeps tests from depending on what that finds."""
    network = small_network()
    if blind:
        network.decoder.head.weight.zero_()
        network.decoder.head.bias.fill_(-20)
    save_segmenter(folder, network, name, f"# {name}\n")
    return folder
