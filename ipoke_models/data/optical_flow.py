"""Dense optical flow by OpenCV's DIS, for footage and for measuring what generated clips do."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

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
