"""Small footage for tests: a textured square that moves over a textured ground, as a video or as numbered pictures."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE_PX = 96
SQUARE_PX = 32


def moving_square(frames: int, seed: int = 0, step_px: int = 2, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    """(frames, side, side + 32, 3) RGB: the square starts at x = 10 and moves `step_px` to the right from frame to frame."""
    rng = np.random.default_rng(seed)
    ground = cv2.resize(rng.integers(60, 130, (12, 16, 3), np.uint8), (side_px + 32, side_px), interpolation=cv2.INTER_CUBIC)
    square = cv2.resize(rng.integers(100, 256, (8, 8, 3), np.uint8), (SQUARE_PX, SQUARE_PX), interpolation=cv2.INTER_CUBIC)
    pictures = np.repeat(ground[None], frames, axis=0)
    for number, picture in enumerate(pictures):
        left = min(10 + number * step_px, side_px + 32 - SQUARE_PX)
        picture[side_px // 3 : side_px // 3 + SQUARE_PX, left : left + SQUARE_PX] = square
    return pictures


def write_video(path: Path, frames: NDArray[np.uint8]) -> Path:
    """Motion JPEG for `.avi`, MPEG-4 for `.mp4`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = "MJPG" if path.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, frames.shape[2:0:-1])
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def write_pictures(folder: Path, frames: NDArray[np.uint8]) -> Path:
    """`1.png`, `2.png`, ... `10.png`: their order is that of the numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, start=1):
        cv2.imwrite(str(folder / f"{number}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return folder
