"""Dense optical flow by OpenCV's DIS, for footage and for measuring what generated clips do."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LEAST_SIDE_PX = 256
AGREEMENT_SHARE, AGREEMENT_SQUARE = 0.05, 1e-4
"""How far there and back may miss, squared: this share of both squared lengths, and this share of the squared side."""

FlowEstimator = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]
"""From one RGB picture (H, W, 3) to another: forward flow (H, W, 2) px as (x, y)."""


def dis_flow(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Forward flow (H, W, 2) px from one RGB picture (H, W, 3) to another; small pictures are enlarged to estimate it."""
    height, width = first.shape[:2]
    scale = max(1.0, LEAST_SIDE_PX / min(height, width))
    size = (round(width * scale), round(height * scale))
    grey = [cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_CUBIC) for image in (first, second)]
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = estimator.calc(grey[0], grey[1], np.zeros((size[1], size[0], 2), np.float32))
    return np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA) / scale, np.float32)


def to_bytes(frames: Tensor) -> NDArray[np.uint8]:
    """(..., 3, H, W) in [-1, 1] -> (..., H, W, 3) uint8."""
    return ((frames + 1) * 127.5).round().clamp(0, 255).byte().movedim(-3, -1).contiguous().cpu().numpy()


def estimate_motion(clip: Tensor) -> Tensor:
    """Forward flow from the first frame of a clip (T+1, 3, S, S) in [-1, 1] to the others, (T, 2, S, S) px, by DIS."""
    frames = to_bytes(clip)
    flows = np.stack([dis_flow(frames[0], frame) for frame in frames[1:]])
    return torch.from_numpy(flows).permute(0, 3, 1, 2)


def flow_estimator(name: str) -> FlowEstimator:
    """The estimator of that name: "dis", or "package.module:function" for one of your own.

    Raises:
        ValueError: there is no such function.
    """
    if name == "dis":
        return dis_flow
    module, _, function = name.partition(":")
    try:
        found: FlowEstimator = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"There is no flow estimator '{name}' ({error}); give 'dis' or PACKAGE.MODULE:FUNCTION.") from error
    return found


def visible_places(backward: NDArray[np.float32], forward: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pixels of a frame (H, W) could be seen in x0: those that go back to it, and from there forth to where they are.

    backward, forward: (H, W, 2) px between the frame and x0. After Sundaram et al. (ECCV 2010), with wider bounds for large
    motion: |b + f(p + b)|^2 < share (|b|^2 + |f|^2) + (0.01 side)^2.
    """
    height, width = backward.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = columns + backward[..., 0], rows + backward[..., 1]
    there = cv2.remap(forward, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    missed = np.square(backward + there).sum(-1)
    allowed = AGREEMENT_SHARE * (np.square(backward).sum(-1) + np.square(there).sum(-1))
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray(inside & (missed < allowed + AGREEMENT_SQUARE * height * width), bool)
