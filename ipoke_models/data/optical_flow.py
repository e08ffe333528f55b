"""Dense optical flow by OpenCV's DIS, for footage and for measuring what generated clips do."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LEAST_SIDE_PX = 256


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
