"""Training of the segmenter on composites, with clicks as they come: predict, look where it is most wrong, click there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data.procedural.motion import Array
from ..training import processes
from .composites import Composite, random_composite
from .config import GROUP, PART, THING
from .interaction import NO_CLICK, Click, first_click, iou, next_click
from .network import POSITIVE, Masks, Segmenter, as_input
from .stock import Stock

CORRECTIONS = (0.4, 0.25, 0.2, 0.15)
"""How often a batch is judged after none, one, two, three further clicks."""
OTHER_LEVEL = 0.25
"""How often further clicks are after the part or the group instead of the thing, where it has one."""
LEVEL_WEIGHTS = (0.4, 1.0, 0.4)
FORGETTING = 0.2
"""How often the mask so far is not shown."""
VALIDATION_SEED = 7
VALIDATION_COMPOSITES = 96
_VALIDATION_BATCH = 16


@dataclass
class Asked:
    """Squares (B, 3, S, S) and wanted masks (B, 3, S/2, S/2) of part, thing, group; `known` (B, 3) says which there are."""

    rgb: Tensor
    wanted: Tensor
    known: Tensor
    clicks: list[list[Click]]

    def click_tensor(self) -> Tensor:
        """(B, K, 3)."""
        most = max(len(clicks) for clicks in self.clicks)
        return torch.tensor([[*clicks, *[NO_CLICK] * (most - len(clicks))] for clicks in self.clicks], device=self.rgb.device)


class SegmentationStage:
    """Trains the decoder, or with `whole` the encoder too, but for its finest levels, whose gradients cost most."""

    exact = False

    def __init__(
        self, network: Segmenter, train: Stock, held_out: Stock, size_px: int, batch: int, seed: int, *, whole: bool
    ) -> None:
        self.name = "whole" if whole else "decoder"
        self._network, self._whole = network, whole
        self.module: nn.Module = network if whole else network.decoder
        network.encoder.requires_grad_(whole)
        network.encoder.finest.requires_grad_(False)
        self._train, self._held_out, self._size_px, self._batch, self._seed = train, held_out, size_px, batch, seed

    def losses(self, step: int) -> dict[str, Tensor]:
        """Terms of the loss on fresh composites."""
        rng = np.random.default_rng([self._seed, 11 + self._whole, step, processes.index()])
        composites = [random_composite(rng, self._train, self._size_px) for _ in range(self._batch // processes.count())]
        asked = ask(rng, composites, next(self._network.parameters()).device)
        # Gradients of depthwise convolutions are slower in bfloat16.
        half = torch.autocast(asked.rgb.device.type, torch.bfloat16, enabled=not self._whole)
        with torch.set_grad_enabled(self._whole), half:
            features = self._network.encoder(asked.rgb)
        previous = torch.zeros_like(asked.wanted[:, :1])
        corrections = int(rng.choice(len(CORRECTIONS), p=CORRECTIONS))
        if corrections:
            _turn_to_other_levels(rng, asked)
        with torch.no_grad():
            still = [feature.detach() for feature in features]
            for _ in range(corrections):
                previous = _correct(asked, self._decoded(asked, still, previous), rng)
        if rng.random() < FORGETTING:
            previous = torch.zeros_like(previous)
        return mask_losses(self._decoded(asked, features, previous), asked)

    def _decoded(self, asked: Asked, features: list[Tensor], previous: Tensor) -> Masks:
        """Decoded in bfloat16: a quarter faster on processors that have it, and the weights stay in single precision."""
        with torch.autocast(asked.rgb.device.type, torch.bfloat16):
            masks = self._network.decoder(asked.rgb, features, asked.click_tensor(), previous)
        return Masks(masks.logits.float(), masks.scores.float())

    def validate(self) -> dict[str, float]:
        """IoU of the thing on held-out composites after one, two and three clicks."""
        rng = np.random.default_rng(VALIDATION_SEED)
        rows: list[list[float]] = []
        for size in _batches(VALIDATION_COMPOSITES, _VALIDATION_BATCH):
            composites = [random_composite(rng, self._held_out, self._size_px) for _ in range(size)]
            rows += self._judged(ask(rng, composites, next(self._network.parameters()).device))
        figures = {"iou": np.mean(rows, axis=0), "median": np.median(rows, axis=0)}
        return {f"{name}_{clicks + 1}": float(values[clicks]) for name, values in figures.items() for clicks in range(3)}

    def _judged(self, asked: Asked) -> list[list[float]]:
        features = self._network.encoder(asked.rgb)
        previous, rows = torch.zeros_like(asked.wanted[:, :1]), []
        for _ in range(3):
            masks = self._network.decoder(asked.rgb, features, asked.click_tensor(), previous)
            rows.append([iou(*pair) for pair in _pairs(asked, masks)])
            previous = _correct(asked, masks, None)
        return np.transpose(rows).tolist()


def ask(rng: np.random.Generator, composites: list[Composite], device: torch.device) -> Asked:
    """Composites as tensors, with a click on each thing."""
    wanted, known, clicks = [], [], []
    for composite in composites:
        x_px, y_px = first_click(rng, composite.thing)
        masks = [composite.part_at(x_px, y_px), composite.thing, composite.group]
        known.append([mask is not None for mask in masks])
        wanted.append([composite.thing if mask is None else mask for mask in masks])
        side = len(composite.thing)
        clicks.append([((x_px + 0.5) / side, (y_px + 0.5) / side, POSITIVE)])
    rgb = torch.from_numpy(np.stack([composite.rgb for composite in composites])).to(device)
    halves = np.array([[_halved(mask) for mask in masks] for masks in wanted], np.float32)
    return Asked(as_input(rgb), torch.from_numpy(halves).to(device), torch.tensor(known, device=device), clicks)


def mask_losses(masks: Masks, asked: Asked) -> dict[str, Tensor]:
    """Cross entropy and one minus soft IoU of the masks that are known, and how far their scores are off."""
    weights = asked.known * torch.tensor(LEVEL_WEIGHTS, device=asked.known.device)
    entropy = F.binary_cross_entropy_with_logits(masks.logits, asked.wanted, reduction="none").mean((2, 3))
    found = masks.logits.sigmoid()
    both = (found * asked.wanted).sum((2, 3))
    either = (found + asked.wanted - found * asked.wanted).sum((2, 3))
    with torch.no_grad():
        hard, true = masks.logits > 0, asked.wanted > 0.5
        truth = ((hard & true).sum((2, 3)) + 1.0) / ((hard | true).sum((2, 3)) + 1.0)
    off = ((masks.scores - truth).square() * asked.known).sum() / asked.known.sum()
    return {
        "entropy": 2 * (entropy * weights).sum() / weights.sum(),
        "overlap": ((1 - (both + 1) / (either + 1)) * weights).sum() / weights.sum(),
        "score": off,
    }


def _turn_to_other_levels(rng: np.random.Generator, asked: Asked) -> None:
    """Some further clicks are after another level: what they ask for is the thing then."""
    for index, known in enumerate(asked.known.tolist()):
        others = [level for level in (PART, GROUP) if known[level]]
        if others and rng.random() < OTHER_LEVEL:
            asked.wanted[index, THING] = asked.wanted[index, others[rng.integers(len(others))]]
            asked.known[index, PART] = asked.known[index, GROUP] = False


def _pairs(asked: Asked, masks: Masks) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    wanted, found = (values.cpu().numpy() for values in (asked.wanted[:, THING] > 0.5, masks.logits[:, THING] > 0))
    return zip(wanted, found, strict=True)


def _correct(asked: Asked, masks: Masks, rng: np.random.Generator | None) -> Tensor:
    """Add a click to each square; returns the things' masks so far (B, 1, S/2, S/2)."""
    for clicks, (wanted, found) in zip(asked.clicks, _pairs(asked, masks), strict=True):
        clicks.append(next_click(wanted, found, rng))
    return masks.logits[:, THING : THING + 1].sigmoid()


def _halved(mask: Array) -> Array:
    side = len(mask) // 2
    return np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def _batches(count: int, size: int) -> list[int]:
    return [min(size, count - start) for start in range(0, count, size)]
