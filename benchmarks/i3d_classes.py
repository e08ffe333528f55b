"""`python -m benchmarks.i3d_classes CLIP...`: the classes that the converted I3D sees in real clips, to check its weights by.

The numbers are those of Kinetics-400's list of classes in alphabetical order, from 0: 333 is "sign language interpreting",
7 "arranging flowers".
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ipoke_media import video
from ipoke_models.metrics.i3d import SIZE_PX, load_i3d
from ipoke_models.metrics.weights import MetricWeightsError

FRAMES = 40
SHOWN = 5


def read_clip(file: Path) -> Tensor:
    """The middle square of the first frames of a video, (T, 3, 224, 224) in [-1, 1]; no frames where it can't be read."""
    frames: list[NDArray[np.uint8]] = []
    try:
        for frame in video.read_frames(file, range(FRAMES)):
            height, width = frame.shape[:2]
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            square = cv2.resize(frame[top : top + side, left : left + side], (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
            frames.append(np.asarray(square, np.uint8))
    except video.VideoError as error:
        print(error, file=sys.stderr)
    pixels = np.stack(frames) if frames else np.zeros((0, SIZE_PX, SIZE_PX, 3), np.uint8)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.inference_mode()
def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.i3d_classes", description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    options = parser.parse_args()
    try:
        network = load_i3d()
    except MetricWeightsError as error:
        print(error, file=sys.stderr)
        return 1
    for file in options.clips:
        clip = read_clip(file)
        if len(clip) < FRAMES:
            print(f"{file} has {len(clip)} frames that can be read, and {FRAMES} are needed.", file=sys.stderr)
            return 1
        chances, classes = network(clip[None]).softmax(dim=1)[0].topk(SHOWN)
        listed = ", ".join(f"{number} ({chance:.2f})" for number, chance in zip(classes.tolist(), chances.tolist(), strict=True))
        print(f"{file.name}: {listed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
