"""Who finds things under clicks: the segmenter, and what it is measured beside, which is GrabCut and salience networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .config import GROUP, PART, THING
from .interaction import Click, Mask, parts_under
from .network import POSITIVE
from .segmenter import Found, Prepared, Segmenter, Stroke

Rgb = NDArray[np.uint8]
_SURE = 0.5
_GRABCUT_SIDE_PX, _GRABCUT_ROUNDS, _GRABCUT_DISC = 128, 4, 0.06
_SALIENCE_SIDE_PX = 320


class Contestant(Protocol):
    """Shown a picture once, then asked with ever more clicks."""

    name: str
    corrects: bool
    """Whether further clicks change what it finds."""

    def shown(self, rgb: Rgb) -> Callable[[Sequence[Click]], Mask]:
        """What finds the thing (H, W) under clicks, of which the first is on it."""


class Clicked:
    """The segmenter; asked for its `thing`."""

    corrects = True

    def __init__(self, segmenter: Segmenter) -> None:
        self.name, self.segmenter = segmenter.name, segmenter
        self.prepared: Prepared | None = None
        """The picture that was shown last."""

    def shown(self, rgb: Rgb) -> Callable[[Sequence[Click]], Mask]:
        """Finds the thing."""
        prepared = self.prepared = self.segmenter.prepare(rgb)
        size_px = prepared.size_px

        def find(clicks: Sequence[Click]) -> Mask:
            return on_picture(self.segmenter.masks(prepared, strokes_of(clicks)), size_px)[THING]

        return find


def strokes_of(clicks: Sequence[Click]) -> list[Stroke]:
    """Every click as a stroke of its own."""
    return [Stroke(((x, y),), sign == POSITIVE) for x, y, sign in clicks if sign]


def on_picture(found: Found, size_px: tuple[int, int]) -> NDArray[np.bool_]:
    """The masks (3, H, W) of part, thing and group, decided."""
    assert (PART, THING, GROUP) == (0, 1, 2)
    return np.asarray(found.on_picture(size_px) > _SURE)


class GrabCut:
    """Colours against those of the rest, from a disc around each click; what is connected to the first click."""

    name, corrects = "GrabCut", True

    def shown(self, rgb: Rgb) -> Callable[[Sequence[Click]], Mask]:
        """Finds the thing, at 128 px."""
        small = cv2.resize(rgb, (_GRABCUT_SIDE_PX, _GRABCUT_SIDE_PX), interpolation=cv2.INTER_AREA)

        def find(clicks: Sequence[Click]) -> Mask:
            found = below(_grabcut(np.asarray(small, np.uint8), clicks), clicks[0]).astype(np.uint8)
            return np.asarray(cv2.resize(found, rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)

        return find


def _grabcut(small: Rgb, clicks: Sequence[Click]) -> Mask:
    labels = np.full(small.shape[:2], cv2.GC_PR_BGD, np.uint8)
    side = len(labels)
    border = max(1, round(0.02 * side))
    labels[:border], labels[-border:], labels[:, :border], labels[:, -border:] = (cv2.GC_BGD,) * 4
    places = [((int(x * side), int(y * side)), sign == POSITIVE) for x, y, sign in clicks if sign]
    for centre, adds in places:
        cv2.circle(labels, centre, max(2, round(_GRABCUT_DISC * side)), cv2.GC_PR_FGD if adds else cv2.GC_PR_BGD, -1)
    for centre, adds in places:
        cv2.circle(labels, centre, 1, cv2.GC_FGD if adds else cv2.GC_BGD, -1)
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(small, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), _GRABCUT_ROUNDS)
    except cv2.error:  # too few colours of one sort
        return np.zeros(labels.shape, bool)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


class Salience:
    """A network that finds what stands out, as published; what is connected to the first click."""

    corrects = False

    def __init__(self, weights: Path) -> None:
        if not weights.is_file():
            raise ModelError(f"There is no file {weights}; give an ONNX file of U2-Net's.")
        self.name = f"{weights.stem}, untaught"
        self._net = cv2.dnn.readNetFromONNX(str(weights))

    def map_of(self, rgb: Rgb) -> NDArray[np.float32]:
        """What stands out in a picture, (320, 320) in [0, 1]."""
        side = (_SALIENCE_SIDE_PX, _SALIENCE_SIDE_PX)
        small = cv2.resize(rgb, side, interpolation=cv2.INTER_AREA).astype(np.float32)
        level = (small / max(float(small.max()), 1.0) - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        self._net.setInput(level.transpose(2, 0, 1)[None].astype(np.float32))
        return np.asarray(self._net.forward(self._net.getUnconnectedOutLayersNames()[0])[0, 0], np.float32)

    def shown(self, rgb: Rgb) -> Callable[[Sequence[Click]], Mask]:
        """Finds the thing, at 320 px."""
        found = np.asarray(cv2.resize(self.map_of(rgb), rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR) > _SURE)
        return lambda clicks: below(found, clicks[0])


def below(mask: Mask, click: Click) -> Mask:
    """The connected part of a mask (H, W) that a click is on; nothing where it is on none."""
    height, width = mask.shape
    return parts_under(mask, [(min(width - 1, int(click[0] * width)), min(height - 1, int(click[1] * height)))])
