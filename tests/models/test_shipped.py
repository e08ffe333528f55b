"""The models that ship: small enough, described by their card, and held to the pokes."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import torch

from ipoke_models import installed_models, load_model
from ipoke_models.checkpoint import sha256_of
from ipoke_models.inference import WEIGHTS, ModelInfo

PLATE = Path(__file__).parents[2] / "demo" / "plate.jpg"
MOST_BYTES = 30e6
POKE = [[0.3, 0.35, 0.1, -0.08]]
SHIPPED = [info for info in installed_models() if info.folder.parent == WEIGHTS]


@pytest.fixture(scope="module")
def still() -> torch.Tensor:
    """The demo's photograph, its middle square at 64 px."""
    picture = cv2.imread(str(PLATE))
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    small = cv2.resize(picture[top : top + side, left : left + side, ::-1], (64, 64), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small).permute(2, 0, 1) / 127.5 - 1


def test_a_general_model_and_one_for_plants_ship() -> None:
    assert [(info.name, info.default) for info in SHIPPED] == [("garden-64", True), ("plants-64", False)]


@pytest.mark.parametrize("info", SHIPPED, ids=lambda info: info.name)
def test_weights_are_small_and_those_of_the_card(info: ModelInfo) -> None:
    weights = info.folder / "model.safetensors"
    assert weights.stat().st_size < MOST_BYTES
    card = (info.folder / "model_card.md").read_text(encoding="utf-8")
    assert sha256_of(weights) in card
    assert f"ipoke train {'plants --held' if info.name == 'plants-64' else 'garden plants'}" in card
    assert f"ipoke evaluate {info.name} " in card


@pytest.mark.parametrize("info", SHIPPED, ids=lambda info: info.name)
def test_the_poked_place_goes_to_its_tip_and_most_of_the_picture_stays(info: ModelInfo, still: torch.Tensor) -> None:
    last = list(load_model(info.name).stream(still, POKE, n=4, seed=1))[-1]
    assert last.flow is not None
    column, row = (round(64 * (POKE[0][i] + POKE[0][i + 2]) - 0.5) for i in (0, 1))
    arrow = 64 * torch.tensor(POKE[0][2:])
    assert float((last.flow[:, :, row, column] + arrow).norm(dim=1).amax()) < 1
    assert float((last.flow.norm(dim=1) < 1).float().mean()) > 0.7
