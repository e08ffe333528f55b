"""The models that ship: small enough, described by their card, and held to the pokes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ipoke_models import installed_models, load_model
from ipoke_models.checkpoint import sha256_of
from ipoke_models.evaluation.figures.stills import PokedStill, read_still
from ipoke_models.installed import WEIGHTS, ModelInfo
from ipoke_values import Sampling

PLATE = Path(__file__).parents[2] / "demo" / "plate.jpg"
MOST_BYTES = 30e6
SHIPPED = [info for info in installed_models() if info.folder.parent == WEIGHTS]


COMMANDS = {
    "garden-64": "garden51@0.19 garden52@0.11",
    "garden-128": "garden128@0.6 objects128@0.4 --held-out held128",
    "photo-64": "garden:1:8000@0.4",
    "plants-64": "stems31 --held-out stems-held",
}
"""How the training commands in their cards begin."""


def poked_dandelion(size_px: int) -> PokedStill:
    """The demo's photograph, its dandelion poked to the right and up."""
    return read_still(f"{PLATE}@0.29,0.33:0.37,0.27", size_px)


def test_a_general_model_of_two_sizes_and_those_for_photographs_and_plants_ship() -> None:
    assert [(info.name, info.default) for info in SHIPPED] == [(name, name == "garden-64") for name in COMMANDS]


@pytest.mark.parametrize("info", SHIPPED, ids=lambda info: info.name)
def test_weights_are_small_and_those_of_the_card(info: ModelInfo) -> None:
    weights = info.folder / "model.safetensors"
    assert weights.stat().st_size < MOST_BYTES
    card = (info.folder / "model_card.md").read_text(encoding="utf-8")
    assert sha256_of(weights) in card
    assert f"ipoke train {COMMANDS[info.name]}" in card
    assert f"ipoke evaluate {info.name} " in card


@pytest.mark.slow
@pytest.mark.parametrize("info", SHIPPED, ids=lambda info: info.name)
def test_the_poked_place_goes_to_its_tip_and_most_of_the_picture_stays(info: ModelInfo) -> None:
    still, px = poked_dandelion(info.size_px), info.size_px / 64
    last = list(load_model(info.name).stream(still.x0, still.pokes, n=4, sampling=Sampling(1)))[-1]
    assert last.flow is not None
    poke = info.size_px * torch.tensor(still.pokes[0])
    column, row = (poke[:2] + poke[2:] - 0.5).round().int().tolist()
    assert float((last.flow[:, :, row, column] + poke[2:]).norm(dim=1).amax()) < px
    assert float((last.flow.norm(dim=1) < px).float().mean()) > 0.7
